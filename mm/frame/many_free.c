// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Many single frames freed in one call: all of them, or none.
 *
 * The first pass over the frames writes 0 into bytes that have the owner, and
 * stops at a byte that has not: then it writes back what it has overwritten.
 * A frame that is in the array twice is found there. The second pass returns
 * words, to the cache or to the bitmap, and cannot be undone.
 *
 * All frames of a block are returned as a merge returns them that has claimed
 * the block's words, with one locked instruction or two instead of sixteen.
 */
#include <mm/frame_cache.h>
#include <mm/frame_many.h>

#include <arch/cpu_local.h>

#include "block.h"
#include "cache.h"
#include "many.h"
#include "report.h"

/* A free that is under way. */
struct freeing {
	struct frame_where where;	/* of the last word                  */
	struct frame_cache *cache;	/* NULL: all frames to their pools   */
	cpu_slot slot;
	uint8_t owner;
	const void *caller;
};

/* Of a word's frames the lowest: the word may begin in another place. */
static uint64_t lowest_of(const struct frame_word *word)
{
	return word->first + (uint64_t)__builtin_ctzl(word->mask);
}

/* Makes `first` relative. */
static struct frame_pool *enter_pool(struct freeing *freeing,
				     struct frame_word *word)
{
	bool found = frame_where_find(&freeing->where, lowest_of(word));

	ASSERT(found);
	word->first -= freeing->where.pool->first;
	return freeing->where.pool;
}

static enum status refuse(const struct freeing *freeing,
			  enum frame_bad_free_kind kind, uint64_t frame)
{
	return frame_refuse_free(freeing->where.pool, kind, (pfn_t){ frame },
				 freeing->caller);
}

/* 0 into the bytes of all frames of the word; if one is wrong, into none. */
static enum status clear_word(struct freeing *freeing, struct frame_word word)
{
	uint64_t named = lowest_of(&word);
	struct frame_pool *pool;
	uint64_t others;
	unsigned first;
	uint8_t byte;

	if (!frame_where_find(&freeing->where, named) ||
	    !pool_has(freeing->where.pool, (pfn_t){ named }))
		return refuse(freeing, FRAME_FOREIGN, named);
	pool = freeing->where.pool;
	word.first -= pool->first;
	/* The hint first: elsewhere bytes mean nothing. */
	if (!frame_has_words(pool, word.first >> pool->shape.block_shift))
		return refuse(freeing, FRAME_NOT_ALLOCATED, named);
	__builtin_prefetch(&pool->bits[word.first >> FRAME_WORD_SHIFT], 1);
	others = frame_exchange_owners(pool, &word, freeing->owner,
				       FRAME_BYTE_FREE);
	if (others == 0)
		return ST_OK;
	word.mask &= ~others;
	(void)frame_exchange_owners(pool, &word, FRAME_BYTE_FREE,
				    freeing->owner);
	first = (unsigned)__builtin_ctzl(others);
	byte = atomic_load_relaxed(&pool->frame_owner[word.first + first]);
	return refuse(freeing, frame_bad_free_kind_of(byte),
		      pool->first + word.first + first);
}

static void restore_words(struct freeing *freeing,
			  const struct frame_words *words)
{
	for (unsigned i = 0; i < words->count; i++) {
		struct frame_word word = words->word[i];
		const struct frame_pool *pool = enter_pool(freeing, &word);

		(void)frame_exchange_owners(pool, &word, FRAME_BYTE_FREE,
					    freeing->owner);
	}
}

/* When one is wrong, the words in front of it have their owner again. */
static enum status clear_words(struct freeing *freeing,
			       struct frame_words *words)
{
	for (unsigned i = 0; i < words->count; i++) {
		enum status status = clear_word(freeing, words->word[i]);

		if (status == ST_OK)
			continue;
		words->count = i;
		restore_words(freeing, words);
		return status;
	}
	return ST_OK;
}

/* Whether they are all words of a block. `first` is relative. */
static bool are_a_block(const struct frame_pool *pool, uint64_t first,
			const struct frame_word *word)
{
	const atomic_u64 *bits = &pool->bits[first >> FRAME_WORD_SHIFT];

	if (!is_aligned(first, frames_per_block(pool)))
		return false;
	for (unsigned i = 0; i < words_per_block(pool); i++)
		/* A bit that is set was freed by another CPU, wrongly. */
		if (word[i].mask != ALL_ONES ||
		    word[i].first != word->first + i * FRAME_WORD_BITS ||
		    atomic_load_relaxed(&bits[i]) != 0)
			return false;
	return true;
}

/* As a merge does that has claimed all words; none of them has a bit. */
static void unlist_block(struct freeing *freeing, uint64_t block)
{
	struct frame_pool *pool = freeing->where.pool;

	ASSERT(block < pool_blocks(pool));
	frame_enter(pool, freeing->slot);
	atomic_store_relaxed(&pool->hints[block], FRAME_WHOLE);
	if (frame_tree_has(&pool->split, block))
		frame_tree_claim_one(pool, &pool->split, block);
	frame_leave(pool, freeing->slot);
}

