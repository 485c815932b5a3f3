// SPDX-License-Identifier: MIT OR Apache-2.0
#include "region_hostile.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Edges are at quarter pages of these pages and of the SHORT_PAGES after them,
 * and nowhere else below 2^52.
 */
static const struct oracle_run windows[] = {
	{ 0, 3 },
	{ 13, 6 },		/* 64 KiB is page 16                         */
	{ 252, 12 },		/* 1 MiB is page 256                         */
	{ (1UL << 34) - 3, 6 },	/* 64 TiB                                    */
	{ (1UL << 40) - 3, 3 },	/* 2^52                                      */
};

#define WINDOW_PAGES_MAX 12
#define SHORT_PAGES 3

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed * 0x9e3779b97f4a7c15UL >> 16;
}

static uint64_t below(uint64_t *seed, uint64_t limit)
{
	return next_random(seed) % limit;
}

static bool one_in(uint64_t *seed, uint64_t n)
{
	return below(seed, n) == 0;
}

static uint64_t random_edge(uint64_t *seed)
{
	/* More samples at the windows with more rules. */
	static const unsigned char choice[] = { 0, 1, 1, 2, 2, 2, 2, 3, 3, 4 };
	const struct oracle_run *window =
		&windows[choice[below(seed, COUNT_OF(choice))]];
	uint64_t edge = (window->first_page + below(seed, window->pages + 1))
			* 4096;

	return one_in(seed, 6) ? edge + 1024 * below(seed, 4) : edge;
}

/* Makes the range impossible in some way. */
static void make_absurd(struct map_entry *entry, uint64_t *seed)
{
	switch (below(seed, 4)) {
	case 0:				/* wraps, ends low again             */
		entry->start = 0UL - 1024 * (1 + below(seed, 64));
		entry->bytes = random_edge(seed) - entry->start;
		break;
	case 1:				/* wraps from a place that exists    */
		entry->bytes = UINT64_MAX - below(seed, 4096);
		break;
	case 2:				/* begins where nothing can be       */
		entry->start = PHYSICAL_LIMIT + 4096 * below(seed, 4);
		entry->bytes = 1024 * below(seed, 16);
		break;
	default:			/* ends where nothing can be         */
		entry->bytes = PHYSICAL_LIMIT - entry->start +
			       1024 * below(seed, 16);
		break;
	}
}

static void make_entry(struct map_entry *entry, uint64_t *seed)
{
	static const uint32_t usual[] = { 7, 7, 7, 7, 4, 3, 2, 1 };
	static const uint32_t others[] = {
		0, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x70000000,
		0x80000000, UINT32_MAX,
	};
	uint64_t other_edge = random_edge(seed);

	entry->type = one_in(seed, 3) ? others[below(seed, COUNT_OF(others))]
				      : usual[below(seed, COUNT_OF(usual))];
	entry->attributes = 0xf;
	if (one_in(seed, 12))
		entry->attributes = next_random(seed) << 16 ^
				    next_random(seed);
	if (one_in(seed, 20))
		entry->attributes = 0;
	entry->start = random_edge(seed);
	if (other_edge < entry->start) {
		uint64_t kept = entry->start;

		entry->start = other_edge;
		other_edge = kept;
	}
	entry->bytes = other_edge - entry->start;
	if (one_in(seed, 3))
		entry->bytes = 1024 * below(seed, 4 * SHORT_PAGES + 1);
	if (one_in(seed, 18))
		make_absurd(entry, seed);
	if (one_in(seed, 40))
		entry->bytes = 0;
}

void hostile_map_make(struct hostile_map *map, uint64_t *seed)
{
	map->count = below(seed, HOSTILE_ENTRIES + 1);
	map->usable_limit = 0;
	if (one_in(seed, 4))
		map->usable_limit = random_edge(seed);
	for (size_t i = 0; i < map->count; i++)
		make_entry(&map->entries[i], seed);
	/* Firmware may list the same range twice. */
	if (map->count > 1 && one_in(seed, 8))
		map->entries[0] = map->entries[map->count - 1];
}

static unsigned __int128 wide_end(const struct map_entry *entry)
{
	return (unsigned __int128)entry->start + entry->bytes;
}

static bool overlaps(const struct hostile_map *map)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct map_entry *a = &map->entries[i];

		for (size_t j = 0; j < i; j++) {
			const struct map_entry *b = &map->entries[j];

			if (a->bytes != 0 && b->bytes != 0 &&
			    a->start < wide_end(b) && b->start < wide_end(a))
				return true;
		}
	}
	return false;
}

void hostile_census_count(struct hostile_census *census,
			  const struct hostile_map *map)
{
	bool wraps = false, beyond = false, unaligned = false, empty = false;
	bool odd = false;

	for (size_t i = 0; i < map->count; i++) {
		const struct map_entry *entry = &map->entries[i];

		wraps |= wide_end(entry) > UINT64_MAX;
		beyond |= wide_end(entry) > PHYSICAL_LIMIT;
		unaligned |= (entry->start | entry->bytes) % 4096 != 0;
		empty |= entry->bytes == 0;
		odd |= entry->attributes != 0xf;
	}
	census->maps++;
	census->overlapping += overlaps(map);
	census->wrapping += wraps;
	census->beyond += beyond;
	census->unaligned += unaligned;
	census->empty += empty;
	census->odd += odd;
	census->limited += map->usable_limit != 0;
}

/* Each page of the windows alone, and each gap between them as one run. */
static size_t cut_universe(struct oracle_run *runs)
{
	size_t count = 0;
	uint64_t next = 0;

	for (size_t i = 0; i < COUNT_OF(windows); i++) {
		uint64_t first = windows[i].first_page;
		uint64_t last = first + windows[i].pages + SHORT_PAGES;

		if (first > next)
			runs[count++] = (struct oracle_run){
				next, first - next
			};
		for (next = first; next <= last && next < 1UL << 40; next++)
			runs[count++] = (struct oracle_run){ next, 1 };
	}
	return count;
}

static const char *check_with(struct region_list *list,
			      const struct region_request *request)
{
	struct oracle_run runs[COUNT_OF(windows) *
			       (WINDOW_PAGES_MAX + SHORT_PAGES + 2)];
	size_t count = cut_universe(runs);

	if (region_list_build(list, request) != ST_OK)
		return "region_list_build failed";
	if (!region_list_audit(list))
		return "region_list_audit";
	return region_oracle_compare(list, request, runs, count);
}

const char *hostile_map_check(const struct hostile_map *map)
{
	struct region_request request = {
		.entries = map->entries,
		.count = map->count,
		.usable_limit = map->usable_limit,
		.scratch_bytes = region_scratch_bytes(map->count),
	};
	struct region_list list = {
		.capacity = region_list_capacity(map->count),
	};
	const char *difference = "no memory for the test";

	/*
	 * Exactly the size of the contract, so that ASan reports a byte more.
	 */
	list.items = malloc(list.capacity * sizeof(list.items[0]));
	request.scratch = malloc(request.scratch_bytes);
	if (list.items != NULL && request.scratch != NULL)
		difference = check_with(&list, &request);
	free(request.scratch);
	free(list.items);
	return difference;
}

/* Prints four columns, which cannot have edges within a page. */
void hostile_map_print(const struct hostile_map *map)
{
	printf("# usable_limit %#lx\n", map->usable_limit);
	for (size_t i = 0; i < map->count; i++) {
		const struct map_entry *entry = &map->entries[i];

		printf("# type %u start %#lx bytes %#lx attributes %#lx\n",
		       entry->type, entry->start, entry->bytes,
		       entry->attributes);
	}
}
