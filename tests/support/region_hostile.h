/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * region_hostile.h - random memory maps that no firmware should hand out.
 *
 * They play in a few small windows of pages around the places where a rule
 * changes, so that every page there can be asked about. Needs nothing of
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

/* Kinds of maps so far: the shares that a test requires. */
struct hostile_census {
	uint64_t maps, overlapping, wrapping, beyond, unaligned, empty, odd,
		 limited;
};

/* Advances `*seed`, which must not be 0. */
void hostile_map_make(struct hostile_map *map, uint64_t *seed);

void hostile_census_count(struct hostile_census *census,
			  const struct hostile_map *map);

/* Builds the regions, audits them and asks the oracle. NULL: all agree. */
const char *hostile_map_check(const struct hostile_map *map);

void hostile_map_print(const struct hostile_map *map);

#endif
