// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Many frames from one CPU's cache: what it has, then refills, word by word.
 *
 * Frames of the cache itself need no announcement: no other CPU can reach
 * them. From the first refill on, they are frames of the pool that may go back
 * (many.c).
 */
#include <mm/frame_cache.h>
#include <mm/frame_many.h>

#include <arch/cpu_local.h>
#include <base/assert.h>

#include "cache.h"
#include "many.h"

/* The lowest `most` ones of `word`. */
static uint64_t lowest_ones(uint64_t word, uint64_t most)
{
	uint64_t rest = word;

	while (rest != 0 && most-- > 0)
		rest &= rest - 1;
	return word & ~rest;
}

/* From the cache's word, which is not empty. */
static void add_from_word(struct frame_cache *cache, struct frame_many *many)
{
	uint64_t left = (uint64_t)(many->end - many->next);
	struct frame_word word = { cache->word_first, cache->word };

	if (left < FRAME_WORD_BITS)
		word.mask = lowest_ones(word.mask, left);
	cache->word &= ~word.mask;
	frame_many_add(many, cache->pool, &word);
}

/*
 * Blocks that it needs whole: none is split or merged. The pool's split
 * blocks, if there are some, go before whole ones of the pool.
 */
static void add_whole_blocks(struct frame_cache *cache, struct frame_many *many)
{
	uint64_t frames = 1UL << cache->block_shift;

	while ((uint64_t)(many->end - many->next) >= frames) {
		if (cache->block_count == 0) {
			if (many->claims == 0)
				frame_many_begin_claim(many);
			if (frame_has_split_blocks(cache->pool) ||
			    !frame_cache_refill_blocks(cache))
				return;
		}
		frame_many_add_block(many, cache->pool,
				     cache->blocks[--cache->block_count]);
	}
}

/* True when it got all. */
static bool add_from_cache(struct frame_cache *cache, struct frame_many *many)
{
	while (many->next < many->end) {
		if (cache->word == 0 && many->claims == 0)
			frame_many_begin_claim(many);
		if (cache->word == 0 && !frame_cache_refill(cache))
			return false;
		add_from_word(cache, many);
	}
	return true;
}

enum status frame_cache_alloc_many(struct frame_cache *cache, uint8_t owner,
				   struct frame_array out)
{
	static const uint8_t alone[] = { 0 };
	struct frame_many many = {
		.pool = &cache->pool, .order = alone, .pools = 1,
		.slot = cache->slot,
	};
	enum status status;

	if (cache->frames == 0)
		return ST_DENIED;
	ASSERT(cache->slot == 2 * cpu_local_id() + cpu_local_context());
	status = frame_many_init(&many, owner, out);
	if (status != ST_OK)
		return status;
	add_whole_blocks(cache, &many);
	/* Words, and blocks, at a locked instruction each. */
	if (many.end - many.next >= (ptrdiff_t)FRAME_WORD_BITS)
		frame_many_claim(&many, FRAME_WORD_BITS - 1);
	/* Its cold list and its blocks are free memory, too. */
	if (!add_from_cache(cache, &many))
		frame_cache_drain(cache);
	return frame_many_finish(&many);
}
