// SPDX-License-Identifier: MIT OR Apache-2.0
/* The frames that caches hold, and their invariants: C1 to C3. */
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

/* Whether the cache has this block, as one of its first `count`. */
static bool has_block(const struct frame_cache *cache, uint32_t count,
		      uint64_t block)
{
	for (uint32_t i = 0; i < count; i++)
		if (cache->blocks[i] == block)
			return true;
	return false;
}

/* The owner's bytes are 0, and nothing but this has any of the frames. */
static bool word_is_good(const struct frame_cache *cache,
			 const struct frame_word *word)
{
	for (uint64_t rest = word->mask; rest != 0; rest &= rest - 1)
		if (atomic_load_relaxed(
			    &cache->owner[word->first +
					 (uint64_t)__builtin_ctzl(rest)]) !=
		    FRAME_BYTE_FREE)
			return false;
	if (word->mask != 0 &&
	    has_block(cache, cache->block_count,
		      word->first >> cache->block_shift))
		return false;
	for (unsigned i = 0; i < FRAME_LISTS; i++) {
		const struct frame_list *list = &cache->list[i];
		const struct frame_word *other;

		for (other = list->words; other < list->end; other++)
			if (other != word && other->first == word->first &&
			    (other->mask & word->mask) != 0)
				return false;
	}
	return true;
}

static bool list_is_good(const struct frame_cache *cache,
			 const struct frame_list *list)
{
	const struct frame_word *word;

	for (word = list->words; word < list->end; word++)
		if (!word_is_good(cache, word))
			return false;
	return list->end < list->limit;
}

bool frame_cache_audit(const struct frame_cache *cache)
{
	struct frame_word word = { cache->word_first, cache->word };

	if (!word_is_good(cache, &word) ||
	    !list_is_good(cache, &cache->list[FRAME_HOT]) ||
	    !list_is_good(cache, &cache->list[FRAME_COLD]) ||
	    cache->block_count > cache->block_limit)
		return false;
	for (uint32_t i = 0; i < cache->block_count; i++)
		if (atomic_load_relaxed(
			    &cache->pool->block_owner[cache->blocks[i]]) !=
			    FRAME_BYTE_FREE ||
		    has_block(cache, i, cache->blocks[i]))
			return false;
	return true;
}
