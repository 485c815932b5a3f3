// SPDX-License-Identifier: MIT OR Apache-2.0
#include "map_text.h"

#include <stdlib.h>
#include <string.h>

#include "map_line.h"

/* Leaves plain bytes; whatever is no single byte of UTF-16 becomes `?`. */
static size_t narrow(char *text, size_t bytes)
{
	size_t used = 0;

	if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		memmove(text, text + 3, bytes - 3);
		return bytes - 3;
	}
	if (bytes < 2 || memcmp(text, "\xff\xfe", 2) != 0)
		return bytes;
	for (size_t i = 2; i + 1 < bytes; i += 2)
		text[used++] = text[i + 1] == 0 ? text[i] : '?';
	return used;
}

static enum status append(struct map_text *map, const struct map_entry *entry)
{
	if (map->count == map->capacity) {
		size_t capacity = map->capacity > 0 ? 2 * map->capacity : 64;
		struct map_entry *entries =
			reallocarray(map->entries, capacity, sizeof(*entries));

		if (entries == NULL)
			return ST_NO_MEMORY;
		map->entries = entries;
		map->capacity = capacity;
	}
	map->entries[map->count++] = *entry;
	return ST_OK;
}

static enum status read_line(struct map_text *map, const char *line,
			     size_t bytes)
{
	struct map_entry entry;

	switch (map_line_read(line, bytes, &entry)) {
	case MAP_LINE_ENTRY:
		return append(map, &entry);
	case MAP_LINE_NOTHING:
		return ST_OK;
	case MAP_LINE_STRANGE:
		break;
	}
	return ST_CORRUPT;
}

enum status map_text_read(struct map_text *out, char *text, size_t bytes)
{
	const char *at = text, *end = text + narrow(text, bytes);
	size_t number = 0;

	*out = (struct map_text){ .entries = NULL };
	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		const char *stop = feed != NULL ? feed : end;
		enum status status = read_line(out, at, (size_t)(stop - at));

		number++;
		if (status != ST_OK) {
			if (status == ST_CORRUPT) {
				out->strange_line = number;
				out->strange_text = at;
				out->strange_bytes = (size_t)(stop - at);
			}
			return status;
		}
		at = feed != NULL ? feed + 1 : end;
	}
	return ST_OK;
}

void map_text_free(struct map_text *map)
{
	free(map->entries);
	*map = (struct map_text){ .entries = NULL };
}
