// SPDX-License-Identifier: MIT OR Apache-2.0
/* The plain boot, and the placement in odd memory maps. */
#include "verdict.h"

#include <base/bits.h>
#include <boot/elf.h>

#include "elf_sample.h"

#define NOT_ALLOCATED	false

static struct fake_pc pc;

/* Gives [start..start + pages) to the firmware: it is never allocated. */
static void occupy(uint64_t start, uint64_t pages)
{
	fake_row_carve(pc.memory.rows, &pc.memory.row_count,
		       (struct fake_row){ start, pages, 0xf,
					  EfiBootServicesData, NOT_ALLOCATED });
}

/* A range may begin in one row and end in another. */
static void occupy_range(uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < pc.memory.row_count; i++) {
		struct fake_row row = pc.memory.rows[i];
		uint64_t from = max_u64(row.start, start);
		uint64_t to = min_u64(row.start + row.pages * PAGE_SIZE, end);

		if (row.lendable && from < to)
			occupy(from, (to - from) / PAGE_SIZE);
	}
}

static uint64_t highest_owned(const struct handover *handover,
			      enum owner owner)
{
	const struct owned_run *runs =
		(const void *)handover->owned.address.raw;
	uint64_t highest = 0;

	for (uint32_t i = 0; i < handover->owned.count; i++)
		if (runs[i].owner == owner)
			highest = max_u64(highest, runs[i].first.raw);
	return highest * PAGE_SIZE;
}

CASE(loader_hands_over_a_plain_machine)
{
	const struct handover *handover;

	fake_pc_plain(&pc);
	CHECK_BOOTS(&pc, "plain");
	handover = handover_of(fake_run);
	CHECK(handover->exit_tries == 1 && fake_run->exit_calls == 1);
	CHECK(handover->flags == HANDOVER_UNDER_QEMU);
	CHECK(handover->usable_limit == 1UL << 40);
	CHECK(handover->options_bytes == 0);
	CHECK(handover->modules.count == 0);
	CHECK(handover->segments[0].bytes == SIZE_2M);
	CHECK(serial_says("I exit: jump exit_tries=1 entries="));
	CHECK(fake_run->console_bytes == 0);
}

CASE(loader_puts_the_image_high_and_the_tables_low)
{
	const struct handover *handover;

	fake_pc_plain(&pc);
	CHECK_BOOTS(&pc, "plain");
	handover = handover_of(fake_run);
	CHECK(handover->segments[0].phys.raw >= 4 * GIB);
	CHECK(highest_owned(handover, OWNER_KERNEL_IMAGE) >= 4 * GIB);
	CHECK(highest_owned(handover, OWNER_PAGE_TABLE) < 4 * GIB);
	CHECK(highest_owned(handover, OWNER_HANDOVER) < 4 * GIB);
	CHECK(highest_owned(handover, OWNER_STACK) < 4 * GIB);
}

CASE(loader_boots_without_memory_above_4g)
{
	fake_pc_plain(&pc);
	occupy_range(BACKED_HIGH, BACKED_HIGH_END);
	CHECK_BOOTS(&pc, "nothing high");
	CHECK(handover_of(fake_run)->segments[0].phys.raw < 4 * GIB);
	CHECK(handover_of(fake_run)->segments[0].bytes == SIZE_2M);
}

/* Only the necessary pages are low; the image alone would not fit there. */
CASE(loader_boots_with_little_memory_below_4g)
{
	fake_pc_plain(&pc);
	occupy_range(BACKED_LOW, BACKED_LOW_END);
	occupy_range(BACKED_MAIN + 4 * MIB, BACKED_MAIN_END);
	CHECK_BOOTS(&pc, "4 MiB low");
	occupy_range(BACKED_MAIN, BACKED_MAIN + 4 * MIB);
	CHECK_REFUSES(&pc, "nothing low");
	CHECK(console_says("no memory for the handover"));
}

CASE(loader_uses_small_pages_when_no_large_run_is_free)
{
	const struct handover *handover;

	fake_pc_plain(&pc);
	for (uint64_t at = BACKED_MAIN; at < BACKED_MAIN_END; at += 4 * MIB)
		occupy(at + MIB + 5 * PAGE_SIZE, 3);
	for (uint64_t at = BACKED_HIGH; at < BACKED_HIGH_END; at += 4 * MIB)
		occupy(at + 3 * MIB - PAGE_SIZE, 1);
	CHECK_BOOTS(&pc, "fragments");
	handover = handover_of(fake_run);
	CHECK(serial_says("image: no 2 MiB run free pages=4k"));
	CHECK(handover->segments[0].bytes == PAGE_SIZE);
	CHECK(handover->segments[2].bytes == 5 * PAGE_SIZE);
}

/* Low memory in one run, or in many short ones. */
CASE(loader_keeps_nothing_below_1m)
{
	fake_pc_plain(&pc);
	pc.memory.lowest_first = true;
	CHECK_BOOTS(&pc, "lowest first");
	CHECK(handover_of(fake_run)->switch_page.raw >= MIB);
	for (uint64_t at = BACKED_LOW; at < BACKED_LOW_END; at += 4 * PAGE_SIZE)
		occupy(at, 1);
	CHECK_BOOTS(&pc, "lowest first, and low memory in 36 crumbs");
	CHECK(handover_of(fake_run)->switch_page.raw >= MIB);
	occupy_range(BACKED_LOW + 4 * PAGE_SIZE, BACKED_LOW_END);
	CHECK_BOOTS(&pc, "lowest first, and a little low memory");
	CHECK(handover_of(fake_run)->switch_page.raw >= MIB);
}

CASE(loader_keeps_away_from_page_zero)
{
	fake_pc_plain(&pc);
	pc.memory.lowest_first = true;
	pc.memory.rows[0].lendable = true;
	occupy_range(4 * PAGE_SIZE, BACKED_LOW_END);
	CHECK_BOOTS(&pc, "page 0 is allocated");
	occupy_range(BACKED_MAIN, BACKED_MAIN_END);
	CHECK_REFUSES(&pc, "nothing but 16 KiB is low");
	CHECK(console_says("no memory for the handover"));
}

/* Data of a little more than 2 MiB: most of its second 2 MiB is unused. */
CASE(loader_frees_the_slack_of_the_data)
{
	const struct handover *handover;

	fake_pc_plain(&pc);
	sample_put(pc.embedded, SAMPLE_DATA + P_MEMORY_BYTES, 8,
		   SIZE_2M + 3 * PAGE_SIZE + 1);
	CHECK_BOOTS(&pc, "large data");
	handover = handover_of(fake_run);
	CHECK(handover->segments[2].bytes == 2 * SIZE_2M);
	CHECK(handover->segments[2].used_bytes == SIZE_2M + 3 * PAGE_SIZE + 1);
	/* All of it is used: no page is left. */
	sample_put(pc.embedded, SAMPLE_DATA + P_MEMORY_BYTES, 8, 2 * SIZE_2M);
	CHECK_BOOTS(&pc, "data without slack");
}
