// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The tables that the loader built: adopted as the kernel does, then compared
 * leaf by leaf with the regions. Leaves are disjoint, so four sums show that
 * none is missing.
 */
#include "verdict.h"

#include <base/bits.h>
#include <boot/layout.h>
#include <mm/memtype.h>
#include <mm/table.h>

struct reading {
	const struct view *view;
	const struct region *regions;
	size_t region_count;
	struct mtrr_state mtrr;
	uint64_t direct, kernel, stack, identity;	/* bytes seen */
	bool no_execute;
	const char *wrong;
};

static enum status take_nothing(struct frame_source *source, pfn_t *out)
{
	(void)source;
	(void)out;
	return ST_NO_MEMORY;
}

static void give_nothing(struct frame_source *source, pfn_t frame)
{
	(void)source;
	(void)frame;
}

/* Only what the handover owns as a table may be read as one. */
static bool may_be_table(const void *context, pfn_t frame)
{
	const struct view *view = context;
	const struct handover_array *list = &view->handover->owned;
	const struct owned_run *runs = (const void *)list->address.raw;

	for (uint32_t i = 0; i < list->count; i++)
		if (runs[i].owner == OWNER_PAGE_TABLE &&
		    frame.raw - runs[i].first.raw < runs[i].frames)
			return true;
	return false;
}

/* The end of the part of a region that can be mapped; its start: none. */
static uint64_t mapped_end(const struct reading *reading,
			   const struct region *region)
{
	unsigned bits = reading->view->handover->cpu.physical_bits;
	uint64_t limit = DIRECT_MAP_BYTES;

	if (bits != 0 && bits < 52)
		limit = min_u64(limit, 1UL << bits);
	if (region->kind == REGION_ACPI &&
	    region->end.raw - region->start.raw > GIB)
		return region->start.raw;
	if (region->kind == REGION_ACPI)
		return max_u64(min_u64(region->end.raw, limit),
			       region->start.raw);
	return region->kind <= REGION_LATER ? region->end.raw :
					      region->start.raw;
}

static const struct region *region_of(const struct reading *reading,
				      uint64_t phys)
{
	for (size_t i = 0; i < reading->region_count; i++)
		if (phys >= reading->regions[i].start.raw &&
		    phys < reading->regions[i].end.raw)
			return &reading->regions[i];
	return NULL;
}

/* True when every byte of [start..end) must be in the direct map. */
static bool is_memory(const struct reading *reading, uint64_t start,
		      uint64_t end)
{
	while (start < end) {
		const struct region *region = region_of(reading, start);

		if (region == NULL || mapped_end(reading, region) <= start)
			return false;
		start = mapped_end(reading, region);
	}
	return true;
}

/* The number of bytes of [start..end) in text or rodata. */
static uint64_t constant_bytes(const struct reading *reading, uint64_t start,
			       uint64_t end)
{
	const struct handover *handover = reading->view->handover;
	uint64_t bytes = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(handover->segments); i++) {
		const struct handover_segment *segment =
			&handover->segments[i];
		uint64_t from = max_u64(segment->phys.raw, start);
		uint64_t to = min_u64(segment->phys.raw + segment->bytes, end);

		if (!(segment->rights & SEGMENT_WRITE) && from < to)
			bytes += to - from;
	}
	return bytes;
}

static const char *wrong_direct(const struct reading *reading,
				const struct table_leaf *leaf)
{
	uint64_t start = leaf->phys.raw, end = start + leaf->bytes;
	uint64_t constant = constant_bytes(reading, start, end);

	if (leaf->virt.raw != start + DIRECT_MAP_OFFSET)
		return "a direct map that is not phys + offset";
	if (!is_memory(reading, start, end))
		return "a direct map of what is no memory";
	if (constant != 0 && constant != leaf->bytes)
		return "a leaf half over text or rodata";
	if (leaf->rights != (TABLE_GLOBAL | (constant != 0 ? 0 : TABLE_WRITE)))
		return "a direct map with wrong rights";
	if (leaf->bytes > PAGE_SIZE &&
	    (start < SIZE_2M ||
	     memtype_of_range(&reading->mtrr, leaf->phys,
			      (paddr_t){ end }) == MEMTYPE_MIXED))
		return "a large leaf where there must be small ones";
	return NULL;
}

static const char *wrong_kernel(const struct reading *reading,
				const struct table_leaf *leaf)
{
	const struct handover_segment *segment =
		reading->view->handover->segments;
	const struct handover_segment *end = segment + 3;
	unsigned wanted = TABLE_GLOBAL;

	while (leaf->virt.raw - segment->virt.raw >= segment->bytes)
		if (++segment == end)
			return "kernel area without a segment";
	if (leaf->phys.raw - segment->phys.raw !=
	    leaf->virt.raw - segment->virt.raw)
		return "a segment's page elsewhere";
	if (segment->rights & SEGMENT_WRITE)
		wanted |= TABLE_WRITE;
	if (segment->rights & SEGMENT_EXECUTE && reading->no_execute)
		wanted |= TABLE_EXECUTE;
	return leaf->rights == wanted ? NULL : "a segment with wrong rights";
}

static const char *wrong_stack(const struct reading *reading,
			       const struct table_leaf *leaf)
{
	uint64_t bottom = stack_top(0, STACK_MAIN).raw - STACK_BYTES;

	if (leaf->virt.raw - bottom >= STACK_BYTES)
		return "something between direct map and kernel";
	if (leaf->phys.raw != reading->view->handover->boot_stack.raw +
				      (leaf->virt.raw - bottom))
		return "another stack";
	return leaf->rights == (TABLE_WRITE | TABLE_GLOBAL) ? NULL :
		"a stack with wrong rights";
}

