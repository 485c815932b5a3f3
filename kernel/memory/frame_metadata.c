// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The memory ranges of a pool determine the ranges of the array that need
 * pages; ranges that share or touch a page are joined. Each is backed by as
 * few physical runs as possible: when no free run is large enough, half the
 * size is tried.
 *
 * Small pages cost time: each is an entry that audits read, and a frame that
 * is counted. So a long range also fills a gap in front of it, and the 2 MiB
 * page at its end, where that wastes little of it.
 *
 * Memory below 4 GiB is scarce: it is used only when the node has no other. A
 * range shorter than a block is not used for its own node's metadata: a node
 * of one frame would have no frame to allocate.
 */
#include "frame_metadata.h"

#include <base/assert.h>
#include <base/bits.h>
#include <boot/layout.h>

#include <kernel/boot/boot_memory.h>

#define BLOCK_FRAMES	(SIZE_2M / PAGE_SIZE)
#define FOUR_GIB	(4 * GIB / PAGE_SIZE)
/* This part of a range may be wasted: metadata stays below 0.03 % of memory. */
#define WASTE_SHARE	12

struct meta_range {
	uint64_t start, end;		/* virtual, whole pages              */
};

/* An array that is to be backed, and the plan it is part of. */
struct backing {
	const struct frame_plan *plan;
	const struct meta_array *array;
};

static uint64_t next_free = FRAME_META_START;

/* --- physical --------------------------------------------------------------*/

static uint64_t alignment_of(const struct frame_run *run)
{
	return run->frames >= BLOCK_FRAMES ? BLOCK_FRAMES : 1;
}

static enum status take_between(struct frame_run *run, uint64_t floor,
				const struct frame_range *range)
{
	uint64_t first = max_u64(floor, range->first);

	if (range->end <= first || range->end - first < BLOCK_FRAMES)
		return ST_NO_MEMORY;
	return boot_alloc_at(&(struct early_run_request){
		.frames = run->frames,
		.align_frames = alignment_of(run),
		.floor = { first },
		.limit = { range->end },
	}, OWNER_FRAME_META, &run->first);
}

static enum status take_on_node(struct frame_run *run,
				const struct backing *what, uint64_t floor)
{
	const struct frame_plan *plan = what->plan;

	for (size_t i = 0; i < plan->count; i++) {
		enum status status = ST_NO_MEMORY;

		if (plan->ranges[i].node == what->array->node)
			status = take_between(run, floor, &plan->ranges[i]);
		if (status != ST_NO_MEMORY)
			return status;
	}
	return ST_NO_MEMORY;
}

static enum status take_best(struct frame_run *run,
			     const struct backing *what)
{
	struct early_run_request anywhere = {
		.frames = run->frames,
		.align_frames = alignment_of(run),
	};
	enum status status = take_on_node(run, what, FOUR_GIB);

	if (status == ST_NO_MEMORY)
		status = take_on_node(run, what, 0);
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

static enum status back(const struct backing *what,
			const struct meta_range *range)
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
		status = take_best(&run, what);
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
				       const struct frame_range *range)
{
	uint64_t first = range->first - array->first_frame;
	uint64_t end = range->end - array->first_frame;

	return (struct meta_range){
		.start = base + align_down(first / array->frames_per_byte,
					   PAGE_SIZE),
		.end = base + align_up((end - 1) / array->frames_per_byte + 1,
				       PAGE_SIZE),
	};
}

static bool may_waste(const struct meta_range *range, uint64_t bytes)
{
	return bytes <= (range->end - range->start) / WASTE_SHARE;
}

/* Up to `limit`, where the next range may begin. */
static enum status back_padded(const struct backing *what,
			       struct meta_range range, uint64_t limit)
{
	uint64_t end = align_up(range.end, SIZE_2M);

	if (end <= limit && may_waste(&range, end - range.end))
		range.end = end;
	return back(what, &range);
}

/* Nothing but the array lies below `limit`. */
static enum status back_sparse(const struct backing *what, uint64_t base,
			       uint64_t limit)
{
	const struct frame_plan *plan = what->plan;
	struct meta_range all = { base, base };

	for (size_t i = 0; i < plan->count; i++) {
		struct meta_range next;
		enum status status;

		if (plan->ranges[i].pool != what->array->pool)
			continue;
		next = meta_range_of(what->array, base, &plan->ranges[i]);
		if (next.start <= all.end ||
		    may_waste(&next, next.start - all.end)) {
			all.end = max_u64(all.end, next.end);
			continue;
		}
		status = back_padded(what, all, next.start);
		if (status != ST_OK)
			return status;
		all = next;
	}
	return back_padded(what, all, limit);
}

enum status frame_meta_take(const struct frame_plan *plan,
			    const struct meta_array *array, void **out)
{
	const struct backing what = { plan, array };
	uint64_t bytes = align_up(array->bytes, PAGE_SIZE);
	uint64_t base = bytes >= SIZE_2M ? align_up(next_free, SIZE_2M) :
					   next_free;
	struct meta_range whole = { base, base + bytes };

	if (bytes > FRAME_META_END - base)
		return ST_FULL;
	/* A long array has the 2 MiB page at its end for itself. */
	next_free = min_u64(FRAME_META_END,
			    bytes >= SIZE_2M ? align_up(base + bytes, SIZE_2M) :
					       base + bytes);
	*out = (void *)base;
	return array->frames_per_byte == 0 ?
		       back_padded(&what, whole, next_free) :
		       back_sparse(&what, base, next_free);
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
	found->items[found->count++] = (struct meta_range){ start, end };
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
