// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The pages of each owner, counted independently: free ones by their bits,
 * allocated ones by their bytes, page tables and stacks by walking them, the
 * rest by the ledger's runs. So a mismatch with the total is visible.
 */
#include "page_counts.h"

#include <base/bits.h>
#include <boot/layout.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/boot/boot_memory.h>

#include "frames.h"

static uint64_t count_slot(unsigned cpu, enum stack_kind kind)
{
	uint64_t top = stack_top(cpu, kind).raw, pages = 0;
	struct table_leaf leaf;

	for (uint64_t at = top - STACK_SLOT_BYTES + PAGE_SIZE; at < top;
	     at += PAGE_SIZE)
		pages += table_query(&boot_memory.table, (vaddr_t){ at },
				     &leaf) == ST_OK;
	return pages;
}

uint64_t memory_count_stack_pages(void)
{
	uint64_t pages = 0;

	for (unsigned cpu = 0; cpu < cpu_local_limit(); cpu++)
		for (unsigned kind = 0; kind < STACK_KIND_COUNT; kind++)
			pages += count_slot(cpu, kind);
	return pages;
}

static bool count_page(void *context, pfn_t frame)
{
	(void)frame;
	++*(uint64_t *)context;
	return true;
}

uint64_t memory_count_table_pages(void)
{
	uint64_t pages = 0;

	table_visit_pages(&boot_memory.table, count_page, &pages);
	return pages;
}

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

void memory_count_owners(uint64_t pages[OWNER_COUNT])
{
	struct frame_count count;

	for (enum owner owner = 0; owner < OWNER_COUNT; owner++)
		pages[owner] = ledger_pages(&boot_memory.ledger, owner);
	frames_count(&count);
	pages[OWNER_FREE] = count_early_pages() + count.free - count.free_low;
	pages[OWNER_LOW] += count.free_low;
	pages[OWNER_CACHED] += count.cached;
	for (unsigned i = 1; i < ARRAY_LENGTH(count.allocated); i++)
		pages[ledger_byte_owner((uint8_t)i)] += count.allocated[i];
	pages[OWNER_PAGE_TABLE] = memory_count_table_pages();
	pages[OWNER_STACK] = memory_count_stack_pages();
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
