// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The ledger of random hostile maps, asked about one page at a time.
 *
 * Entries begin and end only near four addresses. So every page there can be
 * checked, and all pages between two of them are alike.
 */
#include <base/bits.h>
#include <mm/ledger.h>

#include "check.h"

#define WB	EFI_ATTRIBUTE_WB
#define SP	EFI_ATTRIBUTE_SP
#define RT	EFI_ATTRIBUTE_RUNTIME

#define ENTRIES_MAX	20
#define NO_OWNER		OWNER_COUNT

typedef unsigned __int128 wide;

static const struct {
	uint64_t first, pages;
} places[] = {
	{ 0, 40 },
	{ 240, 60 },			/* 1 MiB is page 256                 */
	{ (1UL << 34) - 30, 60 },	/* 64 TiB                            */
	{ (1UL << 40) - 30, 30 },	/* 2^52 bytes                        */
};

struct hostile {
	struct map_entry entries[ENTRIES_MAX];
	size_t count;
	uint64_t usable_limit;
	struct ledger ledger;
	void *scratch;
	size_t scratch_bytes;
};

/* --- the oracle -----------------------------------------------------------*/

enum claim {		/* mildest first */
	SAYS_NOTHING, NAMED, FREE, LOW, LATER, ACPI, PERSISTENT, UNACCEPTED,
	KEEPS, FIRMWARE, DEVICE,
};

static const enum owner owner_of_claim[] = {
	NO_OWNER, OWNER_RESERVED, OWNER_FREE, OWNER_LOW, OWNER_BOOT_RECLAIMABLE,
	OWNER_ACPI, OWNER_PERSISTENT, OWNER_UNACCEPTED, OWNER_RESERVED,
	OWNER_FIRMWARE, OWNER_MMIO,
};

static enum claim usable_claim(const struct map_entry *entry, uint64_t limit,
			       wide start, wide end)
{
	wide entry_end = (wide)entry->start + entry->bytes;

	if (!(entry->attributes & WB))
		return KEEPS;
	if (entry->start > start || entry_end < end ||
	    entry_end > PHYSICAL_LIMIT)
		return NAMED;
	if (start < 65536 || end > limit)
		return KEEPS;
	if (start < 1048576)
		return LOW;
	return entry->type == 7 ? FREE : LATER;
}

/* The kind that one entry gives the page [start..end). */
static enum claim claim_of(const struct map_entry *entry, uint64_t limit,
			   wide start, wide end)
{
	uint32_t type = entry->type;

	if (entry->bytes == 0 || entry->start >= end ||
	    (wide)entry->start + entry->bytes <= start)
		return SAYS_NOTHING;
	if (type == 11 || type == 12)
		return DEVICE;
	if (type == 5 || type == 6 || type == 10 || (entry->attributes & RT))
		return FIRMWARE;
	if (entry->attributes & SP)
		return KEEPS;
	if (type == 9)
		return ACPI;
	if (type == 14)
		return PERSISTENT;
	if (type == 15)
		return UNACCEPTED;
	if ((type >= 1 && type <= 4) || type == 7)
		return usable_claim(entry, limit, start, end);
	return KEEPS;
}

static enum owner oracle_owner(const struct hostile *map, uint64_t page)
{
	uint64_t limit = map->usable_limit;
	enum claim strictest = SAYS_NOTHING;

	if (limit == 0 || limit > 1UL << 46)
		limit = 1UL << 46;
	for (size_t i = 0; i < map->count; i++) {
		enum claim claim = claim_of(&map->entries[i], limit,
					    (wide)page * 4096,
					    (wide)page * 4096 + 4096);

		if (claim > strictest)
			strictest = claim;
	}
	return owner_of_claim[strictest];
}

/* --- hostile maps ---------------------------------------------------------*/

static uint64_t below(uint64_t *seed, uint64_t limit)
{
	return check_random(seed) % limit;
}

static uint64_t random_edge(uint64_t *seed)
{
	size_t place = below(seed, ARRAY_LENGTH(places));
	uint64_t page = places[place].first +
			below(seed, places[place].pages + 1);
	uint64_t edge = page * 4096;

	/* Never outside of the place: the oracle does not check there. */
	if (below(seed, 4) == 0 && page > places[place].first)
		edge -= 1 + below(seed, 4095);
	return edge;
}

