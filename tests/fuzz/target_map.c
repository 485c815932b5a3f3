// SPDX-License-Identifier: MIT OR Apache-2.0
/* Any bytes as the text of a memory map, and what comes of it normalised. */
#include "target.h"

#include "scripts/bulldog/cursor.c"
#include "scripts/bulldog/decode.c"
#include "scripts/bulldog/map_line.c"
#include "scripts/bulldog/map_linux.c"
#include "scripts/bulldog/map_names.c"
#include "scripts/bulldog/map_rows.c"
#include "scripts/bulldog/map_text.c"

static void normalise(const struct map_text *map)
{
	size_t scratch_bytes = region_scratch_bytes(map->count);
	struct region_list list = {
		.capacity = region_list_capacity(map->count),
	};
	void *scratch = malloc(scratch_bytes);

	list.items = malloc(list.capacity * sizeof(*list.items));
	HOLDS(region_list_build(&list, &(struct region_request){
		.entries = map->entries,
		.count = map->count,
		.scratch = scratch,
		.scratch_bytes = scratch_bytes,
	}) == ST_OK);
	HOLDS(region_list_audit(&list));
	HOLDS(list.totals.entries == map->count);
	free(list.items);
	free(scratch);
}

static void hear(struct map_listener *listener, size_t line,
		 const char *sentence)
{
	(void)listener;
	(void)line;
	HOLDS(sentence[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct map_listener listener = { hear };
	struct map_text map = { 0 };
	char *text = malloc(bytes);

	if (bytes > 0)
		memcpy(text, data, bytes);
	if (map_text_read(&map, text, bytes, &listener) == ST_OK)
		normalise(&map);
	map_text_free(&map);
	free(text);
	return 0;
}
