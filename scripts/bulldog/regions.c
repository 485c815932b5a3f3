// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tool.h"

#include <base/status.h>
#include <mm/region.h>

#include <stdint.h>
#include <stdlib.h>

#include "map_text.h"

struct complainer {
	struct map_listener listener;
	const char *path;
};

static void complain(struct map_listener *listener, size_t line,
		     const char *sentence)
{
	const struct complainer *complainer =
		(const struct complainer *)listener;
	const char *name = file_name(complainer->path);

	if (line != 0)
		tool_complain("%s:%zu: %s", name, line, sentence);
	else
		tool_complain("%s: %s", name, sentence);
}

static bool read_map(struct map_text *map, struct file_bytes *file,
		     const char *path)
{
	struct complainer complainer = { { complain }, path };
	enum status status = map_text_read(map, file->data, file->bytes,
					   &complainer.listener);

	if (status == ST_NO_MEMORY)
		tool_complain("%s: %s", file_name(path), status_text(status));
	return status == ST_OK;
}

static bool build_regions(struct region_list *out, const struct map_text *map,
			  const char *path)
{
	struct region_request request = {
		.entries = map->entries,
		.count = map->count,
		.scratch_bytes = region_scratch_bytes(map->count),
	};
	enum status status = ST_NO_MEMORY;

	*out = (struct region_list){
		.capacity = region_list_capacity(map->count),
	};
	out->items = calloc(out->capacity, sizeof(out->items[0]));
	request.scratch = malloc(request.scratch_bytes);
	if (out->items != NULL && request.scratch != NULL)
		status = region_list_build(out, &request);
	free(request.scratch);
	if (status == ST_OK)
		return true;
	tool_complain("%s: %s", file_name(path), status_text(status));
	free(out->items);
	return false;
}

static void complain_of_pages_beyond(const struct region_list *list,
				     const char *path)
{
	uint64_t pages = list->totals.beyond_pages;

	if (pages != 0)
		tool_complain("%s: usable memory above the supported %lu TiB "
			      "is kept: %lu pages", file_name(path),
			      USABLE_LIMIT / TIB, pages);
}

bool file_read_regions(struct region_list *out, struct file_bytes *file,
		       const char *path)
{
	struct map_text map = { .entries = NULL };
	bool good = read_map(&map, file, path) &&
		    build_regions(out, &map, path);

	if (good)
		complain_of_pages_beyond(out, path);
	map_text_free(&map);
	return good;
}

int command_regions(const char *path)
{
	struct region_list regions;
	struct file_bytes file;
	int status = 1;

	if (file_read(&file, path)) {
		if (file_read_regions(&regions, &file, path)) {
			region_list_print_records(&regions, tool_stdout());
			free(regions.items);
			status = 0;
		}
		file_free(&file);
	}
	sink_print(tool_stdout(), "@end cmd=regions status=%d\n", status);
	return status;
}
