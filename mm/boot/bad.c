// SPDX-License-Identifier: MIT OR Apache-2.0
#include <boot/bad.h>

const struct bad_range *bad_find(const struct bad_range *list, size_t count,
				 uint64_t start, uint64_t bytes)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].start.raw < start + bytes &&
		    start < list[i].end.raw)
			return &list[i];
	return NULL;
}

uint64_t bad_step_over(const struct bad_range *list, size_t count,
		       uint64_t start, uint64_t bytes)
{
	const struct bad_range *bad;

	while ((bad = bad_find(list, count, start, bytes)) != NULL)
		start = bad->end.raw;
	return start;
}

/* Before each range lies a gap that is a page too short, at worst. */
uint64_t bad_detour_bytes(const struct bad_range *list, size_t count,
			  uint64_t bytes)
{
	uint64_t detour = 0;

	for (size_t i = 0; i < count; i++)
		detour += list[i].end.raw - list[i].start.raw + bytes -
			  PAGE_SIZE;
	return detour;
}
