// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * fuzz_regions [COUNT [SEED]] - random hostile maps against the oracle.
 *
 * Stops at the first difference and prints the map that shows it.
 */
#include <base/assert.h>

#include <stdio.h>
#include <stdlib.h>

#include "region_hostile.h"

#define DEFAULT_COUNT 1000000
#define DEFAULT_SEED 0x9e3779b97f4a7c15UL

void assert_failed(const char *file, int line, const char *text)
{
	printf("# %s:%d: ASSERT %s\n", file, line, text);
	abort();
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 0) : DEFAULT_COUNT;
	uint64_t given = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	uint64_t seed = given != 0 ? given : DEFAULT_SEED;
	struct hostile_census census = { .maps = 0 };
	unsigned differences = 0;
	bool good;

	while (census.maps < count && differences == 0) {
		uint64_t before = seed;
		struct hostile_map map;
		const char *difference;

		hostile_map_make(&map, &seed);
		hostile_census_count(&census, &map);
		difference = hostile_map_check(&map);
		if (difference != NULL) {
			differences++;
			printf("# seed %#lx: %s\n", before, difference);
			hostile_map_print(&map);
		}
	}
	printf("@fuzz maps=%lu differences=%u overlapping=%lu wrapping=%lu\n",
	       census.maps, differences, census.overlapping, census.wrapping);
	good = differences == 0 &&
	       (census.maps < 1000 ||
		(census.overlapping * 100 >= census.maps * 60 &&
		 census.wrapping * 100 >= census.maps * 10));
	if (differences == 0 && !good)
		printf("# too few maps overlap or wrap to mean much\n");
	return good ? 0 : 1;
}
