// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Each frame of a pool has a bit and a byte, and the sum of all bits and bytes
 * is the pool's size whatever they say: a byte of the wrong owner moves a page
 * from one count to another. So owners that have their pages in a structure
 * are counted there, and their bytes are not read. A frame that has the byte
 * of such an owner and is in no structure is then missing in the sum; one
 * that is in a structure and has another owner's byte is counted twice.
 */
#include "owner_counts.h"

#include <base/assert.h>
#include <base/bits.h>
#include <boot/layout.h>

static const bool in_tables[OWNER_COUNT] = {
	[OWNER_KERNEL_IMAGE] = true,
	[OWNER_PAGE_TABLE] = true,
	[OWNER_FRAME_META] = true,
	[OWNER_STACK] = true,
};

static const bool in_runs[OWNER_COUNT] = {
	[OWNER_BOOT_LIST] = true,
	[OWNER_HANDOVER] = true,
	[OWNER_MODULE] = true,
	[OWNER_LOG] = true,
};

bool owner_has_structure(enum owner owner)
{
	ASSERT(owner < OWNER_COUNT);
	return in_tables[owner] || in_runs[owner];
}

/* --- structures ------------------------------------------------------------*/

struct walk {
	const struct owner_structures *from;
	uint64_t *pages;
};

static uint64_t pages_in(struct range mapped, uint64_t start, uint64_t end)
{
	uint64_t first = max_u64(mapped.start, start);
	uint64_t last = min_u64(mapped.end, end);

	return first < last ? (last - first) / PAGE_SIZE : 0;
}

/* The loader kept no pages after the data. */
static uint64_t end_of(const struct handover_segment *segment)
{
	uint64_t bytes = segment->rights & SEGMENT_WRITE ?
		align_up(segment->used_bytes, PAGE_SIZE) : segment->bytes;

	return segment->virt.raw + bytes;
}

static bool add_row(void *context, const struct table_row *row)
{
	const struct walk *walk = context;
	uint64_t start = row->first.virt.raw, *pages = walk->pages;
	struct range mapped = { start, start + row->leaves * row->first.bytes };

	pages[OWNER_FRAME_META] += pages_in(mapped, FRAME_META_START,
					    FRAME_META_END);
	pages[OWNER_STACK] += pages_in(mapped, STACKS_START, STACKS_END);
	for (size_t i = 0; i < walk->from->segment_count; i++)
		pages[OWNER_KERNEL_IMAGE] += pages_in(
			mapped, walk->from->segments[i].virt.raw,
			end_of(&walk->from->segments[i]));
	return true;
}

static bool add_table_page(void *context, pfn_t frame)
{
	const struct walk *walk = context;

	(void)frame;
	walk->pages[OWNER_PAGE_TABLE]++;
	return true;
}

/* Instead of what bytes and the ledger say of these owners. */
static void walk_structures(const struct owner_structures *from,
			    uint64_t pages[OWNER_COUNT])
{
	struct walk walk = { from, pages };

	for (enum owner owner = 0; owner < OWNER_COUNT; owner++)
		if (owner_has_structure(owner))
			pages[owner] = 0;
	table_visit_rows_and_pages(from->table, add_row, add_table_page, &walk);
	for (size_t i = 0; i < from->owned_count; i++)
		if (in_runs[from->owned[i].owner])
			pages[from->owned[i].owner] += from->owned[i].frames;
	pages[OWNER_HANDOVER] += from->more_handover_pages;
	pages[OWNER_BOOT_LIST] += from->more_boot_list_pages;
}

/* --- all -------------------------------------------------------------------*/

void owners_count(const struct owner_sources *from,
		  uint64_t pages[OWNER_COUNT])
{
	const struct frame_count *frames = from->frames;

	for (enum owner owner = 0; owner < OWNER_COUNT; owner++)
		pages[owner] = ledger_pages(from->ledger, owner);
	ASSERT(frames->free_low <= frames->free);
	/* The ledger's free runs are the early list's or the pools'. */
	pages[OWNER_FREE] = from->early_pages + frames->free - frames->free_low;
	pages[OWNER_LOW] += frames->free_low;
	pages[OWNER_CACHED] += frames->cached;
	for (unsigned i = 1; i < ARRAY_LENGTH(frames->allocated); i++)
		pages[ledger_byte_owner((uint8_t)i)] += frames->allocated[i];
	walk_structures(&from->structures, pages);
	/* Tables of users, which are not among the kernel's. */
	for (unsigned i = LEDGER_BYTE_HOLDERS; i <= UINT8_MAX; i++)
		pages[OWNER_PAGE_TABLE] += frames->allocated[i];
}
