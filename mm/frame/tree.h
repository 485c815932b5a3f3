/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * tree.h - summaries: a bit for each thing, and a bit above for each word of
 * bits.
 */
#ifndef MM_FRAME_TREE_H
#define MM_FRAME_TREE_H

#include "layout.h"

uint64_t frame_tree_words(uint64_t size);
enum frame_leaves {
	FRAME_LEAVES_EMPTY,
	FRAME_LEAVES_LATER,	/* written when their giant is opened        */
};
atomic_u64 *frame_tree_init(struct frame_tree *tree, uint64_t size,
			    uint8_t root_bit, enum frame_leaves leaves,
			    atomic_u64 *memory);
/* Leaves of whole words, so that no two giants share one. */
static inline bool frame_opens_leaves(const struct frame_pool *pool)
{
	return pool->shape.giant_shift >= FRAME_WORD_SHIFT;
}

/*
 * Publishes bits of one word of level 0, which become reachable from the
 * root; returns those that were set before. Inside enter and leave.
 */
uint64_t frame_tree_publish(struct frame_pool *pool, struct frame_tree *tree,
			    uint64_t word, uint64_t mask);
/* Sets a bit unless a load finds it set. Inside enter and leave. */
void frame_tree_list(struct frame_pool *pool, struct frame_tree *tree,
		     uint64_t index);
/* Word `word` of level 0 is not zero any more. Inside enter and leave. */
void frame_tree_list_word(struct frame_pool *pool, struct frame_tree *tree,
			  uint64_t word);
/*
 * Clears those bits of `mask` that are set, and returns them: the one who
 * gets a bit owns what it stands for. Inside enter and leave.
 */
uint64_t frame_tree_claim(struct frame_pool *pool, struct frame_tree *tree,
			  uint64_t word, uint64_t mask);
/* All bits of `mask` or none. Inside enter and leave. */
bool frame_tree_claim_all(struct frame_pool *pool, struct frame_tree *tree,
			  uint64_t word, uint64_t mask);
/* L1: leaves a merge; the words are returned. */
static inline void frame_merge_later(struct frame_pool *pool)
{
	/* seq_cst, as frees and refusals are. */
	atomic_fetch_or_seq_cst(&pool->root, FRAME_LATE);
}

/* A merge was left, and F3 may not hold: see late.c. */
static inline bool frame_has_late(const struct frame_pool *pool)
{
	return atomic_load_relaxed(&pool->root) & FRAME_LATE;
}

/* The highest set bit below `end`. */
bool frame_tree_find(const struct frame_tree *tree, uint64_t end,
		     uint64_t *out);

/* Of blocks only in open giants. */
static inline bool frame_tree_has(const struct frame_tree *tree,
				  uint64_t index)
{
	return atomic_load_relaxed(&tree->level[0][index >> 6]) >>
	       (index & 63) & 1;
}

/* Whole and free, outside of a free giant. */
static inline bool frame_block_is_free(const struct frame_pool *pool,
				       uint64_t block)
{
	return frame_giant_state(pool, block) == FRAME_GIANT_OPEN &&
	       frame_tree_has(&pool->blocks, block);
}

static inline bool frame_tree_claim_one(struct frame_pool *pool,
					struct frame_tree *tree,
					uint64_t index)
{
	return frame_tree_claim(pool, tree, index >> 6,
				1UL << (index & 63)) != 0;
}

#endif
