// SPDX-License-Identifier: MIT OR Apache-2.0
#include <boot/layout.h>

#include <base/bits.h>
#include <mm/region.h>

#include "check.h"

struct area {
	const char *name;
	uint64_t start, end;
	const char *use;
};

static const struct area areas[] = {
#define ROW(name, start, end, use) { #name, start, end, use },
	LAYOUT_AREAS(ROW)
#undef ROW
};

/* Fixed slots, in address order, each with all that may be mapped there. */
static const struct area slots[] = {
	{ "framebuffer", FRAMEBUFFER_SLOT,
	  FRAMEBUFFER_SLOT + FRAMEBUFFER_SLOT_BYTES, "" },
	{ "lapic", LAPIC_SLOT, LAPIC_SLOT + PAGE_SIZE, "" },
	{ "ioapic", IOAPIC_SLOT, IOAPIC_SLOT + PAGE_SIZE, "" },
	{ "hpet", HPET_SLOT, HPET_SLOT + PAGE_SIZE, "" },
	{ "fixmap", FIXMAP_SLOT, FIXMAP_SLOT + FIXMAP_SLOT_BYTES, "" },
	{ "stacks", STACKS_START, STACKS_END, "" },
};

static unsigned top_slot(uint64_t address)
{
	return address >> 39 & 511;
}

static const struct area *area_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(areas); i++)
		if (strcmp(areas[i].name, name) == 0)
			return &areas[i];
	CHECK(false);
	return &areas[0];
}

CASE(layout_areas_ascend_and_are_disjoint)
{
	for (size_t i = 0; i < ARRAY_LENGTH(areas); i++) {
		CHECK(areas[i].start < areas[i].end);
		CHECK(i == 0 || areas[i - 1].end <= areas[i].start);
	}
}

CASE(layout_areas_are_whole_canonical_pages)
{
	for (size_t i = 0; i < ARRAY_LENGTH(areas); i++) {
		vaddr_t first = { areas[i].start };
		vaddr_t last = { areas[i].end - 1 };

		CHECK(is_aligned(areas[i].start, PAGE_SIZE));
		CHECK(is_aligned(areas[i].end, PAGE_SIZE));
		CHECK(vaddr_is_canonical(first) && vaddr_is_canonical(last));
		/* No area reaches over the gap between the two halves. */
		CHECK(first.raw >> 63 == last.raw >> 63);
		CHECK(strspn(areas[i].name, "abcdefghijklmnopqrstuvwxyz_") ==
		      strlen(areas[i].name));
		CHECK(strlen(areas[i].use) > 0);
	}
}

CASE(layout_top_level_slots_are_the_documented_ones)
{
	static const struct {
		const char *name;
		unsigned first, last;
	} want[] = {
		{ "user", 0, 255 },
		{ "direct_map", 256, 383 },
		{ "slots", 384, 384 },
		{ "vmem", 384, 447 },
		{ "frame_meta", 448, 479 },
		{ "entry", 480, 480 },
		{ "kernel", 511, 511 },
	};

	CHECK(ARRAY_LENGTH(want) == ARRAY_LENGTH(areas));
	for (size_t i = 0; i < ARRAY_LENGTH(want); i++) {
		const struct area *area = area_named(want[i].name);

		CHECK(top_slot(area->start) == want[i].first);
		CHECK(top_slot(area->end - 1) == want[i].last);
	}
}

CASE(layout_user_space_spares_its_edges)
{
	CHECK(USER_START == 64 * KIB);
	CHECK(USER_END + PAGE_SIZE == 1UL << 47);
}

CASE(layout_direct_map_holds_all_usable_memory)
{
	CHECK(DIRECT_MAP_END - DIRECT_MAP_OFFSET == DIRECT_MAP_BYTES);
	CHECK(DIRECT_MAP_BYTES == 64 * TIB);
	CHECK(DIRECT_MAP_BYTES >= USABLE_LIMIT);
	CHECK(is_aligned(DIRECT_MAP_OFFSET, SIZE_1G));
	CHECK(direct_map((paddr_t){ 0 }).raw == DIRECT_MAP_OFFSET);
	CHECK(direct_map((paddr_t){ DIRECT_MAP_BYTES - 1 }).raw ==
	      DIRECT_MAP_END - 1);
}

/* The one slot that user tables carry must hold nothing else. */
CASE(layout_entry_area_has_its_top_level_slot_alone)
{
	CHECK(ENTRY_AREA_END - ENTRY_AREA_START == 512 * GIB);
	for (size_t i = 0; i < ARRAY_LENGTH(areas); i++) {
		if (areas[i].start == ENTRY_AREA_START)
			continue;
		CHECK(top_slot(areas[i].end - 1) < top_slot(ENTRY_AREA_START) ||
		      top_slot(areas[i].start) > top_slot(ENTRY_AREA_START));
	}
}

CASE(layout_kernel_is_within_reach_of_signed_32_bits)
{
	CHECK(KERNEL_BASE == (uint64_t)INT32_MIN);
	CHECK(KERNEL_END - KERNEL_BASE == SIZE_1G);
	CHECK(is_aligned(KERNEL_BASE, SIZE_1G));
}

CASE(layout_vmem_has_at_most_32_tib)
{
	CHECK(VMEM_START == SLOTS_END);
	CHECK(VMEM_END - VMEM_START <= 32 * TIB);
}

CASE(layout_fixed_slots_have_guard_pages_between)
{
	for (size_t i = 0; i < ARRAY_LENGTH(slots); i++) {
		CHECK(slots[i].start >= SLOTS_START);
		CHECK(slots[i].end <= SLOTS_END);
		CHECK(is_aligned(slots[i].start, PAGE_SIZE));
		CHECK(slots[i].start < slots[i].end);
		CHECK(i == 0 ||
		      slots[i - 1].end + PAGE_SIZE <= slots[i].start);
	}
	/* Large pages for the framebuffer, and for nothing beside it. */
	CHECK(is_aligned(FRAMEBUFFER_SLOT, SIZE_1G));
	CHECK(is_aligned(FRAMEBUFFER_SLOT_BYTES, SIZE_1G));
}

CASE(layout_every_stack_lies_in_its_area_between_guards)
{
	uint64_t end_before = STACKS_START;
	uint64_t slot = STACKS_START / STACK_SLOT_BYTES;

	CHECK(STACK_KIND_COUNT <= STACK_KINDS);
	for (unsigned cpu = 0; cpu < STACK_CPUS; cpu++) {
		for (unsigned kind = 0; kind < STACK_KINDS; kind++) {
			uint64_t end = stack_top(cpu,
						 (enum stack_kind)kind).raw;
			uint64_t start = end - STACK_BYTES;

			CHECK(is_aligned(end, PAGE_SIZE));
			CHECK(start >= end_before + PAGE_SIZE);
			CHECK(end + PAGE_SIZE <= STACKS_END);
			CHECK(start / STACK_SLOT_BYTES == slot);
			CHECK((end - 1) / STACK_SLOT_BYTES == slot);
			end_before = end;
			slot++;
		}
	}
	CHECK(STACK_BYTES >= 2 * PAGE_SIZE);
	CHECK(is_aligned(STACK_BYTES, PAGE_SIZE));
}

CASE(layout_ist_stacks_have_their_ist_number)
{
	CHECK(STACK_MAIN == 0 && STACK_DOUBLE_FAULT == 1);
	CHECK(STACK_NMI == 2 && STACK_MACHINE_CHECK == 3 && STACK_DEBUG == 4);
	/* The processor has seven, numbered from 1. */
	CHECK(STACK_KIND_COUNT <= 8);
}
