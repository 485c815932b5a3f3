// SPDX-License-Identifier: MIT OR Apache-2.0
/* The machine's own structures, for owner_counts.h. */
#include "page_counts.h"

#include <base/bits.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/boot/boot_info.h>
#include <kernel/boot/boot_memory.h>
#include <kernel/platform/acpi_tables.h>
#include <kernel/platform/numa_nodes.h>

#include "frames.h"
#include "owner_counts.h"

static bool count_run(void *context, struct frame_run run)
{
	*(uint64_t *)context += run.frames;
	return true;
}

/* The pages of the early list, which is empty from frames_start on. */
static uint64_t count_early_pages(void)
{
	uint64_t pages = 0;

	early_visit(&boot_memory.early, count_run, &pages);
	return pages;
}

uint64_t memory_count_free_pages(void)
{
	struct frame_count count;

	frames_count(&count);
	return count_early_pages() + count.free;
}

struct free_visitor {
	bool (*visit)(void *context, struct frame_run run);
	void *context;
};

static bool visit_extent(void *context, struct frame_run run)
{
	const struct free_visitor *visitor = context;

	return visitor->visit(visitor->context, (struct frame_run){
		.first = run.first, .frames = run.frames });
}

void memory_visit_free(bool (*visit)(void *context, struct frame_run run),
		       void *context)
{
	struct free_visitor visitor = { visit, context };

	early_visit(&boot_memory.early, visit, context);
	for (unsigned pool = 0; pool < frames_nodes()->pools; pool++)
		frame_pool_visit(frames_nodes()->pool[pool], visit_extent,
				 &visitor);
}

/* A page each; the boot CPU's is in the image. */
static uint64_t count_cpu_areas(void)
{
	uint64_t pages = 0;

	for (unsigned cpu = 1; cpu < cpu_local_limit(); cpu++)
		pages += cpu_local_at(cpu) != NULL;
	return pages;
}

void memory_count_owners(uint64_t pages[OWNER_COUNT])
{
	const struct handover *handover = boot_info.handover;
	struct frame_count count;

	frames_count(&count);
	owners_count(&(struct owner_sources){
		.ledger = &boot_memory.ledger,
		.frames = &count,
		.early_pages = count_early_pages(),
		.structures = {
			.table = &boot_memory.table,
			.segments = handover->segments,
			.segment_count = ARRAY_LENGTH(handover->segments),
			.owned = boot_memory.map.owned,
			.owned_count = boot_memory.map.owned_count,
			.more_handover_pages = acpi_copy_pages(),
			.more_boot_list_pages = nodes_array_pages() +
						count_cpu_areas(),
		},
	}, pages);
}

/* ACPI memory is usable as far as it has joined all other memory. */
struct memory_sums memory_sum(void)
{
	const uint64_t *pages = boot_memory.map.regions.totals.pages;
	struct memory_sums sums = { 0 };
	uint64_t all[OWNER_COUNT];

	memory_count_owners(all);
	sums.usable = pages[REGION_FREE] + pages[REGION_LATER] +
		      pages[REGION_LOW] + pages[REGION_ACPI] - all[OWNER_ACPI];
	for (enum owner owner = OWNER_KERNEL_IMAGE;
	     owner <= OWNER_FLUSH_PENDING; owner++)
		sums.kernel += all[owner];
	sums.cached = all[OWNER_CACHED];
	for (enum owner owner = 0; owner < OWNER_COUNT; owner++)
		sums.reserved += all[owner];
	sums.reserved -= sums.usable;
	return sums;
}

enum status memory_count_named_pages(uint64_t *out)
{
	struct memory_map *map = &boot_memory.map;

	/* From the firmware's descriptors, not from our regions. */
	for (size_t i = 0; i < map->entry_count; i++)
		map->entries[i] = firmware_map_entry(&map->raw, i);
	return ledger_named_pages(map->entries, map->entry_count, map->scratch,
				  map->scratch_bytes, out);
}
