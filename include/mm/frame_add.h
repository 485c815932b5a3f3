/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_add.h - from arrays to a pool, and from runs of frames to its memory.
 *
 * A pool begins empty. Memory becomes the pool's as free (add), or as
 * allocated to the owner that uses it already (adopt).
 */
#ifndef MM_FRAME_ADD_H
#define MM_FRAME_ADD_H

#include <base/range.h>
#include <mm/frame_pool.h>

/* The arrays of a pool, in bytes; each starts on a cache line. */
struct frame_pool_sizes {
	uint64_t bits;
	uint64_t hints;
	uint64_t frame_owner;
	uint64_t block_owner;
	uint64_t giant_owner;
	uint64_t trees;
	uint64_t activity;
};

struct frame_pool_request {
	pfn_t first;			/* a multiple of a giant             */
	uint64_t frames;		/* up to the node's last frame       */
	struct frame_shape shape;
	unsigned slots;			/* two for each CPU                  */
	struct frame_reporter *reporter;
	struct window window;		/* for zeroed frames                 */
	void *bits, *hints, *frame_owner, *block_owner, *giant_owner;
	void *trees, *activity;
};

/* Fails: ST_BAD_ARGUMENT (shape, slots), ST_BAD_RANGE (first, frames). */
enum status frame_pool_measure(const struct frame_pool_request *request,
			       struct frame_pool_sizes *out);

/*
 * An empty pool. `bits` and `frame_owner` are not touched.
 * Fails: as frame_pool_measure.
 * Cost:  O(giants): memset of some 300 words for each.
 */
enum status frame_pool_init(struct frame_pool *pool,
			    const struct frame_pool_request *request);

/*
 * Frames that the pool has never seen, or that were taken out of it, become
 * free. Runs of two pools must not share a block. By one CPU at a time; what
 * is in the pool already others may take and give meanwhile.
 * Fails: ST_BAD_RANGE, ST_CONFLICT (some are the pool's already; nothing
 *        has changed then).
 * Cost:  O(giants), O(blocks) in the first and last giant, O(frames) in the
 *        first and last block.
 */
enum status frame_pool_add(struct frame_pool *pool, cpu_slot slot,
			   struct frame_run run);

/*
 * As frame_pool_add, but they are allocated already: as FRAME_RUN in one piece,
 * or as FRAME_4K one by one.
 * Fails: as frame_pool_add; ST_BAD_ARGUMENT (size, owner).
 * Cost:  O(frames), of a run O(blocks); only before another CPU uses the
 *        pool.
 */
struct frame_adoption {
	struct frame_run run;
	enum frame_size size;
	uint8_t owner;
};
enum status frame_pool_adopt(struct frame_pool *pool,
			     const struct frame_adoption *adoption);

#endif
