// SPDX-License-Identifier: MIT OR Apache-2.0
#include <boot/bad.h>

const struct range *bad_find(const struct range *list, size_t count,
			     uint64_t start, uint64_t bytes)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].start < start + bytes && start < list[i].end)
			return &list[i];
	return NULL;
}

uint64_t bad_step_over(const struct range *list, size_t count, uint64_t start,
		       uint64_t bytes)
{
	const struct range *bad;

	while ((bad = bad_find(list, count, start, bytes)) != NULL)
		start = bad->end;
	return start;
}

/* At worst, the gap before each range is one page too short. */
uint64_t bad_detour_bytes(const struct range *list, size_t count,
			  uint64_t bytes)
{
	uint64_t detour = 0;

	for (size_t i = 0; i < count; i++)
		detour += range_bytes(list[i]) + bytes - PAGE_SIZE;
	return detour;
}