/* To the cache as a whole, if it keeps blocks of this pool. */
static bool return_block(struct freeing *freeing, uint64_t block)
{
	struct frame_pool *pool = freeing->where.pool;
	struct frame_cache *cache = freeing->cache;

	/* None but its single frames is the caller's to free. */
	ASSERT(!frame_block_is_free(pool, block));
	unlist_block(freeing, block);
	if (cache != NULL && cache->pool == pool &&
	    cache->block_limit != 0) {
		frame_cache_keep_block(cache, block);
		return true;
	}
	return frame_return_blocks(pool, freeing->slot, block >> 6,
				   1UL << (block & 63)) == 0;
}

/* Full words cost the pool no more than the cache, and may be a block. */
static bool belongs_in_cache(const struct freeing *freeing,
			     const struct frame_word *word)
{
	const struct frame_cache *cache = freeing->cache;

	return cache != NULL && cache->pool == freeing->where.pool &&
	       word->mask != ALL_ONES &&
	       cache->base + word->first >= MIB >> PAGE_SHIFT;
}

/* Returns how many of the words are free now. */
static unsigned return_some(struct freeing *freeing,
			    const struct frame_word *words, unsigned count,
			    uint64_t *clash)
{
	struct frame_word word = *words;
	struct frame_pool *pool;

	pool = enter_pool(freeing, &word);
	*clash = 0;
	if (belongs_in_cache(freeing, &word)) {
		frame_cache_keep_word(freeing->cache, &word);
		return 1;
	}
	if (count >= words_per_block(pool) &&
	    freeing->where.end - words->first >= frames_per_block(pool) &&
	    are_a_block(pool, word.first, words)) {
		if (!return_block(freeing, word.first >>
					   pool->shape.block_shift))
			*clash = 1;
		return (unsigned)words_per_block(pool);
	}
	*clash = frame_return_word(pool, freeing->slot,
				   word.first >> FRAME_WORD_SHIFT, word.mask);
	return 1;
}

/* Frames that two CPUs freed at once are named. */
static enum status return_words(struct freeing *freeing,
				const struct frame_words *words)
{
	enum status status = ST_OK;
	unsigned next;

	for (unsigned i = 0; i < words->count; i = next) {
		const struct frame_word *word = &words->word[i];
		uint64_t clash;

		next = i + return_some(freeing, word, words->count - i,
				       &clash);
		for (; clash != 0; clash &= clash - 1)
			status = refuse(freeing, FRAME_FREED_AT_ONCE,
					word->first +
					(uint64_t)__builtin_ctzl(clash));
	}
	return status;
}

/* --- free: arrays of more words than fit on the stack ---------------------*/

static void restore_all(struct freeing *freeing, const pfn_t *at,
			const pfn_t *end, struct frame_words *words)
{
	while (at < end) {
		at = frame_gather_words(&freeing->where, at, end, words);
		restore_words(freeing, words);
	}
}

static enum status clear_all(struct freeing *freeing, const pfn_t *first,
			     const pfn_t *end, struct frame_words *words)
{
	const pfn_t *at = first;

	while (at < end) {
		const pfn_t *next = frame_gather_words(&freeing->where, at, end,
						       words);
		enum status status = clear_words(freeing, words);

		if (status != ST_OK) {
			restore_all(freeing, first, at, words);
			return status;
		}
		at = next;
	}
	return ST_OK;
}

static enum status return_all(struct freeing *freeing, const pfn_t *at,
			      const pfn_t *end, struct frame_words *words)
{
	enum status status = ST_OK;

	while (at < end) {
		at = frame_gather_words(&freeing->where, at, end, words);
		if (return_words(freeing, words) != ST_OK)
			status = ST_CONFLICT;
	}
	return status;
}

static enum status free_many(struct freeing *freeing,
			     const struct frame_many_return *what)
{
	struct frame_words words;
	enum status status;
	const pfn_t *end;

	if (what->count == 0 || what->count > FRAME_MANY_MOST ||
	    !owner_is_allocated(what->owner))
		return ST_BAD_ARGUMENT;
	ASSERT(freeing->slot < freeing->where.pool->slots);
	freeing->owner = what->owner;
	freeing->caller = what->caller;
	end = what->frames + what->count;
	if (frame_gather_words(&freeing->where, what->frames, end,
			       &words) == end) {
		status = clear_words(freeing, &words);
		return status == ST_OK ? return_words(freeing, &words) : status;
	}
	status = clear_all(freeing, what->frames, end, &words);
	return status == ST_OK ? return_all(freeing, what->frames, end, &words)
			       : status;
}

enum status frame_pool_free_many(struct frame_pool *pool, cpu_slot slot,
				 const struct frame_many_return *what)
{
	struct freeing freeing = {
		.where = frame_where_in(NULL, pool), .slot = slot };

	return free_many(&freeing, what);
}

enum status frame_free_many(struct frame_nodes *nodes, cpu_slot slot,
			    const struct frame_many_return *what)
{
	struct freeing freeing = {
		.where = frame_where_in(nodes, nodes->pool[0]), .slot = slot,
	};

	return free_many(&freeing, what);
}

enum status frame_cache_free_many(struct frame_cache *cache,
				  const struct frame_many_return *what)
{
	struct freeing freeing = { .cache = cache, .slot = cache->slot };

	if (cache->frames == 0)
		return ST_DENIED;
	freeing.where = frame_where_in(cache->set->nodes, cache->pool);
	ASSERT(cache->slot == 2 * cpu_local_id() + cpu_local_context());
	return free_many(&freeing, what);
}
