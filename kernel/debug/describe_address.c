// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The layout gives the area, the area gives the part in it, and symbols and
 * ledger add a name last.
 */
#include "describe_address.h"

#include <arch/instructions.h>
#include <base/bits.h>
#include <base/text.h>
#include <mm/ledger.h>

#include <kernel/lib/symbols.h>
#include <kernel/memory/pages.h>

struct part {
	const char *name;
	uint64_t start, end;
};

static const struct part areas[] = {
#define ROW(name, start, end, use) { #name, start, end },
	LAYOUT_AREAS(ROW)
#undef ROW
};

/* The parts of the slots that have the same address on every machine. */
static const struct part devices[] = {
	{ "framebuffer slot", FRAMEBUFFER_SLOT,
	  FRAMEBUFFER_SLOT + FRAMEBUFFER_SLOT_BYTES },
	{ "LAPIC slot", LAPIC_SLOT, IOAPIC_SLOT },
	{ "IOAPIC slot", IOAPIC_SLOT, HPET_SLOT },
	{ "HPET slot", HPET_SLOT, FIXMAP_SLOT },
	{ "fixmap", FIXMAP_SLOT, FIXMAP_SLOT + FIXMAP_SLOT_BYTES },
};

static const char *const kind_names[STACK_KIND_COUNT] = {
	[STACK_MAIN] = "main",
	[STACK_DOUBLE_FAULT] = "double_fault",
	[STACK_NMI] = "nmi",
	[STACK_MACHINE_CHECK] = "machine_check",
	[STACK_DEBUG] = "debug",
};

const char *stack_kind_name(enum stack_kind kind)
{
	return kind_names[kind];
}

bool stack_position_of(vaddr_t address, struct stack_position *out)
{
	uint64_t slot, top;

	if (address.raw < STACKS_START || address.raw >= STACKS_END)
		return false;
	slot = (address.raw - STACKS_START) / STACK_SLOT_BYTES;
	if (slot >= STACK_CPUS * STACK_KINDS ||
	    slot % STACK_KINDS >= STACK_KIND_COUNT)
		return false;
	out->cpu = (unsigned)(slot / STACK_KINDS);
	out->kind = (enum stack_kind)(slot % STACK_KINDS);
	top = stack_top(out->cpu, out->kind).raw;
	out->left = 0;
	if (address.raw >= top) {
		out->part = STACK_GUARD_ABOVE;
	} else if (address.raw < top - STACK_BYTES) {
		out->part = STACK_GUARD_BELOW;
	} else {
		out->part = STACK_ITSELF;
		out->left = address.raw - (top - STACK_BYTES);
	}
	return true;
}

enum status translate_address(vaddr_t address, struct table_leaf *out)
{
	const struct table current = {
		.window = { .offset = DIRECT_MAP_OFFSET },
		.root = paddr_to_pfn((paddr_t){ READ_CONTROL(3) }),
	};

	return table_query(&current, address, out);
}

static const struct part *find_part(const struct part *list, size_t count,
				    uint64_t address)
{
	for (size_t i = 0; i < count; i++)
		if (address >= list[i].start && address < list[i].end)
			return &list[i];
	return NULL;
}

static void describe_image(vaddr_t address, char *text, size_t bytes)
{
	const char *segment = symbols_segment(address);
	const char *name;
	uint64_t offset;

	if (segment == NULL)
		text_print(text, bytes, "kernel area, outside the image");
	else if (symbol_find(address, &name, &offset) == ST_OK)
		text_print(text, bytes, "kernel %s %s+0x%lx", segment, name,
			   offset);
	else
		text_print(text, bytes, "kernel %s", segment);
}

static void describe_direct(vaddr_t address, char *text, size_t bytes)
{
	paddr_t phys = { address.raw - DIRECT_MAP_OFFSET };
	enum owner owner;

	if (memory_owner_of(paddr_to_pfn(phys), &owner) == ST_OK)
		text_print(text, bytes,
			   "direct map of physical 0x%lx, owner %s", phys.raw,
			   owner_name(owner));
	else
		text_print(text, bytes,
			   "direct map of physical 0x%lx, without an owner",
			   phys.raw);
}

static void describe_slot(vaddr_t address, char *text, size_t bytes)
{
	static const char *const parts[] = {
		[STACK_GUARD_BELOW] = "guard page of stack",
		[STACK_ITSELF] = "stack",
		[STACK_GUARD_ABOVE] = "guard page above stack",
	};
	const struct part *device = find_part(devices, ARRAY_LENGTH(devices),
					      address.raw);
	struct stack_position position;

	if (device != NULL)
		text_print(text, bytes, "%s+0x%lx", device->name,
			   address.raw - device->start);
	else if (stack_position_of(address, &position))
		text_print(text, bytes, "%s %s of cpu %u", parts[position.part],
			   stack_kind_name(position.kind), position.cpu);
	else
		text_print(text, bytes, "an unused slot");
}

void describe_address(vaddr_t address, char *text, size_t bytes)
{
	const struct part *area = find_part(areas, ARRAY_LENGTH(areas),
					    address.raw);

	if (!vaddr_is_canonical(address))
		text_print(text, bytes, "not a canonical address");
	else if (address.raw < PAGE_SIZE)
		text_print(text, bytes, "the null page");
	else if (area == NULL && address.raw < USER_END)
		text_print(text, bytes, "below the first user page");
	else if (area == NULL)
		text_print(text, bytes, "between the areas of the layout");
	else if (area->start == KERNEL_BASE)
		describe_image(address, text, bytes);
	else if (area->start == DIRECT_MAP_OFFSET)
		describe_direct(address, text, bytes);
	else if (area->start == SLOTS_START)
		describe_slot(address, text, bytes);
	else if (area->start == USER_START)
		text_print(text, bytes, "user half");
	else
		text_print(text, bytes, "area %s+0x%lx", area->name,
			   address.raw - area->start);
}
