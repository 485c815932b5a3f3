/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * early.h - the free-frame list that the kernel inherits.
 *
 * Takes: ascending, disjoint runs of free frames.
 * Gives: single frames and aligned runs, lowest address first; freed ones
 *        merge with their neighbours. Each free run carries its own node in
 *        its first page, so that freeing never needs memory.
 *
 * Invariants: (E1) runs ascend; (E2) no two runs touch or overlap;
 *             (E3) no run is empty or reaches beyond PHYSICAL_LIMIT;
 *             (E4) free_frames is their sum, run_count their number;
 *             (E5) every node carries the right check word;
 *             (E6) the hint is the first frame of a run, or EARLY_NONE.
 *
 * The check word of a node finds a free page into which other code or a device
 * wrote: a call that has to read that node fails with ST_CORRUPT, changes
 * nothing, and follows no pointer of that node.
 */
#ifndef MM_EARLY_H
#define MM_EARLY_H

#include <base/range.h>
#include <mm/source.h>
#include <mm/window.h>

/* Page 0 is a page: so "no run" is a number that no frame has. */
#define EARLY_NONE UINT64_MAX

struct early {
	struct frame_source source;	/* a frame source over this list */
	struct window window;
	pfn_t head;			/* first run, EARLY_NONE if empty    */
	pfn_t hint;			/* a run at or below the last free   */
	uint64_t free_frames;
	uint64_t run_count;
};

/*
 * Adopts runs[0..count), which must ascend and be disjoint; touching runs are
 * merged. Writes one node into the first page of each run. `early` must not
 * move then, because `source` finds it by its address. The `give` of `source`
 * asserts that early_free_run succeeds.
 * Fails: ST_CORRUPT when they do not ascend, overlap, wrap, are empty or reach
 *        beyond PHYSICAL_LIMIT; nothing is written then.
 */
enum status early_init(struct early *early, struct window window,
		       const struct frame_run *runs, size_t count);

/* Fails: ST_NO_MEMORY, ST_CORRUPT. Cost: O(1). */
enum status early_take(struct early *early, pfn_t *out);

/*
 * `frames` contiguous frames whose first is a multiple of `align_frames`
 * (a power of two) and at least `floor`, and whose end is at most `limit`
 * (0 = no limit). `floor` is a frame that could exist.
 * Fails: ST_NO_MEMORY, ST_BAD_RANGE (no frames), ST_BAD_ARGUMENT (not a
 *        power of two), ST_CORRUPT.
 * Cost:  O(runs).
 */
struct early_run_request {
	uint64_t frames;
	uint64_t align_frames;		/* 0 = 1                             */
	pfn_t limit;			/* one past the last frame, 0 = any  */
	pfn_t floor;
};
enum status early_alloc_run(struct early *early,
			    const struct early_run_request *request,
			    pfn_t *out);

/*
 * Frees frames, or adds new ones that the list has never had.
 * Fails: ST_CONFLICT when any of them is free already, ST_BAD_RANGE when
 *        empty, wrapping or beyond PHYSICAL_LIMIT, ST_CORRUPT; nothing is
 *        changed then.
 * Cost:  O(runs), O(1) when runs are freed in ascending order.
 */
enum status early_free_run(struct early *early, struct frame_run run);

/*
 * Walks the runs in order; stops when `visit` returns false, and at a node
 * that fails its check (early_audit tells the two apart).
 */
void early_visit(const struct early *early,
		 bool (*visit)(void *context, struct frame_run run),
		 void *context);

bool early_audit(const struct early *early);	/* E1..E6 */

#endif
