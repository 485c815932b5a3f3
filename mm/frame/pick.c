// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * One frame that the caller names, because it is broken.
 *
 * A free frame is one bit, its own or that of a block or giant (F1). Those are
 * split until the bit is the frame's own, and that one is claimed as a run
 * claims the frames at its ends. A frame that is neither free nor allocated
 * may be in transit: another CPU splits or merges its block, or has it in a
 * cache. The first case passes, so the search tries again, a few times.
 */
#include <mm/frame_query.h>

#include "block.h"

/* The bit, if it is set; the words of a block that is split, or whole. */
static bool claim_bit(struct frame_pool *pool, uint64_t frame)
{
	atomic_u64 *cell = &pool->bits[frame >> FRAME_WORD_SHIFT];
	uint64_t mask = 1UL << (frame & 63);
	uint64_t old = atomic_load_acquire(cell);

	do {
		if ((old & mask) == 0)
			return false;
	} while (!atomic_compare_exchange_seq_cst(cell, &old, old & ~mask));
	return true;
}

static bool try_alloc_at(struct frame_pool *pool, cpu_slot slot,
			 uint64_t frame)
{
	uint64_t block = frame >> pool->shape.block_shift;
	bool won;

	frame_begin_claim(pool, slot);
	frame_split_down(pool, slot, block);
	won = frame_has_words(pool, block) && claim_bit(pool, frame);
	frame_end_claim(pool, slot);
	return won;
}

enum status frame_pool_alloc_at(struct frame_pool *pool, cpu_slot slot,
				pfn_t frame, uint8_t owner)
{
	uint64_t at = frame.raw - pool->first;

	if (!owner_is_allocated(owner) && !owner_is_retired(owner))
		return ST_BAD_ARGUMENT;
	if (!frame_pool_has(pool, frame))
		return ST_BAD_RANGE;
	for (unsigned tries = 0; tries < FRAME_ALLOC_AT_TRIES; tries++) {
		if (try_alloc_at(pool, slot, at)) {
			atomic_store_relaxed(&pool->frame_owner[at], owner);
			frame_let_go_block(pool,
					   at >> pool->shape.block_shift);
			return ST_OK;
		}
		if (frame_pool_query(pool, frame).state ==
		    FRAME_STATE_ALLOCATED)
			break;
		atomic_pause();
	}
	return ST_CONFLICT;
}
