/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* map_text.h - a whole text of map lines, of any length. */
#ifndef BULLDOG_MAP_TEXT_H
#define BULLDOG_MAP_TEXT_H

#include <base/status.h>
#include <mm/region.h>

struct map_text {
	struct map_entry *entries;	/* map_text_free gives them back     */
	size_t count, capacity;
	size_t strange_line;		/* from 1; 0 = none                  */
	const char *strange_text;	/* that line, inside the given text  */
	size_t strange_bytes;
};

/*
 * Reads the lines of text[0..bytes), which it may rewrite: what the UEFI
 * Shell puts into a file is UTF-16, and becomes bytes in place.
 * Fails: ST_CORRUPT, with the first strange line in `out`; ST_NO_MEMORY.
 */
enum status map_text_read(struct map_text *out, char *text, size_t bytes);
void map_text_free(struct map_text *map);

#endif
