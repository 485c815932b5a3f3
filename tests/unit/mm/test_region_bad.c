// SPDX-License-Identifier: MIT OR Apache-2.0
/* Bad ranges in the regions, and in the ledger made of these. */
#include <mm/ledger.h>
#include <mm/region.h>

#include <base/bits.h>

#include "check.h"
#include "region_hostile.h"

#define SAMPLE_MAPS 20000

struct given {
	const struct map_entry *entries;
	size_t count;
	uint64_t usable_limit;
	struct range bad[BAD_RANGES];
	size_t bad_count;
};

static enum status build(struct region_list *list, const struct given *given)
{
	size_t bytes = region_scratch_bytes(given->count);
	void *scratch = malloc(bytes);
	enum status status;

	list->capacity = region_list_capacity(given->count);
	list->items = calloc(list->capacity, sizeof(list->items[0]));
	status = region_list_build(list, &(struct region_request){
		.entries = given->entries,
		.count = given->count,
		.usable_limit = given->usable_limit,
		.bad = given->bad,
		.bad_count = given->bad_count,
		.scratch = scratch,
		.scratch_bytes = bytes,
	});
	CHECK(region_list_audit(list));
	free(scratch);
	return status;
}

static struct range pages(uint64_t first, uint64_t end)
{
	return (struct range){ first * PAGE_SIZE, end * PAGE_SIZE };
}

static bool has(const struct region_list *list, size_t index, uint64_t first,
		uint64_t end, enum region_kind kind)
{
	const struct region *region = &list->items[index];

	return index < list->count &&
	       region->start.raw == first * PAGE_SIZE &&
	       region->end.raw == end * PAGE_SIZE && region->kind == kind;
}

/* One entry of each kind, 16 pages each from page 512 on. */
static const struct map_entry kinds[] = {
	{ 512 * PAGE_SIZE, 16 * PAGE_SIZE, 0xf, EFI_TYPE_CONVENTIONAL },
	{ 528 * PAGE_SIZE, 16 * PAGE_SIZE, 0xf, EFI_TYPE_BOOT_DATA },
	{ 544 * PAGE_SIZE, 16 * PAGE_SIZE, 0xf, EFI_TYPE_ACPI_RECLAIM },
	{ 560 * PAGE_SIZE, 16 * PAGE_SIZE, 0xf, EFI_TYPE_PERSISTENT },
	{ 576 * PAGE_SIZE, 16 * PAGE_SIZE, 0xf, EFI_TYPE_UNACCEPTED },
	{ 592 * PAGE_SIZE, 16 * PAGE_SIZE, 0xf, EFI_TYPE_RESERVED },
};

CASE(region_bad_beats_what_is_milder_and_nothing_else)
{
	struct given given = { kinds, ARRAY_LENGTH(kinds), 0,
			       { pages(520, 600), pages(700, 800) }, 2 };
	struct region_list list;

	CHECK(build(&list, &given) == ST_OK && list.count == 3);
	CHECK(has(&list, 0, 512, 520, REGION_FREE));
	CHECK(has(&list, 1, 520, 592, REGION_BAD));
	CHECK(has(&list, 2, 592, 608, REGION_KEEP));
	CHECK(list.totals.pages[REGION_BAD] == 72);
	CHECK(list.totals.pages[REGION_FREE] == 8);
	CHECK(list.totals.lost_pages == 0);
	free(list.items);
}

CASE(region_bad_holds_below_1_mib_and_above_the_limit)
{
	static const struct map_entry all = { 0, GIB, 0xf, 7 };
	struct given given = { &all, 1, 256 * MIB,
			       { pages(0, 20), pages(250, 260),
				 pages(65530, 65540) }, 3 };
	struct region_list list;

	CHECK(build(&list, &given) == ST_OK && list.count == 7);
	CHECK(has(&list, 0, 0, 16, REGION_KEEP));
	CHECK(has(&list, 1, 16, 20, REGION_BAD));
	CHECK(has(&list, 2, 20, 250, REGION_LOW));
	CHECK(has(&list, 3, 250, 260, REGION_BAD));
	CHECK(has(&list, 4, 260, 65530, REGION_FREE));
	CHECK(has(&list, 5, 65530, 65536, REGION_BAD));
	CHECK(has(&list, 6, 65536, 262144, REGION_KEEP));
	/* A page retired on request is not lost; a page cut off by mem= is. */
	CHECK(list.totals.lost_pages == 16 + 262144 - 65536);
	free(list.items);
}

