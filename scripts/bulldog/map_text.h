/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * map_text.h - a whole text with a memory map in it, of any length: a list by
 * itself, or a log with a list among its lines.
 */
#ifndef BULLDOG_MAP_TEXT_H
#define BULLDOG_MAP_TEXT_H

#include <base/status.h>
#include <mm/region.h>

struct map_text {
	struct map_entry *entries;	/* map_text_free gives them back     */
	size_t count, capacity;
	size_t strange_line;		/* of an error, from 1; 0: none      */
};

/* Gets each sentence, with the number of its line; 0: of no line. */
struct map_listener {
	void (*say)(struct map_listener *listener, size_t line,
		    const char *sentence);
};

/*
 * Reads the lines of text[0..bytes), which it rewrites (decode.h).
 * Fails: ST_CORRUPT, with a sentence that says why; ST_NO_MEMORY, without.
 */
enum status map_text_read(struct map_text *out, char *text, size_t bytes,
			  struct map_listener *listener);
void map_text_free(struct map_text *map);

#endif
