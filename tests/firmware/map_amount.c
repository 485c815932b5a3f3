// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * How much memory the map names, and where: less than there is, in other
 * pieces, or more. `ram` alone may name what is not there.
 *
 * words: ram=START    conventional memory from there on, ram_pages=N of it
 *        little=N     below 4 GiB, no more than the lowest N MiB of usable
 *                     memory, as far as the application has not allocated it
 *        islands=N    from 4 GiB on a page in each N MiB
 *        lonely=START one page there, and no other of lonely_pages=N
 */
#include "map_lines.h"

static struct {
	UINT64 ram, ram_pages, little, islands, lonely, lonely_pages;
} wanted = { .ram_pages = 1, .lonely_pages = 1 };

static const struct {
	const char *name;
	UINT64 *number;
} words[] = {
	{ "ram", &wanted.ram },
	{ "ram_pages", &wanted.ram_pages },
	{ "little", &wanted.little },
	{ "islands", &wanted.islands },
	{ "lonely", &wanted.lonely },
	{ "lonely_pages", &wanted.lonely_pages },
};

/* The line keeps its first pages; the others become reserved. */
static void cut_line(struct lines *lines, UINTN index, UINT64 pages)
{
	struct line rest = lines->items[index];

	if (pages >= rest.pages)
		return;
	lines->items[index].pages = pages;
	rest.type = EfiReservedMemoryType;
	rest.start += pages * PAGE_BYTES;
	rest.pages -= pages;
	lines_add(lines, rest);
}

static BOOLEAN is_usable(const struct line *line)
{
	return line->type == EfiConventionalMemory ||
	       line->type == EfiBootServicesCode ||
	       line->type == EfiBootServicesData;
}

static void keep_little(struct lines *lines)
{
	UINT64 left = wanted.little * MIB / PAGE_BYTES;
	UINTN before = lines->count;

	lines_sort(lines);
	for (UINTN i = 0; i < before; i++) {
		struct line *line = &lines->items[i];

		if (!is_usable(line) || line->start >= 4 * GIB)
			continue;
		if (left == 0)
			line->type = EfiReservedMemoryType;
		else
			cut_line(lines, i, left);
		left -= left < line->pages ? left : line->pages;
	}
}

static void make_islands(struct lines *lines)
{
	UINT64 step = wanted.islands * MIB / PAGE_BYTES;

	/* Also over the lines that are added: each has an island less. */
	for (UINTN i = 0; i < lines->count; i++) {
		struct line *line = &lines->items[i], rest = *line;

		if (line->type != EfiConventionalMemory ||
		    line->start < 4 * GIB)
			continue;
		if (rest.pages > step) {
			rest.start += step * PAGE_BYTES;
			rest.pages -= step;
			line->pages = step;
			lines_add(lines, rest);
		}
		cut_line(lines, i, 1);
	}
}

void map_change_amount(struct lines *lines)
{
	if (wanted.islands != 0)
		make_islands(lines);
	if (wanted.little != 0)
		keep_little(lines);
	if (wanted.lonely != 0 && wanted.lonely_pages > 1)
		lines_paint(lines, (struct line){
			EfiReservedMemoryType, wanted.lonely + PAGE_BYTES,
			wanted.lonely_pages - 1, 0 });
	if (wanted.ram != 0)
		lines_add(lines, (struct line){
			EfiConventionalMemory, wanted.ram, wanted.ram_pages,
			EFI_MEMORY_WB });
}

static BOOLEAN word(const char *name, const char *value)
{
	for (UINTN i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!text_equals(name, words[i].name))
			continue;
		*words[i].number = text_number(value);
		return TRUE;
	}
	return FALSE;
}

const struct room map_amount_room = {
	.word = word,
};
