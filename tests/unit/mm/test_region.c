// SPDX-License-Identifier: MIT OR Apache-2.0
#include <mm/region.h>

#include <base/bits.h>

#include "check.h"
#include "region_hostile.h"

#define GIVEN(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define PICTURE_ENTRIES 32
#define NO_RULES (1 * MIB)	/* pictures drawn from here meet no rule     */
#define SAMPLE_MAPS 20000

/* One letter for each page, both for given entries and wanted kinds. */
static const struct letter {
	char letter;
	enum region_kind kind;
	uint32_t type;
	uint64_t attributes;
} letters[] = {
	{ 'F', REGION_FREE, EFI_TYPE_CONVENTIONAL, 0xf },
	{ 'L', REGION_LATER, EFI_TYPE_BOOT_DATA, 0xf },
	{ 'w', REGION_LOW, EFI_TYPE_CONVENTIONAL, 0xf },
	{ 'A', REGION_ACPI, EFI_TYPE_ACPI_RECLAIM, 0xf },
	{ 'P', REGION_PERSISTENT, EFI_TYPE_PERSISTENT, 0xf },
	{ 'U', REGION_UNACCEPTED, EFI_TYPE_UNACCEPTED, 0xf },
	{ 'K', REGION_KEEP, EFI_TYPE_RESERVED, 0 },
};

static const struct letter *letter_at(char letter)
{
	for (size_t i = 0; i < ARRAY_LENGTH(letters); i++)
		if (letters[i].letter == letter)
			return &letters[i];
	abort();
}

/* A built list, in memory of exactly the sizes that the contract names. */
struct built {
	struct region_list list;
	enum status status;
};

static struct built build(const struct map_entry *entries, size_t count,
			  uint64_t usable_limit)
{
	struct region_request request = {
		.entries = entries,
		.count = count,
		.usable_limit = usable_limit,
		.scratch_bytes = region_scratch_bytes(count),
	};
	struct built built = {
		.list.capacity = region_list_capacity(count),
	};

	built.list.items = calloc(built.list.capacity,
				  sizeof(built.list.items[0]));
	request.scratch = malloc(request.scratch_bytes);
	built.status = region_list_build(&built.list, &request);
	CHECK(built.status == ST_OK);
	CHECK(region_list_audit(&built.list));
	free(request.scratch);
	return built;
}

static size_t entries_from_rows(struct map_entry *entries, uint64_t base,
				const char *const *rows)
{
	size_t count = 0;

	for (; *rows != NULL; rows++) {
		const char *row = *rows;

		for (size_t page = 0; row[page] != '\0'; page++) {
			const struct letter *letter;

			if (row[page] == '.')
				continue;
			if (page > 0 && row[page - 1] == row[page]) {
				entries[count - 1].bytes += PAGE_SIZE;
				continue;
			}
			letter = letter_at(row[page]);
			entries[count++] = (struct map_entry){
				.start = base + page * PAGE_SIZE,
				.bytes = PAGE_SIZE,
				.attributes = letter->attributes,
				.type = letter->type,
			};
		}
	}
	return count;
}

/* The list, drawn from `base` on, is `want` and has nothing more in it. */
static bool is_picture(const struct region_list *list, uint64_t base,
		       const char *want)
{
	size_t next = 0;

	for (size_t page = 0; want[page] != '\0'; page++) {
		uint64_t start = base + page * PAGE_SIZE;
		const struct region *region;

		while (next < list->count &&
		       list->items[next].end.raw <= start)
			next++;
		region = &list->items[next];
		if (next == list->count || region->start.raw > start) {
			if (want[page] != '.')
				return false;
		} else if (want[page] == '.' ||
			   region->kind != letter_at(want[page])->kind) {
			return false;
		}
	}
	return list->count == 0 ||
	       (list->items[0].start.raw >= base &&
		list->items[list->count - 1].end.raw <=
			base + strlen(want) * PAGE_SIZE);
}

static bool gives_at(uint64_t base, const char *const *rows, const char *want)
{
	struct map_entry entries[PICTURE_ENTRIES];
	size_t count = entries_from_rows(entries, base, rows);
	struct built built = build(entries, count, 0);
	bool good = is_picture(&built.list, base, want);

	free(built.list.items);
	return good;
}