static struct map_entry random_entry(uint64_t *seed)
{
	static const uint64_t attributes[] = {
		WB, WB, WB, WB, WB, WB, 0, WB | SP, WB | RT, RT, WB | 1UL << 59,
	};
	static const uint32_t types[] = {
		7, 7, 7, 7, 1, 2, 3, 4, 0, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15,
		16, 0x80000000,
	};
	uint64_t from = random_edge(seed), to = random_edge(seed);
	struct map_entry entry = {
		.start = min_u64(from, to),
		.bytes = max_u64(from, to) - min_u64(from, to),
		.attributes = attributes[below(seed, ARRAY_LENGTH(attributes))],
		.type = types[below(seed, ARRAY_LENGTH(types))],
	};

	switch (below(seed, 24)) {
	case 0: entry.bytes = UINT64_MAX; break;
	case 1: entry.bytes = 0; break;
	case 2: entry.bytes = PHYSICAL_LIMIT - entry.start + 1; break;
	case 3: entry.start += PHYSICAL_LIMIT; break;
	case 4: entry.start = UINT64_MAX - below(seed, 9000); break;
	default: break;
	}
	return entry;
}

static void hostile_open(struct hostile *map, uint64_t *seed)
{
	*map = (struct hostile){ .count = below(seed, ENTRIES_MAX + 1) };
	for (size_t i = 0; i < map->count; i++)
		map->entries[i] = random_entry(seed);
	if (below(seed, 4) == 0)
		map->usable_limit = random_edge(seed);
	/* Exactly the size of the header, so that ASan reports any overrun. */
	map->scratch_bytes = ledger_scratch_bytes(map->count);
	map->scratch = malloc(map->scratch_bytes);
	map->ledger.capacity = ledger_capacity(map->count, 0);
	map->ledger.runs = malloc(map->ledger.capacity *
				  sizeof(struct ledger_run));
}

static void hostile_close(struct hostile *map)
{
	free(map->scratch);
	free(map->ledger.runs);
}

static void hostile_print(const struct hostile *map)
{
	printf("# limit %#lx\n", (unsigned long)map->usable_limit);
	for (size_t i = 0; i < map->count; i++)
		printf("# type %u start %#lx bytes %#lx attributes %#lx\n",
		       map->entries[i].type,
		       (unsigned long)map->entries[i].start,
		       (unsigned long)map->entries[i].bytes,
		       (unsigned long)map->entries[i].attributes);
}

static enum owner ledger_owner(const struct hostile *map, uint64_t page)
{
	enum owner owner = NO_OWNER;

	if (ledger_find(&map->ledger, (pfn_t){ page }, &owner) != ST_OK)
		return NO_OWNER;
	return owner;
}

/* Compares `pages` pages that are alike by their first. */
static bool agrees(const struct hostile *map, uint64_t page, uint64_t pages,
		   uint64_t *named)
{
	enum owner want = oracle_owner(map, page);

	if (want != NO_OWNER)
		*named += pages;
	return ledger_owner(map, page) == want &&
	       ledger_owner(map, page + pages - 1) == want;
}

static bool hostile_agrees(const struct hostile *map, uint64_t *named)
{
	uint64_t next = 0;
	bool good = true;

	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		uint64_t between = places[i].first - next;

		if (between > 0)
			good = good && agrees(map, next, between, named);
		next = places[i].first;
		for (uint64_t j = 0; j < places[i].pages; j++, next++)
			good = good && agrees(map, next, 1, named);
	}
	return good && ledger_owner(map, next) == NO_OWNER;
}

static void check_hostile(uint64_t *seed)
{
	struct hostile map;
	struct ledger_request request;
	uint64_t named = 0, counted = 0;
	bool good;

	hostile_open(&map, seed);
	request = (struct ledger_request){
		.entries = map.entries,
		.count = map.count,
		.usable_limit = map.usable_limit,
		.scratch = map.scratch,
		.scratch_bytes = map.scratch_bytes,
	};
	good = ledger_build(&map.ledger, &request) == ST_OK &&
	       ledger_audit(&map.ledger) && hostile_agrees(&map, &named) &&
	       ledger_total(&map.ledger) == named &&
	       ledger_named_pages(map.entries, map.count, map.scratch,
				  map.scratch_bytes, &counted) == ST_OK &&
	       counted == named;
	CHECK(good);
	if (!good)
		hostile_print(&map);
	hostile_close(&map);
}

CASE(ledger_of_hostile_maps_agrees_with_a_page_oracle)
{
	uint64_t seed = check_seed();

	for (unsigned i = 0; i < 10000; i++)
		check_hostile(&seed);
}
