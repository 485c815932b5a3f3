// SPDX-License-Identifier: MIT OR Apache-2.0
#include "map_lines.h"

/* The most pages whose bytes fit in 64 bits. */
#define PAGES_MAX (~0ULL / PAGE_BYTES)

static UINT64 random_next(UINT64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void lines_read(struct lines *lines, const void *map, UINTN bytes,
		UINTN stride)
{
	lines->count = 0;
	for (UINTN at = 0; at + stride <= bytes; at += stride) {
		const EFI_MEMORY_DESCRIPTOR *from =
			(const void *)((const char *)map + at);

		lines_add(lines, (struct line){
			from->Type, from->PhysicalStart,
			from->NumberOfPages, from->Attribute });
	}
}

void lines_add(struct lines *lines, struct line line)
{
	if (lines->count == LINES_MAX)
		leave("TOO_MANY_LINES", LINES_MAX, EXIT_BROKEN);
	lines->items[lines->count++] = line;
}

void lines_paint(struct lines *lines, struct line line)
{
	UINTN before = lines->count;

	for (UINTN i = 0; i < before; i++) {
		struct line *old = &lines->items[i];
		struct line tail = *old;

		if (line_end(old) <= line.start ||
		    line_end(&line) <= old->start)
			continue;
		if (line_end(old) > line_end(&line)) {
			tail.start = line_end(&line);
			tail.pages = (line_end(old) - tail.start) / PAGE_BYTES;
			lines_add(lines, tail);
		}
		old->pages = old->start < line.start ?
			(line.start - old->start) / PAGE_BYTES : 0;
	}
	lines_add(lines, line);
	for (UINTN i = 0; i < lines->count; i++)
		if (lines->items[i].pages == 0)
			lines->items[i--] = lines->items[--lines->count];
}

void lines_sort(struct lines *lines)
{
	for (UINTN i = 1; i < lines->count; i++) {
		struct line line = lines->items[i];
		UINTN at = i;

		for (; at > 0 && lines->items[at - 1].start > line.start; at--)
			lines->items[at] = lines->items[at - 1];
		lines->items[at] = line;
	}
}

void lines_join(struct lines *lines)
{
	UINTN kept = 0;

	for (UINTN i = 1; i < lines->count; i++) {
		struct line *last = &lines->items[kept];
		struct line next = lines->items[i];

		if (line_end(last) == next.start && last->type == next.type &&
		    last->attributes == next.attributes)
			last->pages += next.pages;
		else
			lines->items[++kept] = next;
	}
	lines->count = kept + 1;
}

static void swap(struct line *a, struct line *b)
{
	struct line kept = *a;

	*a = *b;
	*b = kept;
}

void lines_reverse(struct lines *lines)
{
	for (UINTN i = 0; i < lines->count / 2; i++)
		swap(&lines->items[i], &lines->items[lines->count - 1 - i]);
}

void lines_shuffle(struct lines *lines, UINT64 seed)
{
	UINT64 state = seed * 0x9e3779b97f4a7c15ULL | 1;

	for (UINTN i = lines->count; i > 1; i--)
		swap(&lines->items[i - 1],
		     &lines->items[random_next(&state) % i]);
}

void lines_split(struct lines *lines, UINTN count)
{
	while (lines->count < count) {
		struct line *largest = &lines->items[0];
		struct line tail;

		for (UINTN i = 1; i < lines->count; i++)
			if (lines->items[i].pages > largest->pages)
				largest = &lines->items[i];
		if (largest->pages < 2)
			return;
		tail = *largest;
		tail.pages = largest->pages / 2;
		largest->pages -= tail.pages;
		tail.start = line_end(largest);
		lines_add(lines, tail);
	}
}

void lines_write(const struct lines *lines, void *to, UINTN stride)
{
	UINT64 state = 0x2545f4914f6cdd1dULL;
	char *bytes = to;

	for (UINTN i = 0; i < lines->count * stride; i++)
		bytes[i] = (char)(random_next(&state) >> 32);
	for (UINTN i = 0; i < lines->count; i++) {
		const struct line *from = &lines->items[i];
		UINT32 type = (UINT32)from->type;

		BS->CopyMem(bytes + i * stride, &type, sizeof(type));
		BS->CopyMem(bytes + i * stride + 8, (void *)&from->start, 8);
		BS->CopyMem(bytes + i * stride + 24, (void *)&from->pages, 16);
	}
}

UINT32 lines_checksum(const struct lines *lines)
{
	UINT32 sum = 0;

	for (UINTN i = 0; i < lines->count; i++) {
		struct line line = lines->items[i];
		UINT32 one;

		if (line.pages > PAGES_MAX)
			line.pages = PAGES_MAX;
		must(BS->CalculateCrc32(&line, sizeof(line), &one), "NO_CRC");
		/* The order counts. */
		sum = (sum << 1 | sum >> 31) ^ one;
	}
	return sum;
}
