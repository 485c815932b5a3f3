/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* cache.h - steps of a cache for allocs and frees of many frames. */
#ifndef MM_FRAME_CACHE_INTERNAL_H
#define MM_FRAME_CACHE_INTERNAL_H

#include <mm/frame_cache.h>

/* Where a cache has no word: no word begins there. */
#define NO_WORD UINT64_MAX

/* Frames of its pool whose owners' bytes are 0. On its own CPU and context. */
void frame_cache_keep_word(struct frame_cache *cache,
			   const struct frame_word *word);
/* A whole block of its pool, unlisted; needs a cache that keeps blocks. */
void frame_cache_keep_block(struct frame_cache *cache, uint64_t block);
/* For a cache without blocks; false when the pool had none. */
bool frame_cache_refill_blocks(struct frame_cache *cache);
/* For a cache whose word is empty; false when the pool had nothing. */
bool frame_cache_refill(struct frame_cache *cache);

#endif
