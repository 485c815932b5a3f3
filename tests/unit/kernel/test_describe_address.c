// SPDX-License-Identifier: MIT OR Apache-2.0
#include <kernel/debug/describe_address.c>

#include "check.h"

#define IMAGE_END (KERNEL_BASE + 0x3000)

static struct ledger ledger;

/* Uses only the runs of the ledger: there are no pools. */
enum status memory_owner_of(pfn_t frame, enum owner *out)
{
	return ledger_find(&ledger, frame, out);
}

/* An image of three pages with one function that begins in the second. */
const char *symbols_segment(vaddr_t address)
{
	if (address.raw < KERNEL_BASE || address.raw >= IMAGE_END)
		return NULL;
	return "text";
}

enum status symbol_find(vaddr_t address, const char **name, uint64_t *offset)
{
	if (address.raw < KERNEL_BASE + PAGE_SIZE)
		return ST_NOT_FOUND;
	*name = "function";
	*offset = address.raw - KERNEL_BASE - PAGE_SIZE;
	return ST_OK;
}

static bool is(uint64_t address, const char *want)
{
	char text[DESCRIPTION_BYTES];

	describe_address((vaddr_t){ address }, text, sizeof(text));
	if (strcmp(text, want) != 0)
		printf("# 0x%lx is %s, not %s\n", address, text, want);
	return strcmp(text, want) == 0;
}

CASE(place_names_the_lower_half)
{
	CHECK(is(0, "the null page"));
	CHECK(is(0xfff, "the null page"));
	CHECK(is(0x1000, "below the first user page"));
	CHECK(is(USER_START - 1, "below the first user page"));
	CHECK(is(USER_START, "user half"));
	CHECK(is(USER_END - 1, "user half"));
	CHECK(is(USER_END, "between the areas of the layout"));
	CHECK(is(0x0000800000000000, "not a canonical address"));
	CHECK(is(0xffff7fffffffffff, "not a canonical address"));
}

CASE(place_names_every_area_at_both_ends)
{
	CHECK(is(VMEM_START, "area vmem+0x0"));
	CHECK(is(VMEM_END - 1, "area vmem+0x1fefffffffff"));
	CHECK(is(FRAME_META_START + 5, "area frame_meta+0x5"));
	CHECK(is(ENTRY_AREA_START, "area entry+0x0"));
	CHECK(is(ENTRY_AREA_END, "between the areas of the layout"));
	CHECK(is(KERNEL_BASE - 1, "between the areas of the layout"));
	CHECK(is(KERNEL_END, "between the areas of the layout"));
	CHECK(is(UINT64_MAX, "between the areas of the layout"));
}

CASE(place_names_the_image)
{
	CHECK(is(KERNEL_BASE, "kernel text"));
	CHECK(is(KERNEL_BASE + 0x1012, "kernel text function+0x12"));
	CHECK(is(IMAGE_END, "kernel area, outside the image"));
	CHECK(is(KERNEL_END - 1, "kernel area, outside the image"));
}

CASE(place_names_the_owner_of_ram)
{
	struct ledger_run runs[] = {
		{ { 0x10 }, 2, OWNER_LOW },
		{ { 0x100 }, 1, OWNER_KERNEL_IMAGE },
	};

	ledger = (struct ledger){ runs, 2, 2 };
	CHECK(is(DIRECT_MAP_OFFSET + 0x10fff,
		 "direct map of physical 0x10fff, owner low"));
	CHECK(is(DIRECT_MAP_OFFSET + 0x100000,
		 "direct map of physical 0x100000, owner kernel_image"));
	CHECK(is(DIRECT_MAP_OFFSET + 0x12000,
		 "direct map of physical 0x12000, without an owner"));
	ledger = (struct ledger){ 0 };
	CHECK(is(DIRECT_MAP_OFFSET + 0x10fff,
		 "direct map of physical 0x10fff, without an owner"));
	CHECK(is(DIRECT_MAP_END - 1, "direct map of physical 0x3fffffffffff, "
				     "without an owner"));
}

CASE(place_names_the_slots)
{
	CHECK(is(FRAMEBUFFER_SLOT, "framebuffer slot+0x0"));
	CHECK(is(LAPIC_SLOT + 0x20, "LAPIC slot+0x20"));
	CHECK(is(IOAPIC_SLOT, "IOAPIC slot+0x0"));
	CHECK(is(HPET_SLOT + 0xf0, "HPET slot+0xf0"));
	CHECK(is(FIXMAP_SLOT + FIXMAP_SLOT_BYTES - 1, "fixmap+0xfffffff"));
	CHECK(is(FIXMAP_SLOT + FIXMAP_SLOT_BYTES, "an unused slot"));
	CHECK(is(STACKS_START - 1, "an unused slot"));
	CHECK(is(STACKS_END, "an unused slot"));
}

CASE(place_tells_stacks_from_their_guards)
{
	static const char *const names[STACK_KIND_COUNT] = {
		"main", "double_fault", "nmi", "machine_check", "debug",
	};

	for (unsigned cpu = 0; cpu < STACK_CPUS; cpu += 85) {
		for (unsigned kind = 0; kind < STACK_KIND_COUNT; kind++) {
			uint64_t top = stack_top(cpu, kind).raw;
			char own[40], below[64], above[64];

			snprintf(own, sizeof(own), "stack %s of cpu %u",
				 names[kind], cpu);
			snprintf(below, sizeof(below), "guard page of %s", own);
			snprintf(above, sizeof(above), "guard page above %s",
				 own);
			CHECK(is(top - 1, own));
			CHECK(is(top - STACK_BYTES, own));
			CHECK(is(top - STACK_BYTES - 1, below));
			CHECK(is(top - STACK_SLOT_BYTES + PAGE_SIZE, below));
			CHECK(is(top, above));
			CHECK(is(top + PAGE_SIZE - 1, above));
		}
	}
	/* The three slots of a CPU that have no stack yet. */
	CHECK(is(stack_top(0, STACK_KIND_COUNT).raw - 1,
		 "an unused slot"));
}

CASE(place_knows_how_much_of_a_stack_is_left)
{
	uint64_t bottom = stack_top(3, STACK_NMI).raw - STACK_BYTES;
	struct stack_position position;

	CHECK(stack_position_of((vaddr_t){ bottom + 0x123 }, &position));
	CHECK(position.cpu == 3 && position.kind == STACK_NMI);
	CHECK(position.part == STACK_ITSELF && position.left == 0x123);
	CHECK(stack_position_of((vaddr_t){ bottom - 1 }, &position));
	CHECK(position.part == STACK_GUARD_BELOW && position.left == 0);
	CHECK(!stack_position_of((vaddr_t){ STACKS_START - 1 }, &position));
	CHECK(!stack_position_of((vaddr_t){ STACKS_END - 1 }, &position));
}
