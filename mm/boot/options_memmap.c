// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * memmap=SIZE$START: memory that must not be used, because it is broken.
 *
 * It is the only option that adds up over words and layers, as in Linux:
 * broken memory in one layer stays broken in the next. So a wrong part is
 * ignored alone: the others still name memory to avoid.
 */
#include <base/assert.h>
#include <base/bits.h>

#include "options_internal.h"

static struct slice cut(struct slice slice, size_t from, size_t to)
{
	return (struct slice){ slice.text + from, to - from };
}

/* The index of `byte` in the slice, or the length of the slice. */
static size_t find(struct slice slice, char byte)
{
	size_t at = 0;

	while (at < slice.bytes && slice.text[at] != byte)
		at++;
	return at;
}

/* Linux' other forms: usable, ACPI or persistent memory. */
static bool has_other_mark(struct slice part)
{
	return find(part, '@') < part.bytes || find(part, '#') < part.bytes ||
	       find(part, '!') < part.bytes;
}

static const char *parse_range(struct slice part, struct range *out)
{
	size_t mark = find(part, '$');
	uint64_t bytes, start, end;

	if (has_other_mark(part))
		return "asks for a form of memmap= that is not there, only "
		       "SIZE$START is: that part is ignored";
	if (mark == part.bytes ||
	    !option_parse_size(cut(part, 0, mark), &bytes) ||
	    !option_parse_size(cut(part, mark + 1, part.bytes), &start))
		return "is not SIZE$START such as 64K$0x1000000: that part is "
		       "ignored";
	if (bytes == 0)
		return "names no memory: that part is ignored";
	if (add_overflows(start, bytes, &end) || end > PHYSICAL_LIMIT)
		return "reaches beyond all addresses: that part is ignored";
	out->start = align_down(start, PAGE_SIZE);
	out->end = align_up(end, PAGE_SIZE);
	return NULL;
}

static bool is_known(const struct options *options, const struct range *range)
{
	for (uint32_t i = 0; i < options->bad_count; i++)
		if (options->bad[i].start <= range->start &&
		    options->bad[i].end >= range->end)
			return true;
	return false;
}

static const char *add_part(struct options *options, struct slice part)
{
	struct range range;
	const char *why = parse_range(part, &range);

	/* A range that is named twice needs no room. */
	if (why != NULL || is_known(options, &range))
		return why;
	ASSERT(options->bad_count <= BAD_RANGES);
	if (options->bad_count == BAD_RANGES)
		return "is more than the 32 ranges that there is room for: "
		       "that memory is used";
	options->bad[options->bad_count++] = range;
	return NULL;
}

_Static_assert(BAD_RANGES == 32, "add_part says how many");

const char *option_set_memmap(struct options *options, struct slice value)
{
	const char *first_why = NULL;

	for (size_t at = 0; at <= value.bytes;) {
		struct slice rest = cut(value, at, value.bytes);
		size_t end = find(rest, ',');
		const char *why = add_part(options, cut(rest, 0, end));

		if (first_why == NULL)
			first_why = why;
		at += end + 1;
	}
	return first_why;
}