static bool gives(const char *const *rows, const char *want)
{
	return gives_at(NO_RULES, rows, want);
}

CASE(region_lets_the_strictest_kind_win)
{
	CHECK(gives(GIVEN("FFFFFFFFFF",
			  "..KK......",
			  "...LLLL..."),
			  "FFKKLLLFFF"));
	CHECK(gives(GIVEN("FFFFFF",
			  "LLLLL.",
			  "AAAA..",
			  "PPP...",
			  "UU....",
			  "K....."),
			  "KUPALF"));
	CHECK(gives(GIVEN("K.....",
			  "UU....",
			  "PPP...",
			  "AAAA..",
			  "LLLLL.",
			  "FFFFFF"),
			  "KUPALF"));
}

CASE(region_joins_touching_neighbours_of_one_kind)
{
	CHECK(gives(GIVEN("FF....", "..FF..", "....LL"), "FFFFLL"));
	CHECK(gives(GIVEN("KKKK", ".AA.", "FFFF"), "KKKK"));
}

CASE(region_leaves_holes_alone)
{
	CHECK(gives(GIVEN("FF..KK..F"), "FF..KK..F"));
	CHECK(gives(GIVEN("FF..FF...F"), "FF..FF...F"));
	CHECK(gives(GIVEN("......"), "......"));
}

CASE(region_sorts_what_the_firmware_did_not)
{
	CHECK(gives(GIVEN("....FF", "AA....", "..LL..", "....FF"), "AALLFF"));
}

CASE(region_sets_low_memory_apart)
{
	CHECK(gives_at(14 * PAGE_SIZE, GIVEN("FFFF"), "KKww"));
	CHECK(gives_at(14 * PAGE_SIZE, GIVEN("LLLL"), "KKww"));
	CHECK(gives_at(254 * PAGE_SIZE, GIVEN("FFFF"), "wwFF"));
	CHECK(gives_at(254 * PAGE_SIZE, GIVEN("LLLL", ".FFF"), "wwLL"));
	/* The rules are about usable memory only. */
	CHECK(gives_at(14 * PAGE_SIZE, GIVEN("AAAA"), "AAAA"));
	CHECK(gives_at(14 * PAGE_SIZE, GIVEN("AAAA", ".FFF"), "AKAA"));
}

CASE(region_keeps_what_lies_above_the_supported_memory)
{
	uint64_t base = USABLE_LIMIT - 2 * PAGE_SIZE;

	CHECK(gives_at(base, GIVEN("FFFF"), "FFKK"));
	CHECK(gives_at(base, GIVEN("LLLL", "..AA"), "LLKK"));
	CHECK(gives_at(base, GIVEN("PPPP"), "PPPP"));
}

static uint64_t pages_of(const struct built *built, enum region_kind kind)
{
	return built->list.totals.pages[kind];
}

CASE(region_keeps_usable_memory_from_the_limit_on)
{
	struct map_entry entry = { 0, 8 * MIB, 0xf, EFI_TYPE_CONVENTIONAL };
	static const struct {
		uint64_t limit, free, low;
	} want[] = {
		{ 4 * MIB, 3 * 256, 240 },
		{ 4 * MIB + 1, 3 * 256, 240 },	/* whole pages only          */
		{ 4 * MIB - 1, 3 * 256 - 1, 240 },
		{ 512 * KIB, 0, 112 },
		{ 1, 0, 0 },
		{ UINT64_MAX, 7 * 256, 240 },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(want); i++) {
		struct built built = build(&entry, 1, want[i].limit);

		CHECK(pages_of(&built, REGION_FREE) == want[i].free);
		CHECK(pages_of(&built, REGION_LOW) == want[i].low);
		CHECK(pages_of(&built, REGION_KEEP) ==
		      2048 - want[i].free - want[i].low);
		CHECK(built.list.totals.lost_pages ==
		      pages_of(&built, REGION_KEEP));
		free(built.list.items);
	}
}

