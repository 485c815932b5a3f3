// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Checks the whole pool, at a quiet moment: F1 to F5 of frame_pool.h.
 *
 * Reachability is checked from below, bit by bit and level by level, which
 * is the promise as it is used: what is free has a bit above it, up to the
 * root. A bit above with nothing below is no lie but in the trees of whole
 * blocks and giants, where each bit is memory; the others are only hints.
 */
#include <mm/frame_query.h>

#include "tree.h"

/* The leaf words of blocks, but where their giant was never opened. */
static bool leaf_is_defined(const struct frame_pool *pool,
			    const struct frame_tree *tree, uint64_t word)
{
	return tree == &pool->giants || !frame_opens_leaves(pool) ||
	       frame_giant_state(pool, word << 6) == FRAME_GIANT_OPEN;
}

static bool tree_is_linked(const struct frame_pool *pool,
			   const struct frame_tree *tree)
{
	uint64_t size = tree->size;

	for (unsigned level = 0; level < tree->levels; level++) {
		size = (size + 63) >> 6;
		for (uint64_t i = 0; i < size; i++) {
			if (level == 0 && !leaf_is_defined(pool, tree, i))
				continue;
			const atomic_u64 *above =
				level + 1 < tree->levels ?
					&tree->level[level + 1][i >> 6] :
					&pool->root;
			unsigned bit = level + 1 < tree->levels ?
					       i & 63 : tree->root_bit;
			bool listed = atomic_load_relaxed(above) >> bit & 1;
			bool any = atomic_load_relaxed(&tree->level[level][i])
				   != 0;

			if (any != listed)
				return false;
		}
	}
	return true;
}

static bool words_are(const struct frame_pool *pool, uint64_t block,
		      uint64_t wanted)
{
	const atomic_u64 *words = block_words(pool, block);

	for (uint64_t i = 0; i < words_per_block(pool); i++)
		if (atomic_load_relaxed(&words[i]) != wanted)
			return false;
	return true;
}

static bool split_block_is_good(const struct frame_pool *pool, uint64_t block)
{
	uint64_t first = block << pool->shape.block_shift;
	const atomic_u64 *words = block_words(pool, block);

	if (!words_are(pool, block, 0) &&
	    !frame_tree_has(&pool->split, block))			/* F4 */
		return false;
	if (words_are(pool, block, ALL_ONES))				/* F3 */
		return false;
	for (uint64_t i = 0; i < frames_per_block(pool); i++) {
		uint64_t word = atomic_load_relaxed(&words[i >> 6]);
		uint8_t byte =
			atomic_load_relaxed(&pool->frame_owner[first + i]);

		if (word >> (i & 63) & 1 && byte != FRAME_BYTE_FREE)	/* F5 */
			return false;
	}
	return true;
}

static bool block_is_good(const struct frame_pool *pool, uint64_t block)
{
	uint16_t hint = atomic_load_relaxed(&pool->hints[block]);
	enum frame_giant state = frame_giant_state(pool, block);
	bool whole = frame_block_is_free(pool, block);
	bool in_giant = frame_tree_has(&pool->giants,
				       block >> pool->shape.giant_shift);

	if (state != FRAME_GIANT_OPEN)
		return hint == FRAME_ABSENT &&
		       (state == FRAME_GIANT_UNINIT || !in_giant);
	if (whole && (in_giant || hint == FRAME_ABSENT))	/* F1 */
		return false;
	if ((whole || in_giant) &&
	    atomic_load_relaxed(&pool->block_owner[block]) != FRAME_BYTE_FREE)
		return false;
	if (hint == FRAME_ABSENT || hint == FRAME_UNINIT)
		return !(in_giant && hint == FRAME_ABSENT);
	if (whole || in_giant ||				/* F2 */
	    atomic_load_relaxed(&pool->block_owner[block]) != FRAME_BYTE_FREE)
		return words_are(pool, block, 0);
	return split_block_is_good(pool, block);
}

static bool giant_is_good(const struct frame_pool *pool, uint64_t giant)
{
	uint64_t blocks = blocks_per_giant(pool);

	for (uint64_t i = 0; i < blocks; i++)
		if (!frame_block_is_free(pool, giant * blocks + i))
			return true;
	return false;						/* F3 */
}

bool frame_pool_audit(const struct frame_pool *pool)
{
	if (!tree_is_linked(pool, &pool->split) ||
	    !tree_is_linked(pool, &pool->blocks) ||
	    !tree_is_linked(pool, &pool->giants))
		return false;
	for (uint64_t block = 0; block < pool_blocks(pool); block++)
		if (!block_is_good(pool, block))
			return false;
	for (uint64_t giant = 0;
	     giant < pool_blocks(pool) >> pool->shape.giant_shift; giant++)
		if (!giant_is_good(pool, giant))
			return false;
	for (unsigned i = 0; i < pool->slots; i++)
		if (atomic_load_relaxed(&pool->activity[i].moving) & 1 ||
		    atomic_load_relaxed(&pool->activity[i].frees) & 1)
			return false;
	return true;
}

void frame_pool_stats(const struct frame_pool *pool,
		      struct frame_stats *out)
{
	uint64_t blocks = pool_blocks(pool);

	*out = (struct frame_stats){ 0 };
	for (uint64_t block = 0; block < blocks; block++) {
		const atomic_u64 *words = block_words(pool, block);
		uint16_t hint = atomic_load_relaxed(&pool->hints[block]);

		out->whole_blocks += frame_block_is_free(pool, block);
		for (uint64_t i = 0;
		     hint != FRAME_ABSENT && hint != FRAME_UNINIT &&
		     i < words_per_block(pool); i++)
			out->split_frames +=
				count_ones(atomic_load_relaxed(&words[i]));
	}
	for (uint64_t giant = 0; giant < blocks >> pool->shape.giant_shift;
	     giant++)
		out->whole_giants += frame_tree_has(&pool->giants, giant);
	out->free_frames = out->split_frames +
			   (out->whole_blocks << pool->shape.block_shift) +
			   (out->whole_giants << (pool->shape.block_shift +
						  pool->shape.giant_shift));
}
