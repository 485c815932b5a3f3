// SPDX-License-Identifier: MIT OR Apache-2.0
#include <mm/region_runs.h>

#include <base/bits.h>

#include "check.h"

/* Pages: 1 to 9 free, later, free; then a hole, free, acpi, free. */
static struct region regions[] = {
	{ { 1 * PAGE_SIZE }, { 4 * PAGE_SIZE }, REGION_FREE },
	{ { 4 * PAGE_SIZE }, { 6 * PAGE_SIZE }, REGION_LATER },
	{ { 6 * PAGE_SIZE }, { 9 * PAGE_SIZE }, REGION_FREE },
	{ { 11 * PAGE_SIZE }, { 12 * PAGE_SIZE }, REGION_FREE },
	{ { 12 * PAGE_SIZE }, { 13 * PAGE_SIZE }, REGION_ACPI },
	{ { 13 * PAGE_SIZE }, { 15 * PAGE_SIZE }, REGION_FREE },
};
static const struct region_list list = {
	.items = regions, .count = ARRAY_LENGTH(regions),
	.capacity = ARRAY_LENGTH(regions),
};

CASE(region_runs_are_the_free_regions)
{
	static const struct frame_run wanted[] = {
		{ .first = { 1 }, .frames = 3 },
		{ .first = { 6 }, .frames = 3 },
		{ .first = { 11 }, .frames = 1 },
		{ .first = { 13 }, .frames = 2 },
	};
	struct frame_run runs[ARRAY_LENGTH(regions)];

	CHECK(region_free_runs(&list, runs) == ARRAY_LENGTH(wanted));
	for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++)
		CHECK(runs[i].first.raw == wanted[i].first.raw &&
		      runs[i].frames == wanted[i].frames);
}

/* Runs of pages that have only these kinds. */
CASE(region_runs_are_usable_across_kinds_and_not_across_holes)
{
	static const char usable[] = ".uuuuuuuu..u.uu...";

	for (uint64_t first = 0; first < sizeof(usable) - 2; first++) {
		bool wanted = true;

		for (uint64_t pages = 1; first + pages < sizeof(usable);
		     pages++) {
			wanted = wanted && usable[first + pages - 1] == 'u';
			CHECK(region_is_usable(&list,
					       (paddr_t){ first * PAGE_SIZE },
					       pages * PAGE_SIZE) == wanted);
		}
	}
}