CASE(region_limit_never_rises_above_the_supported_memory)
{
	struct map_entry entry = {
		USABLE_LIMIT - PAGE_SIZE, 2 * PAGE_SIZE, 0xf,
		EFI_TYPE_CONVENTIONAL
	};
	struct built built = build(&entry, 1, 2 * USABLE_LIMIT);

	CHECK(pages_of(&built, REGION_FREE) == 1);
	CHECK(pages_of(&built, REGION_KEEP) == 1);
	free(built.list.items);
}

static enum region_kind kind_of(uint32_t type, uint64_t attributes)
{
	struct map_entry entry = {
		2 * MIB, PAGE_SIZE, attributes, type
	};
	struct built built = build(&entry, 1, 0);
	enum region_kind kind = REGION_KIND_COUNT;

	CHECK(built.list.count == 1);
	if (built.list.count == 1)
		kind = (enum region_kind)built.list.items[0].kind;
	CHECK(map_entry_kind(&entry) == kind);
	free(built.list.items);
	return kind;
}

CASE(region_knows_every_type)
{
	static const enum region_kind want[] = {
		[0] = REGION_KEEP, [1] = REGION_LATER, [2] = REGION_LATER,
		[3] = REGION_LATER, [4] = REGION_LATER, [5] = REGION_KEEP,
		[6] = REGION_KEEP, [7] = REGION_FREE, [8] = REGION_KEEP,
		[9] = REGION_ACPI, [10] = REGION_KEEP, [11] = REGION_KEEP,
		[12] = REGION_KEEP, [13] = REGION_KEEP,
		[14] = REGION_PERSISTENT, [15] = REGION_UNACCEPTED,
		[16] = REGION_KEEP,
	};

	for (uint32_t type = 0; type < ARRAY_LENGTH(want); type++)
		CHECK(kind_of(type, 0xf) == want[type]);
	CHECK(kind_of(0x70000000, 0xf) == REGION_KEEP);
	CHECK(kind_of(0x80000007, 0xf) == REGION_KEEP);
	CHECK(kind_of(UINT32_MAX, 0xf) == REGION_KEEP);
}

CASE(region_knows_the_attributes_that_matter)
{
	for (uint32_t type = 1; type <= 7; type++) {
		CHECK(kind_of(type, 0) == REGION_KEEP);
		CHECK(kind_of(type, 0x7) == REGION_KEEP);
		CHECK(kind_of(type, EFI_ATTRIBUTE_WB | EFI_ATTRIBUTE_SP) ==
		      REGION_KEEP);
		CHECK(kind_of(type, EFI_ATTRIBUTE_WB |
				    EFI_ATTRIBUTE_RUNTIME) == REGION_KEEP);
	}
	for (uint32_t type = 9; type <= 15; type++) {
		CHECK(kind_of(type, EFI_ATTRIBUTE_RUNTIME) == REGION_KEEP);
		CHECK(kind_of(type, EFI_ATTRIBUTE_SP) == REGION_KEEP);
	}
	/* A restrictive kind needs no attribute. */
	CHECK(kind_of(EFI_TYPE_ACPI_RECLAIM, 0) == REGION_ACPI);
	CHECK(kind_of(EFI_TYPE_PERSISTENT, 0) == REGION_PERSISTENT);
	CHECK(kind_of(EFI_TYPE_UNACCEPTED, 0) == REGION_UNACCEPTED);
	/* Unknown bits are ignored: Apple sets bit 59. */
	CHECK(kind_of(7, 0x080000000000000f) == REGION_FREE);
	CHECK(kind_of(4, 0x7ffffffffffbffff) == REGION_LATER);
}

CASE(region_rounds_usable_inward_and_the_rest_outward)
{
	struct map_entry entries[] = {
		{ 0x200400, 0x3000, 0xf, EFI_TYPE_CONVENTIONAL },
		{ 0x300400, 0x3000, 0, EFI_TYPE_RESERVED },
		{ 0x400400, 0x800, 0xf, EFI_TYPE_CONVENTIONAL },
		{ 0x500fff, 0x2, 0, EFI_TYPE_ACPI_RECLAIM },
	};
	struct built built = build(entries, ARRAY_LENGTH(entries), 0);
	const struct region *items = built.list.items;

	CHECK(built.list.count == 3);
	CHECK(items[0].start.raw == 0x201000 && items[0].end.raw == 0x203000);
	CHECK(items[1].start.raw == 0x300000 && items[1].end.raw == 0x304000);
	CHECK(items[2].start.raw == 0x500000 && items[2].end.raw == 0x502000);
	/* Both ends of the first, and the page that the third lies within. */
	CHECK(built.list.totals.lost_pages == 3);
	free(built.list.items);
}

