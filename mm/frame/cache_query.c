// SPDX-License-Identifier: MIT OR Apache-2.0
/* How many frames a cache has, may have, and allocated by itself. */
#include <mm/frame_cache.h>

#include "layout.h"

uint64_t frame_list_frames(const struct frame_list *list)
{
	const struct frame_word *word;
	uint64_t frames = 0;

	for (word = list->words; word < list->end; word++)
		frames += count_ones(word->mask);
	return frames;
}

uint64_t frame_cache_held(const struct frame_cache *cache)
{
	return count_ones(cache->word) +
	       frame_list_frames(&cache->list[FRAME_HOT]) +
	       frame_list_frames(&cache->list[FRAME_COLD]) +
	       ((uint64_t)cache->block_count << cache->block_shift);
}

uint64_t frame_cache_limit(const struct frame_cache *cache)
{
	uint64_t most = FRAME_WORD_BITS;

	for (unsigned i = 0; i < FRAME_LISTS; i++) {
		const struct frame_list *list = &cache->list[i];

		most += FRAME_WORD_BITS *
			(uint64_t)(list->limit - list->words - 1);
	}
	return most;
}

uint64_t frame_cache_hits(const struct frame_cache *cache)
{
	int64_t allocated = cache->refilled - count_ones(cache->word) -
		       (int64_t)frame_list_frames(&cache->list[FRAME_HOT]) -
		       cache->block_count;

	return allocated > cache->refills ? (uint64_t)allocated - cache->refills
					  : 0;
}
