/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * region_hostile.h - random memory maps with every kind of error.
 *
 * Their edges are in a few small windows of pages around the addresses at
 * which a rule changes, so every page there can be checked. Does not use
 * check.h: the fuzzer links it alone.
 */
#ifndef TESTS_REGION_HOSTILE_H
#define TESTS_REGION_HOSTILE_H

#include "region_oracle.h"

#define HOSTILE_ENTRIES 12

struct hostile_map {
	struct map_entry entries[HOSTILE_ENTRIES];
	size_t count;
	uint64_t usable_limit;
};

/* Counts of the kinds of maps; a test requires shares of them. */
struct hostile_census {
	uint64_t maps, overlapping, wrapping, beyond, unaligned, empty, odd,
		 limited;
};

/* Advances `*seed`, which must not be 0. */
void hostile_map_make(struct hostile_map *map, uint64_t *seed);

void hostile_census_count(struct hostile_census *census,
			  const struct hostile_map *map);

/*
 * Builds the regions, audits them and compares them with the oracle. NULL: all
 * agree.
 */
const char *hostile_map_check(const struct hostile_map *map);

void hostile_map_print(const struct hostile_map *map);

#endif