CASE(region_believes_no_usable_entry_that_runs_too_far)
{
	struct map_entry entries[] = {
		{ 4 * MIB, UINT64_MAX, 0xf, EFI_TYPE_CONVENTIONAL },
		{ 2 * MIB, PHYSICAL_LIMIT - 2 * MIB + 1, 0xf, 4 },
		{ PHYSICAL_LIMIT + PAGE_SIZE, PAGE_SIZE, 0xf, 7 },
	};
	struct built built = build(entries, ARRAY_LENGTH(entries), 0);

	CHECK(built.list.count == 0);
	CHECK(built.list.totals.entries == 3);
	CHECK(built.list.totals.dropped_entries == 0);
	CHECK(built.list.totals.lost_pages ==
	      (PHYSICAL_LIMIT - 2 * MIB) / PAGE_SIZE);
	free(built.list.items);
}

CASE(region_clips_what_is_restrictive_and_runs_too_far)
{
	struct map_entry entries[] = {
		{ 4 * MIB, UINT64_MAX, 0, EFI_TYPE_RESERVED },
		{ PHYSICAL_LIMIT - 1, 100, 0, EFI_TYPE_ACPI_NVS },
		{ PHYSICAL_LIMIT, 100, 0, EFI_TYPE_ACPI_RECLAIM },
		{ UINT64_MAX, 2, 0, EFI_TYPE_ACPI_RECLAIM },
		{ UINT64_MAX, UINT64_MAX, 0, EFI_TYPE_ACPI_RECLAIM },
	};
	struct built built = build(entries, ARRAY_LENGTH(entries), 0);

	CHECK(built.list.count == 1);
	CHECK(built.list.items[0].start.raw == 4 * MIB);
	CHECK(built.list.items[0].end.raw == PHYSICAL_LIMIT);
	CHECK(built.list.items[0].kind == REGION_KEEP);
	free(built.list.items);
}

CASE(region_takes_usable_memory_up_to_the_very_limit)
{
	struct map_entry entry = {
		PHYSICAL_LIMIT - 2 * PAGE_SIZE, 2 * PAGE_SIZE, 0xf, 7
	};
	struct built built = build(&entry, 1, 0);

	CHECK(built.list.count == 1);
	CHECK(built.list.items[0].end.raw == PHYSICAL_LIMIT);
	CHECK(built.list.items[0].kind == REGION_KEEP);
	free(built.list.items);
}

CASE(region_counts_and_drops_empty_entries)
{
	struct map_entry entries[] = {
		{ 2 * MIB, 0, 0xf, EFI_TYPE_CONVENTIONAL },
		{ 2 * MIB + 1, 0, 0, EFI_TYPE_RESERVED },
		{ UINT64_MAX, 0, 0, EFI_TYPE_RESERVED },
		{ 2 * MIB, PAGE_SIZE, 0xf, EFI_TYPE_CONVENTIONAL },
	};
	struct built built = build(entries, ARRAY_LENGTH(entries), 0);

	CHECK(built.list.count == 1);
	CHECK(built.list.totals.entries == 4);
	CHECK(built.list.totals.dropped_entries == 3);
	CHECK(built.list.totals.lost_pages == 0);
	free(built.list.items);
}

CASE(region_finds_pages_lost_unless_something_stricter_explains)
{
	struct map_entry entries[] = {
		{ 0, 64 * KIB, 0xf, EFI_TYPE_CONVENTIONAL },
		{ 0x1001, 1, 0, EFI_TYPE_RESERVED },
		{ 0x2000, 0x1000, 0xf, EFI_TYPE_ACPI_RECLAIM },
		{ 0x3000, 0x1000, 0, EFI_TYPE_CONVENTIONAL },
	};
	struct built built = build(entries, ARRAY_LENGTH(entries), 0);

	CHECK(pages_of(&built, REGION_KEEP) == 16);
	CHECK(built.list.totals.lost_pages == 13);
	free(built.list.items);
}

