// SPDX-License-Identifier: MIT OR Apache-2.0
#include <mm/region_find.h>

uint64_t region_room(const struct region_list *list, paddr_t at)
{
	uint64_t end = PHYSICAL_LIMIT;
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (list->items[middle].end.raw > at.raw)
			high = middle;
		else
			low = middle + 1;
	}
	if (low < list->count)
		end = list->items[low].start.raw > at.raw ?
			      list->items[low].start.raw :
			      list->items[low].end.raw;
	return end - at.raw;
}
