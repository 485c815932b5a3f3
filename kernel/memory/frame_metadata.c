// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The memory ranges of a node determine the ranges of the array that need
 * pages; ranges that share or touch a page are joined. Each is backed by as
 * few physical runs as possible: when no free run is large enough, half the
 * size is tried.
 *
 * Memory below 4 GiB is scarce: it is used only when there is no other.
 */
#include "frame_metadata.h"

#include <base/assert.h>
#include <base/bits.h>
#include <boot/layout.h>

#include <kernel/boot/boot_memory.h>
#include <kernel/platform/numa_nodes.h>

struct meta_range {
	uint64_t start, end;		/* virtual, whole pages              */
	unsigned node;
};

static uint64_t next_free = FRAME_META_START;

/* --- physical --------------------------------------------------------------*/

static enum status take_between(struct frame_run *run, uint64_t floor,
				const struct node_range *range)
{
	struct early_run_request request = {
		.frames = run->frames,
		.align_frames = run->frames * PAGE_SIZE >= SIZE_2M ?
					SIZE_2M / PAGE_SIZE : 1,
		.floor = paddr_to_pfn((paddr_t){
			max_u64(floor, range->start.raw) }),
		.limit = paddr_to_pfn(range->end),
	};

	if (range->end.raw <= floor)
		return ST_NO_MEMORY;
	return boot_alloc_at(&request, OWNER_FRAME_META, &run->first);
}

static enum status take_on_node(struct frame_run *run, unsigned node,
				uint64_t floor)
{
	struct node_range range = { .end = { floor } };

	while (nodes_range_of(node, range.end, &range)) {
		enum status status = take_between(run, floor, &range);

		if (status != ST_NO_MEMORY)
			return status;
	}
	return ST_NO_MEMORY;
}

static enum status take_best(struct frame_run *run, unsigned node)
{
	struct early_run_request anywhere = {
		.frames = run->frames,
		.align_frames = run->frames * PAGE_SIZE >= SIZE_2M ?
					SIZE_2M / PAGE_SIZE : 1,
	};
	enum status status = take_on_node(run, node, 4 * GIB);

	if (status == ST_NO_MEMORY)
		status = take_on_node(run, node, 0);
	if (status == ST_NO_MEMORY)
		status = boot_alloc_at(&anywhere, OWNER_FRAME_META,
					    &run->first);
	return status;
}

/* --- virtual ---------------------------------------------------------------*/

static enum status map(uint64_t virt, struct frame_run run)
{
	return table_map(&boot_memory.table, &(struct table_mapping){
		.virt = { virt },
		.phys = pfn_to_paddr(run.first),
		.bytes = run.frames * PAGE_SIZE,
		.rights = TABLE_WRITE | TABLE_GLOBAL,
		.largest_leaf = SIZE_2M,
	});
}

static enum status back(const struct meta_range *range)
{
	uint64_t frames = (range->end - range->start) / PAGE_SIZE;
	uint64_t at = range->start;

	while (at < range->end) {
		struct frame_run run = {
			.frames = min_u64(frames,
					  (range->end - at) / PAGE_SIZE),
		};
		enum status status;

		/* At most up to the first address for a large leaf. */
		if (!is_aligned(at, SIZE_2M) && align_up(at, SIZE_2M) <
							range->end)
			run.frames = min_u64(run.frames,
					     (align_up(at, SIZE_2M) - at) /
						     PAGE_SIZE);
		status = take_best(&run, range->node);
		if (status == ST_NO_MEMORY && run.frames > 1) {
			frames = run.frames / 2;
			continue;
		}
		if (status == ST_OK)
			status = map(at, run);
		if (status != ST_OK)
			return status;
		at += run.frames * PAGE_SIZE;
	}
	return ST_OK;
}

/* The part of the array that covers the range, in whole pages. */
static struct meta_range meta_range_of(const struct meta_array *array,
				       uint64_t base,
				       const struct node_range *range)
{
	uint64_t first = paddr_to_pfn(range->start).raw - array->first_frame;
	uint64_t end = paddr_to_pfn(range->end).raw - array->first_frame;

	return (struct meta_range){
		.start = base + align_down(first / array->frames_per_byte,
					   PAGE_SIZE),
		.end = base + align_up((end - 1) / array->frames_per_byte + 1,
				       PAGE_SIZE),
		.node = array->node,
	};
}

static enum status back_sparse(const struct meta_array *array, uint64_t base)
{
	struct meta_range all = { base, base, array->node };
	struct node_range range = { .end = { 0 } };

	while (nodes_range_of(array->node, range.end, &range)) {
		struct meta_range next = meta_range_of(array, base, &range);
		enum status status;

		if (next.start <= all.end) {
			all.end = max_u64(all.end, next.end);
			continue;
		}
		status = back(&all);
		if (status != ST_OK)
			return status;
		all = next;
	}
	return back(&all);
}

enum status frame_meta_take(const struct meta_array *array, void **out)
{
	uint64_t bytes = align_up(array->bytes, PAGE_SIZE);
	uint64_t base = bytes >= SIZE_2M ? align_up(next_free, SIZE_2M) :
					   next_free;
	struct meta_range whole = { base, base + bytes, array->node };

	if (bytes > FRAME_META_END - base)
		return ST_FULL;
	next_free = base + bytes;
	*out = (void *)base;
	return array->frames_per_byte == 0 ? back(&whole) :
					     back_sparse(array, base);
}

/* --- giving back -----------------------------------------------------------*/

/* Ranges handled in one walk over the tables. */
struct mapped_ranges {
	struct meta_range items[64];
	size_t count;
};

static bool note_leaf(void *context, const struct table_leaf *leaf)
{
	struct mapped_ranges *found = context;
	uint64_t start = leaf->virt.raw, end = start + leaf->bytes;
	size_t count = found->count;

	if (start < FRAME_META_START || start >= next_free)
		return start < next_free;
	if (count > 0 && found->items[count - 1].end == start) {
		found->items[count - 1].end = end;
		return true;
	}
	if (count == ARRAY_LENGTH(found->items))
		return false;
	found->items[found->count++] = (struct meta_range){ start, end, 0 };
	return true;
}

static void unmap_all(void)
{
	struct mapped_ranges found;

	do {
		found.count = 0;
		table_visit(&boot_memory.table, note_leaf, &found);
		for (size_t i = 0; i < found.count; i++)
			MUST(table_unmap(&boot_memory.table,
					 (vaddr_t){ found.items[i].start },
					 found.items[i].end -
						 found.items[i].start));
	} while (found.count != 0);
}

void frame_meta_give_all(void)
{
	struct frame_run run = { .first = { 0 } };

	unmap_all();
	while (ledger_find_owned(&boot_memory.ledger, OWNER_FRAME_META,
				 run.first, &run) == ST_OK)
		boot_free(run, OWNER_FRAME_META);
	next_free = FRAME_META_START;
}
