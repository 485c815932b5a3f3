// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Merges that were left, because other CPUs made them fail too often.
 *
 * A try to merge fails only when another CPU claimed a frame of the block, or
 * a block of the giant, between the check that all is free and the claim of
 * its word. The CPU that claimed merges when it frees the last one, unless it
 * sees the zeros of a merge that is about to fail; then that merge checks
 * again. So at any time the merge is left to a CPU, but this may be the same
 * CPU without a bound. After MERGE_TRIES it sets a bit in `root` and returns.
 *
 * Until the merge is made up for, the memory is reachable in the smaller size:
 * a failed merge has returned the words, and listed the block. Only requests
 * for the larger size, and runs, may miss it. They look at the bit before
 * they are refused, never when they succeed:
 *
 * L1 A merge that is left sets the bit after it has returned all words and
 *    before the free returns. So a refusal that finds the bit clear, or a
 *    search that finds it clear while all is at rest, misses only memory that
 *    is freed at the same time.
 * L2 The CPU that makes up clears the bit before it reads the words. A merge
 *    that is left later sets it again; words that were returned before are
 *    seen, because clearing is a locked instruction as setting is.
 * L3 All of it lies within a claim, so no other CPU is refused meanwhile.
 *
 * It must look at every block that is split: one bit does not say which. That
 * is bounded, and paid for by MERGE_TRIES failures in a row. A handler does
 * not do it. It may be refused memory that other CPUs are moving in any case.
 */
#include "block.h"

static void merge_all(struct frame_pool *pool, cpu_slot slot)
{
	uint64_t giants = pool_blocks(pool) >> pool->shape.giant_shift;
	uint64_t block, end = pool_blocks(pool);

	for (; frame_tree_find(&pool->split, end, &block); end = block)
		frame_merge_block(pool, slot, block);
	for (uint64_t giant = 0; giant < giants; giant++)
		if (frame_giant_state(pool, giant << pool->shape.giant_shift) ==
		    FRAME_GIANT_OPEN)
			frame_merge_giant(pool, slot, giant);
}

void frame_merge_late(struct frame_pool *pool, cpu_slot slot)
{
	/* seq_cst: after the loads of the slots, where a search made them. */
	if (LIKELY((atomic_load_seq_cst(&pool->root) & FRAME_LATE) == 0) ||
	    slot_is_interrupt(slot))
		return;
	frame_begin_claim(pool, slot);				/* L3 */
	atomic_fetch_and_seq_cst(&pool->root, ~FRAME_LATE);		/* L2 */
	merge_all(pool, slot);
	frame_end_claim(pool, slot);
}