CASE(region_bad_ranges_may_overlap_touch_and_be_empty)
{
	struct given given = { kinds, 1, 0,
			       { pages(514, 518), pages(516, 520),
				 pages(520, 522), pages(514, 518),
				 pages(524, 524) }, 5 };
	struct region_list list;

	CHECK(build(&list, &given) == ST_OK && list.count == 3);
	CHECK(has(&list, 0, 512, 514, REGION_FREE));
	CHECK(has(&list, 1, 514, 522, REGION_BAD));
	CHECK(has(&list, 2, 522, 528, REGION_FREE));
	free(list.items);
}

CASE(region_bad_ranges_that_make_no_sense_are_refused)
{
	static const struct range wrong[] = {
		{ 0x1001, 0x2000 },
		{ 0x1000, 0x2001 },
		{ 0x2000, 0x1000 },
		{ PHYSICAL_LIMIT - PAGE_SIZE, PHYSICAL_LIMIT + PAGE_SIZE },
	};
	struct given given = { kinds, ARRAY_LENGTH(kinds), 0,
			       { pages(514, 518) }, 2 };
	struct region_list list;

	for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
		given.bad[1] = wrong[i];
		CHECK(build(&list, &given) == ST_BAD_RANGE);
		CHECK(list.count == 0);
		free(list.items);
	}
	given.bad_count = BAD_RANGES + 1;
	CHECK(build(&list, &given) == ST_BAD_ARGUMENT && list.count == 0);
	free(list.items);
}

CASE(region_capacity_is_enough_for_all_bad_ranges)
{
	enum { ENTRIES = 40 };
	struct map_entry entries[ENTRIES];
	struct given given = { entries, ENTRIES, 0, { pages(0, 0) },
			       BAD_RANGES };
	struct region_list list;

	entries[0] = (struct map_entry){ 32 * KIB, 2 * USABLE_LIMIT, 0xf, 7 };
	for (uint64_t i = 1; i < ENTRIES; i++)
		entries[i] = (struct map_entry){
			128 * KIB + i * 8 * KIB, 4 * KIB, 0, 0
		};
	for (uint64_t i = 0; i < BAD_RANGES; i++)
		given.bad[i] = pages(512 + 2 * i, 513 + 2 * i);
	CHECK(build(&list, &given) == ST_OK);
	CHECK(list.count == region_list_capacity(ENTRIES));
	free(list.items);
}

/* --- random maps -----------------------------------------------------------*/

static enum region_kind kind_at(const struct region_list *list, uint64_t at)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].start.raw <= at &&
		    at < list->items[i].end.raw)
			return list->items[i].kind;
	return REGION_KIND_COUNT;
}

static bool is_bad(const struct given *given, uint64_t at)
{
	for (size_t i = 0; i < given->bad_count; i++)
		if (given->bad[i].start <= at && at < given->bad[i].end)
			return true;
	return false;
}

/* The page at `at` is what it is without bad ranges, or bad. */
static bool is_right(const struct region_list *with,
		     const struct region_list *without,
		     const struct given *given, uint64_t at)
{
	enum region_kind want = kind_at(without, at);

	if (is_bad(given, at) && want < REGION_BAD)
		want = REGION_BAD;
	return at >= PHYSICAL_LIMIT || kind_at(with, at) == want;
}

/* A kind changes at an edge only: so these pages stand for all. */
static bool all_edges_are_right(const struct region_list *with,
				const struct region_list *without,
				const struct given *given)
{
	bool right = true;

	for (size_t i = 0; i < with->count; i++)
		right &= is_right(with, without, given,
				  with->items[i].start.raw) &&
			 is_right(with, without, given,
				  with->items[i].end.raw);
	for (size_t i = 0; i < without->count; i++)
		right &= is_right(with, without, given,
				  without->items[i].start.raw) &&
			 is_right(with, without, given,
				  without->items[i].end.raw);
	for (size_t i = 0; i < given->bad_count; i++)
		right &= is_right(with, without, given, given->bad[i].start) &&
			 is_right(with, without, given, given->bad[i].end);
	return right;
}

/* Near the map's entries, so that they overlap. */
static struct range random_bad(const struct hostile_map *map, uint64_t *seed)
{
	uint64_t at = check_random(seed) % (4 * MIB);
	uint64_t end;