static const char *wrong_identity(const struct reading *reading,
				  const struct table_leaf *leaf)
{
	const struct region *region = region_of(reading, leaf->phys.raw);
	unsigned execute = reading->no_execute ? TABLE_EXECUTE : 0;

	if (leaf->virt.raw != leaf->phys.raw)
		return "an identity map that is none";
	if (leaf->phys.raw == reading->view->handover->switch_page.raw)
		return leaf->rights == execute ? NULL :
			"a switch page that is not RX";
	if (region == NULL || region->kind != REGION_LOW)
		return "an identity map of more than low memory";
	return leaf->rights == TABLE_WRITE ? NULL :
		"an identity map with wrong rights";
}

static bool read_leaf(void *context, const struct table_leaf *seen)
{
	struct reading *reading = context;
	struct table_leaf copy = *seen;
	const struct table_leaf *leaf = &copy;

	/* Without NX every page is executable. */
	if (!reading->no_execute)
		copy.rights &= ~TABLE_EXECUTE;
	if (leaf->virt.raw < USER_END) {
		reading->wrong = wrong_identity(reading, leaf);
		reading->identity += leaf->bytes;
	} else if (leaf->virt.raw < DIRECT_MAP_END) {
		reading->wrong = wrong_direct(reading, leaf);
		reading->direct += leaf->bytes;
	} else if (leaf->virt.raw < KERNEL_BASE) {
		reading->wrong = wrong_stack(reading, leaf);
		reading->stack += leaf->bytes;
	} else {
		reading->wrong = wrong_kernel(reading, leaf);
		reading->kernel += leaf->bytes;
	}
	if (reading->wrong == NULL && leaf->cache != CACHE_WRITE_BACK)
		reading->wrong = "a leaf that is not write-back";
	return reading->wrong == NULL;
}

static const char *wrong_sums(const struct reading *reading)
{
	const struct handover *handover = reading->view->handover;
	const struct region *home = region_of(reading,
					      handover->switch_page.raw);
	uint64_t direct = 0, kernel = 0, identity = 0;

	for (size_t i = 0; i < reading->region_count; i++) {
		const struct region *region = &reading->regions[i];

		direct += mapped_end(reading, region) - region->start.raw;
		if (region->kind == REGION_LOW)
			identity += region->end.raw - region->start.raw;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(handover->segments); i++)
		kernel += handover->segments[i].bytes;
	if (home == NULL || home->kind != REGION_LOW)
		identity += PAGE_SIZE;
	if (reading->direct != direct)
		return "a direct map that is not whole";
	if (reading->kernel != kernel)
		return "a kernel that is not mapped whole";
	if (reading->stack != STACK_BYTES)
		return "a stack that is not mapped whole";
	return reading->identity == identity ? NULL :
		"an identity map that is not whole";
}

/* The machine's registers, read a second time. */
static struct mtrr_state mtrrs_of(const struct fake_pc *pc)
{
	static const uint32_t fixed[] = { 0x250, 0x258, 0x259, 0x268, 0x269,
					  0x26a, 0x26b, 0x26c, 0x26d, 0x26e,
					  0x26f };
	struct mtrr_state mtrr = {
		.present = pc->processor.edx_1 & 1 << 12,
		.physical_bits = pc->processor.physical_bits,
	};

	for (size_t i = 0; i < pc->processor.msr_count; i++) {
		uint32_t number = pc->processor.msrs[i].number;
		uint64_t value = pc->processor.msrs[i].value;

		if (number == 0xfe)
			mtrr.capabilities = value;
		else if (number == 0x2ff)
			mtrr.default_type = value;
		else if (number - 0x200 < 2 * MTRR_VARIABLE_MAX && number & 1)
			mtrr.variable[(number - 0x200) / 2].mask = value;
		else if (number - 0x200 < 2 * MTRR_VARIABLE_MAX)
			mtrr.variable[(number - 0x200) / 2].base = value;
		for (unsigned j = 0; j < MTRR_FIXED_COUNT; j++)
			if (number == fixed[j])
				mtrr.fixed[j] = value;
	}
	return mtrr;
}

const char *wrong_tables(struct view *view)
{
	const struct handover *handover = view->handover;
	struct frame_source source = { take_nothing, give_nothing };
	struct table_features features = {
		.no_execute = handover->cpu.features & CPU_NX,
		.page_1g = handover->cpu.features & CPU_PAGE_1G,
		.physical_bits = handover->cpu.physical_bits,
		.may_be_table = may_be_table,
		.context = view,
	};
	struct window window = { .offset = 0 };
	struct reading reading = {
		.view = view,
		.regions = (const void *)handover->regions.address.raw,
		.region_count = handover->regions.count,
		.mtrr = mtrrs_of(view->pc),
		.no_execute = features.no_execute,
	};
	struct table table;

	if (table_adopt(&table, window, &source, &features,
			paddr_to_pfn(handover->root_table)) != ST_OK ||
	    !table_audit(&table))
		return "tables that the kernel would not adopt";
	view->table_pages = table.table_pages;
	table_visit(&table, read_leaf, &reading);
	return reading.wrong != NULL ? reading.wrong : wrong_sums(&reading);
}