CASE(region_is_instant_on_the_largest_machine)
{
	struct map_entry entries[] = {
		{ 0, PHYSICAL_LIMIT, 0xf, EFI_TYPE_CONVENTIONAL },
		{ 1 * TIB, 1 * TIB, 0, EFI_TYPE_RESERVED },
	};
	struct built built = build(entries, ARRAY_LENGTH(entries), 0);

	CHECK(pages_of(&built, REGION_FREE) == 63 * TIB / PAGE_SIZE - 256);
	CHECK(built.list.totals.lost_pages ==
	      (PHYSICAL_LIMIT - USABLE_LIMIT) / PAGE_SIZE + 16);
	free(built.list.items);
}

CASE(region_needs_no_entries)
{
	struct built built = build(NULL, 0, 0);

	CHECK(built.list.count == 0);
	CHECK(built.list.totals.entries == 0);
	free(built.list.items);
}

CASE(region_refuses_what_does_not_fit)
{
	struct map_entry entries[] = {
		{ 2 * MIB, 3 * PAGE_SIZE, 0xf, EFI_TYPE_CONVENTIONAL },
		{ 2 * MIB + PAGE_SIZE, PAGE_SIZE, 0, EFI_TYPE_RESERVED },
	};
	struct region items[3];
	struct region_list list = { .items = items, .capacity = 3 };
	uint64_t scratch[600];
	struct region_request request = {
		.entries = entries,
		.count = 2,
		.scratch = scratch,
		.scratch_bytes = region_scratch_bytes(2),
	};

	CHECK(region_scratch_bytes(2) <= sizeof(scratch));
	CHECK(region_list_build(&list, &request) == ST_OK && list.count == 3);
	list.capacity = 2;
	CHECK(region_list_build(&list, &request) == ST_FULL);
	CHECK(list.count == 0 && list.totals.entries == 0);
	list.capacity = 3;
	request.scratch_bytes--;
	CHECK(region_list_build(&list, &request) == ST_FULL);
	CHECK(list.count == 0 && list.totals.entries == 0);
	/* So many that their size in bytes wraps to a small one. */
	for (unsigned shift = 58; shift < 64; shift++) {
		request.count = 1UL << shift;
		CHECK(region_scratch_bytes(request.count) == SIZE_MAX);
		CHECK(region_list_build(&list, &request) == ST_FULL);
	}
}

CASE(region_capacity_is_enough_for_the_worst_map)
{
	enum { ENTRIES = 40 };
	struct map_entry entries[ENTRIES];

	struct built built;

	/* One range crosses all rules, and the others cut it. */
	entries[0] = (struct map_entry){ 32 * KIB, 2 * USABLE_LIMIT, 0xf, 7 };
	for (uint64_t i = 1; i < ENTRIES; i++)
		entries[i] = (struct map_entry){
			128 * KIB + i * 8 * KIB, 4 * KIB, 0, 0
		};
	built = build(entries, ENTRIES, 0);
	/* The rest is for bad ranges: see test_region_bad. */
	CHECK(built.list.count ==
	      region_list_capacity(ENTRIES) - 2 * BAD_RANGES);
	free(built.list.items);
}

CASE(region_audit_finds_each_broken_promise)
{
	struct region good[] = {
		{ { 0x1000 }, { 0x3000 }, REGION_FREE },
		{ { 0x3000 }, { 0x4000 }, REGION_KEEP },
		{ { 0x5000 }, { 0x6000 }, REGION_KEEP },
	};
	struct region bad[3];
	struct region_list list = { .items = bad, .count = 3, .capacity = 3 };

#define BROKEN(change)							\
	do {								\
		memcpy(bad, good, sizeof(bad));				\
		CHECK(region_list_audit(&list));			\
		change;							\
		CHECK(!region_list_audit(&list));			\
	} while (0)
	BROKEN(bad[0] = bad[2]; bad[2] = good[0]);		/* R1 */
	BROKEN(bad[0].end.raw = 0x4000);			/* R2 */
	BROKEN(bad[2].end.raw = 0x5000);			/* R3 */
	BROKEN(bad[2].end.raw = 0x4000);			/* R3 */
	BROKEN(bad[1].kind = REGION_FREE);			/* R4 */
	BROKEN(bad[0].start.raw = 0x1200);			/* R5 */
	BROKEN(bad[2].end.raw = 0x6001);			/* R5 */
	BROKEN(bad[2].end.raw = PHYSICAL_LIMIT + PAGE_SIZE);	/* R5 */
	BROKEN(bad[1].kind = REGION_KIND_COUNT);
	BROKEN(list.capacity = 2);
#undef BROKEN
}