	if (map->count > 0 && check_random(seed) % 4 != 0)
		at = map->entries[check_random(seed) % map->count].start;
	at = align_down(min_u64(at, PHYSICAL_LIMIT - 16 * PAGE_SIZE),
			PAGE_SIZE);
	end = at + check_random(seed) % 16 * PAGE_SIZE;
	return (struct range){ at, end };
}

CASE(region_bad_changes_just_what_it_should_in_random_maps)
{
	uint64_t seed = check_seed(), met = 0;

	for (unsigned i = 0; i < SAMPLE_MAPS; i++) {
		struct region_list with, without;
		struct hostile_map map;
		struct given given;

		hostile_map_make(&map, &seed);
		given = (struct given){ map.entries, map.count,
					map.usable_limit, { pages(0, 0) }, 0 };
		CHECK(build(&without, &given) == ST_OK);
		given.bad_count = 1 + check_random(&seed) % 4;
		for (size_t k = 0; k < given.bad_count; k++)
			given.bad[k] = random_bad(&map, &seed);
		CHECK(build(&with, &given) == ST_OK);
		CHECK(all_edges_are_right(&with, &without, &given));
		CHECK(with.totals.lost_pages == without.totals.lost_pages);
		met += with.totals.pages[REGION_BAD] != 0;
		free(with.items);
		free(without.items);
	}
	CHECK(met > SAMPLE_MAPS / 4);
}

/* --- the ledger ------------------------------------------------------------*/

static enum status lay(struct ledger *ledger, const struct given *given,
		       const struct owned_run *owned)
{
	size_t bytes = ledger_scratch_bytes(given->count);
	void *scratch = malloc(bytes);
	enum status status;

	ledger->capacity = ledger_capacity(given->count, owned != NULL);
	ledger->runs = malloc(ledger->capacity * sizeof(ledger->runs[0]));
	status = ledger_build(ledger, &(struct ledger_request){
		.entries = given->entries,
		.count = given->count,
		.usable_limit = given->usable_limit,
		.bad = given->bad,
		.bad_count = given->bad_count,
		.owned = owned,
		.owned_count = owned != NULL,
		.scratch = scratch,
		.scratch_bytes = bytes,
	});
	free(scratch);
	return status;
}

CASE(ledger_gives_bad_ranges_an_owner_and_loses_nothing)
{
	struct given given = { kinds, ARRAY_LENGTH(kinds), 0,
			       { pages(520, 600), pages(700, 800) }, 2 };
	struct ledger ledger;
	enum owner owner;

	CHECK(lay(&ledger, &given, NULL) == ST_OK && ledger_audit(&ledger));
	CHECK(ledger_pages(&ledger, OWNER_BAD) == 72);
	CHECK(ledger_pages(&ledger, OWNER_FREE) == 8);
	CHECK(ledger_pages(&ledger, OWNER_ACPI) == 0);
	CHECK(ledger_total(&ledger) == 96);
	CHECK(ledger_find(&ledger, (pfn_t){ 525 }, &owner) == ST_OK &&
	      owner == OWNER_BAD);
	CHECK(ledger_find(&ledger, (pfn_t){ 600 }, &owner) == ST_OK &&
	      owner == OWNER_RESERVED);
	free(ledger.runs);
}

CASE(ledger_refuses_an_owned_run_in_a_bad_range)
{
	struct given given = { kinds, ARRAY_LENGTH(kinds), 0,
			       { pages(516, 517) }, 1 };
	struct owned_run owned = { { 512 }, 4, OWNER_LOG, 0 };
	struct ledger ledger;

	CHECK(lay(&ledger, &given, &owned) == ST_OK);
	free(ledger.runs);
	owned.frames = 5;
	CHECK(lay(&ledger, &given, &owned) == ST_CONFLICT);
	free(ledger.runs);
}

CASE(ledger_capacity_is_enough_for_all_bad_ranges)
{
	static const struct map_entry all = { 2 * MIB, MIB, 0xf, 7 };
	struct given given = { &all, 1, 0, { pages(0, 0) }, BAD_RANGES };
	struct ledger ledger;

	for (uint64_t i = 0; i < BAD_RANGES; i++)
		given.bad[i] = pages(513 + 2 * i, 514 + 2 * i);
	CHECK(lay(&ledger, &given, NULL) == ST_OK);
	CHECK(ledger.count == 2 * BAD_RANGES + 1);
	free(ledger.runs);
}
