// SPDX-License-Identifier: MIT OR Apache-2.0
/* beyond_pages: usable pages that only the supported limit keeps. */
#include <mm/region.h>

#include <base/bits.h>

#include "check.h"

#define ENTRIES	10

static struct region_totals totals_of(const struct map_entry *entries,
				      size_t count, uint64_t limit)
{
	static uint64_t scratch[1000];
	static struct region items[2 * ENTRIES + 20];
	struct region_list list = {
		.items = items, .capacity = ARRAY_LENGTH(items) };

	CHECK(region_scratch_bytes(count) <= sizeof(scratch));
	CHECK(region_list_build(&list, &(struct region_request){
		.entries = entries, .count = count, .usable_limit = limit,
		.scratch = scratch, .scratch_bytes = sizeof(scratch),
	}) == ST_OK);
	CHECK(region_list_audit(&list));
	return list.totals;
}

static uint64_t beyond(const struct map_entry *entries, size_t count,
		       uint64_t limit)
{
	return totals_of(entries, count, limit).beyond_pages;
}

static const struct map_entry odd[] = {
	/* Six pages from the limit on, then three that end at 2^52. */
	{ USABLE_LIMIT - 2 * PAGE_SIZE, 10 * PAGE_SIZE, 0xf,
	  EFI_TYPE_CONVENTIONAL },
	{ PHYSICAL_LIMIT - 3 * PAGE_SIZE, 3 * PAGE_SIZE, 0xf,
	  EFI_TYPE_BOOT_DATA },
	/* Kept for another reason, or impossible. */
	{ USABLE_LIMIT, 2 * PAGE_SIZE, 0, EFI_TYPE_RESERVED },
	{ USABLE_LIMIT + TIB, 2 * PAGE_SIZE, 0, EFI_TYPE_CONVENTIONAL },
	{ PHYSICAL_LIMIT - 2 * TIB, UINT64_MAX, 0xf, EFI_TYPE_CONVENTIONAL },
	{ 0, PAGE_SIZE, 0xf, EFI_TYPE_CONVENTIONAL },
};

CASE(region_counts_usable_memory_above_the_supported_limit)
{
	CHECK(beyond(odd, ARRAY_LENGTH(odd), 0) == 6 + 3);
	CHECK(beyond(odd, ARRAY_LENGTH(odd), USABLE_LIMIT) == 6 + 3);
	CHECK(beyond(odd, ARRAY_LENGTH(odd), UINT64_MAX) == 6 + 3);
	CHECK(beyond(NULL, 0, 0) == 0);
}

CASE(region_does_not_count_memory_that_a_lower_limit_caps)
{
	CHECK(beyond(odd, ARRAY_LENGTH(odd), USABLE_LIMIT - 1) == 0);
	CHECK(beyond(odd, ARRAY_LENGTH(odd), 4 * GIB) == 0);
}

/* 25 TiB, of which two nodes have the most from 16 TiB on. */
CASE(region_keeps_nothing_of_memory_below_the_limit)
{
	static const struct map_entry large[] = {
		{ 0, 2 * GIB, 0xf, EFI_TYPE_CONVENTIONAL },
		{ 16 * TIB, 9 * TIB, 0xf, EFI_TYPE_CONVENTIONAL },
		{ USABLE_LIMIT - PAGE_SIZE, PAGE_SIZE, 0xf,
		  EFI_TYPE_CONVENTIONAL },
	};
	struct region_totals totals =
		totals_of(large, ARRAY_LENGTH(large), 0);

	CHECK(totals.pages[REGION_FREE] ==
	      (9 * TIB + 2 * GIB - MIB) / PAGE_SIZE + 1);
	CHECK(totals.lost_pages == 16 && totals.beyond_pages == 0);
}

/* ACPI memory, as if it were memory like any other. */
CASE(region_lets_acpi_memory_join_by_the_rules_of_all_memory)
{
	struct map_entry entries[] = {
		{ 0, 0xc000, 8, 9 },			/* below 64 KiB      */
		{ 0x20000, 0x4000, 8, 9 },
		{ 0x30000, 0x4000, 1, 9 },		/* not write-back    */
		{ 0x100000, 0x100000, 8, 7 },
		{ 0x200000, 0x2000, 8, 9 },
		{ 0x201000, 0x1000, 0, 0 },		/* over its half     */
		{ 0x300000, 0x1000, 8 | EFI_ATTRIBUTE_SP, 9 },
		{ 0x400000, 0x1000, 8, 10 },
		{ 0x7ff000, 0x2000, 8, 9 },		/* over the limit    */
		{ 1UL << 46, 0x1000, 8, 9 },
	};
	size_t left = map_entries_of_acpi(entries, ARRAY_LENGTH(entries));
	struct region_totals totals = totals_of(entries, left, 8 * MIB);

	CHECK(left == ARRAY_LENGTH(entries) - 1);
	CHECK(totals.pages[REGION_LOW] == 4);
	CHECK(totals.pages[REGION_FREE] == 2);
	CHECK(totals.pages[REGION_ACPI] == 0);
	CHECK(totals.pages[REGION_LATER] == 0);
}
