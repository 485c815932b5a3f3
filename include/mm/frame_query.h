/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_query.h - the state of one frame, and counts of all frames.
 *
 * At a quiet moment: no CPU allocates or frees meanwhile.
 */
#ifndef MM_FRAME_QUERY_H
#define MM_FRAME_QUERY_H

#include <base/range.h>
#include <mm/frame.h>

enum frame_state {
	FRAME_STATE_FREE,
	FRAME_STATE_CACHED,	/* in a cache, or on its way                  */
	FRAME_STATE_ALLOCATED,
	FRAME_STATE_FOREIGN,	/* no pool's                                 */
};

/* Right at a quiet moment; at any other, what it was a moment ago. */
struct frame_info {
	enum frame_state state;
	enum frame_size size;	/* of the piece that this frame is part of   */
	uint8_t owner;		/* FRAME_BYTE_FREE unless allocated           */
};
struct frame_info frame_pool_query(const struct frame_pool *pool, pfn_t frame);

struct frame_count {
	uint64_t free;		/* frames                                    */
	uint64_t free_low;	/* of these, below 1 MiB                     */
	uint64_t cached;
	uint64_t allocated[256];	/* by the owner's byte                */
};
/* Cost: O(blocks), and O(frames) of those that are split. */
void frame_pool_count(const struct frame_pool *pool, struct frame_count *out);

/* The free runs, ascending, none touching the next, until `visit` says no. */
void frame_pool_visit(const struct frame_pool *pool,
		      bool (*visit)(void *context, struct frame_run run),
		      void *context);

struct frame_stats {
	uint64_t free_frames;		/* all of them, in frames            */
	uint64_t split_frames;		/* single bits of split blocks       */
	uint64_t whole_blocks;		/* outside free giants               */
	uint64_t whole_giants;
};
void frame_pool_stats(const struct frame_pool *pool,
		      struct frame_stats *out);

#endif
