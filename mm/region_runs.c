// SPDX-License-Identifier: MIT OR Apache-2.0
#include <mm/region_runs.h>

size_t region_free_runs(const struct region_list *list,
			struct frame_run *runs)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct region *region = &list->items[i];

		if (region->kind != REGION_FREE)
			continue;
		runs[count++] = (struct frame_run){
			.first = paddr_to_pfn(region->start),
			.frames = (region->end.raw - region->start.raw) /
				  PAGE_SIZE,
		};
	}
	return count;
}

bool region_is_usable(const struct region_list *list, paddr_t start,
		      uint64_t bytes)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct region *region = &list->items[i];

		if (region->end.raw <= start.raw)
			continue;
		/* The range may continue in a region of another kind. */
		if (region->start.raw > start.raw ||
		    (region->kind != REGION_FREE &&
		     region->kind != REGION_LATER))
			return false;
		if (region->end.raw - start.raw >= bytes)
			return true;
		bytes -= region->end.raw - start.raw;
		start = region->end;
	}
	return false;
}