struct text_sink {
	struct sink base;
	char text[2048];
	size_t used;
};

static void put_text(struct sink *sink, const char *text, size_t bytes)
{
	struct text_sink *out = (struct text_sink *)sink;

	CHECK(out->used + bytes < sizeof(out->text));
	memcpy(out->text + out->used, text, bytes);
	out->used += bytes;
}

CASE(region_prints_records_as_the_format_says)
{
	struct map_entry entries[] = {
		{ 0x100000, 0x300000, 0xf, 7 }, { 0x400000, 0x1000, 0xf, 9 },
		{ 0x8000, 0x10000, 0xf, 3 }, { 0x500000, 0x2000, 0xf, 4 },
		{ 0x600000, 0x3000, 0, 14 }, { 0x700000, 0x4000, 0, 15 },
		{ 0, 0, 0, 0 }, { 0xffc00000, 0x400000, 1, 11 },
	};
	struct built built = build(entries, ARRAY_LENGTH(entries), 0);
	struct text_sink sink = { .base.put = put_text };

	region_list_print_records(&built.list, &sink.base);
	CHECK(strcmp(sink.text,
	      "@region start=0x8000 end=0x10000 kind=keep\n"
	      "@region start=0x10000 end=0x18000 kind=low\n"
	      "@region start=0x100000 end=0x400000 kind=free\n"
	      "@region start=0x400000 end=0x401000 kind=acpi\n"
	      "@region start=0x500000 end=0x502000 kind=later\n"
	      "@region start=0x600000 end=0x603000 kind=persistent\n"
	      "@region start=0x700000 end=0x704000 kind=unaccepted\n"
	      "@region start=0xffc00000 end=0x100000000 kind=keep\n"
	      "@total free_pages=768 later_pages=2 low_pages=8 acpi_pages=1 "
	      "persistent_pages=3 unaccepted_pages=4 keep_pages=1032 "
	      "entries=8 dropped_entries=1 lost_pages=8\n") == 0);
	free(built.list.items);
}

CASE(region_names_every_kind)
{
	static const char *const want[] = {
		"free", "low", "later", "mmio", "acpi", "persistent",
		"unaccepted", "bad", "keep",
	};

	for (int kind = 0; kind < REGION_KIND_COUNT; kind++)
		CHECK(strcmp(region_kind_name((enum region_kind)kind),
			     want[kind]) == 0);
	CHECK_ASSERTS(region_kind_name(REGION_KIND_COUNT));
}

CASE(region_agrees_with_the_oracle_on_hostile_maps)
{
	struct hostile_census census = { .maps = 0 };
	uint64_t seed = check_seed();

	while (census.maps < SAMPLE_MAPS) {
		struct hostile_map map;
		const char *difference;

		hostile_map_make(&map, &seed);
		hostile_census_count(&census, &map);
		difference = hostile_map_check(&map);
		CHECK(difference == NULL);
		if (difference != NULL) {
			printf("# %s\n", difference);
			hostile_map_print(&map);
			break;
		}
	}
	/* Enough maps must have overlaps, or nothing was tested. */
	CHECK(census.overlapping * 100 >= census.maps * 60);
	CHECK(census.wrapping * 100 >= census.maps * 10);
	CHECK(census.beyond * 100 >= census.maps * 10);
	CHECK(census.unaligned * 100 >= census.maps * 20);
	CHECK(census.empty * 100 >= census.maps * 10);
	CHECK(census.odd * 100 >= census.maps * 20);
	CHECK(census.limited * 100 >= census.maps * 10);
}
