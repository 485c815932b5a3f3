/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * block.h - frames return to blocks; blocks split and merge, and so do giants.
 */
#ifndef MM_FRAME_BLOCK_H
#define MM_FRAME_BLOCK_H

#include "tree.h"

/* Gives frames back; those that were free already are reported. */
void frame_return_words(struct frame_pool *pool, cpu_slot slot,
			const struct frame_word *words, uint64_t count);
/* The same for one word; returns those that were free already. */
uint64_t frame_return_word(struct frame_pool *pool, cpu_slot slot,
			   uint64_t word, uint64_t mask);
/* Second copies of frames, relative: see cache.c. */
void frame_report_clash(struct frame_pool *pool, uint64_t first,
			uint64_t clash);
/* Blocks of one word of the tree; returns those that were free already. */
uint64_t frame_return_blocks(struct frame_pool *pool, cpu_slot slot,
			     uint64_t word, uint64_t mask);
/* False when it was free already. */
bool frame_return_giant(struct frame_pool *pool, cpu_slot slot,
			uint64_t giant);

/* Whole no more; false when another CPU was faster. */
bool frame_split_block(struct frame_pool *pool, cpu_slot slot,
		       uint64_t block);
bool frame_split_giant(struct frame_pool *pool, cpu_slot slot,
		       uint64_t giant);
/* Blocks of one word of the tree. */
struct frame_blocks {
	uint64_t word;
	uint64_t mask;
};
/*
 * The same, but the blocks of `keep` are the caller's. A giant that is split
 * without keeping a block would stay split, wholly free, if the caller then
 * took a block elsewhere: no free would start its merge. Inside enter and
 * leave.
 */
bool frame_break_giant(struct frame_pool *pool, uint64_t giant,
		       struct frame_blocks keep);
/*
 * Ones into the words of a block that is the caller's, `first_word` into the
 * first. Inside enter and leave.
 */
void frame_open_block(struct frame_pool *pool, uint64_t block,
		      uint64_t first_word);
/* Blocks of this giant are about to be used one by one. */
void frame_open_giant(struct frame_pool *pool, uint64_t giant);
/* Several giants of one word, as frame_return_blocks. */
uint64_t frame_return_giants(struct frame_pool *pool, cpu_slot slot,
			     uint64_t word, uint64_t mask);
/* The first frames of a block that the pool gets. */
void frame_open_absent_block(struct frame_pool *pool, uint64_t block);
/*
 * For who names a frame, and found its block in no list: splits what is free
 * in a larger size. Within a claim.
 */
void frame_split_down(struct frame_pool *pool, cpu_slot slot,
		      uint64_t block);
/* Whether it was ever split, so that its words mean something. */
bool frame_has_words(const struct frame_pool *pool, uint64_t block);

/* Sets the hint, and lists the block in that class. */
void frame_set_hint(struct frame_pool *pool, uint64_t block, uint16_t hint);
/* Lists it where its hint says, if anywhere. */
void frame_sort(struct frame_pool *pool, uint64_t block);
/* Whether it belongs into one, and whether into this. */
bool frame_has_class(const struct frame_pool *pool, uint64_t block);
bool frame_in_class(const struct frame_pool *pool, uint64_t block,
		    unsigned class);
/* The value that the hint should have, counted from the words. */
uint64_t frame_count_block(const struct frame_pool *pool, uint64_t block);
/* A CPU stops refilling from a block that may have frames left. */
void frame_let_go_block(struct frame_pool *pool, uint64_t block);

/*
 * Merge it if all below is free; a block's giant as well. A merge that another
 * CPU makes fail MERGE_TRIES times is left to frame_merge_late.
 */
void frame_merge_block(struct frame_pool *pool, cpu_slot slot, uint64_t block);
void frame_merge_giant(struct frame_pool *pool, cpu_slot slot, uint64_t giant);

/* --- late.c ----------------------------------------------------------*/

/*
 * Makes up for merges that were left, if there is one; in a handler nothing.
 * Outside of claims.
 * Cost: one load; after a merge was left, O(blocks that are split) once.
 */
void frame_merge_late(struct frame_pool *pool, cpu_slot slot);

/* --- fill.c ----------------------------------------------------------*/

/*
 * A whole block that is the caller's becomes single frames, all of them
 * allocated to `owner`.
 */
void frame_fill_block(struct frame_pool *pool, uint64_t block, uint8_t owner);

#endif
