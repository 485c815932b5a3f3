/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* map_lines.h - a firmware's memory map as a list that can be changed. */
#ifndef FIRMWARE_MAP_LINES_H
#define FIRMWARE_MAP_LINES_H

#include "hostile.h"

#define TYPE_PERSISTENT		14
#define TYPE_UNACCEPTED		15
#define ATTRIBUTE_SP		0x40000ULL
#define LINES_MAX		6000

struct line {
	UINT64 type, start, pages, attributes;
};

struct lines {
	struct line *items;		/* LINES_MAX of them                 */
	UINTN count;
};

static inline UINT64 line_end(const struct line *line)
{
	return line->start + line->pages * PAGE_BYTES;
}

void lines_read(struct lines *lines, const void *map, UINTN bytes,
		UINTN stride);
void lines_add(struct lines *lines, struct line line);
/* Sets the type of exactly these pages, whatever it was before. */
void lines_paint(struct lines *lines, struct line line);
void lines_sort(struct lines *lines);
/* Joins adjacent lines of the same type in a sorted list. */
void lines_join(struct lines *lines);
void lines_reverse(struct lines *lines);
void lines_shuffle(struct lines *lines, UINT64 seed);
/* Halves the largest ones until there are `count`. */
void lines_split(struct lines *lines, UINTN count);
/* Writes them `stride` bytes apart, with random values in unused fields. */
void lines_write(const struct lines *lines, void *to, UINTN stride);
/* CRC-32 of the lines, in this order; `pages` up to PAGES_MAX. */
UINT32 lines_checksum(const struct lines *lines);

/* map_amount.c */
void map_change_amount(struct lines *lines);

#endif
