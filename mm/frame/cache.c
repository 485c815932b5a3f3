// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * One CPU's frames: a word to allocate from, and lists of freed words.
 *
 * A refill claims up to 64 frames of one word of the pool with one exchange.
 * A frame of that word that is freed goes back into it. Any other frame goes
 * into the last list entry if it is of that entry's word, or begins a new
 * entry: in the hot list if its block is at least as full as the block that
 * refills come from, else in the cold list. When the word is empty, the last
 * hot entry becomes the word. A frame of a sparser block is not allocated
 * again, because that would keep the block from ever becoming whole. A frame
 * of so full a block that is freed while there is no word becomes the word.
 *
 * A list is flushed when it is full, all entries together, with a locked
 * instruction for each. A locked instruction waits for every store before it,
 * and loads behind it wait in turn, so 16 or more in a row cost half of what
 * they cost one at a time (measured: frees in random order 12 ns against 18).
 * Until then a free takes so few instructions that the processor fetches the
 * owners' bytes of a dozen frees at the same time.
 *
 * Two frees of one frame: in sequence the second finds the owner's byte 0 and
 * is refused. Two CPUs at the same moment may both find it set. Then the frame
 * is in two caches, and the second copy is found where it leaves one: a flush
 * finds its bit set already, an alloc finds its byte not 0. The copy is
 * dropped there and reported, without a caller. Not found are copies that are
 * both allocated within the same few instructions; to exclude that takes a
 * locked instruction in each free, as in a pool without caches.
 */
#include <mm/frame_cache.h>

#include <arch/cpu_local.h>
#include <mm/frame_nodes.h>

#include "cache.h"
#include "search.h"

static void assert_mine(const struct frame_cache *cache)
{
	ASSERT(cache->slot == 2 * cpu_local_id() + cpu_local_context());
}

/* The first frame of its word. */
static uint64_t word_of(uint64_t frame)
{
	return frame & ~(uint64_t)(FRAME_WORD_BITS - 1);
}

static unsigned hint_at(const struct frame_cache *cache, uint64_t relative)
{
	return atomic_load_relaxed(
		&cache->hints[relative >> cache->block_shift]);
}

/* --- flush -----------------------------------------------------------------*/

static void flush_list(struct frame_cache *cache, struct frame_list *list)
{
	uint64_t count = (uint64_t)(list->end - list->words);

	ASSERT(list->end >= list->words && list->end <= list->limit); /* C3 */
	if (list == &cache->list[FRAME_HOT])
		cache->refilled -= (int64_t)frame_list_frames(list);
	list->end = list->words;
	cache->last = &cache->none;
	frame_return_words(cache->pool, cache->slot, list->words, count);
	cache->flushes++;
}

static void flush_lists(struct frame_cache *cache)
{
	flush_list(cache, &cache->list[FRAME_COLD]);
	flush_list(cache, &cache->list[FRAME_HOT]);
}

static void flush_word(struct frame_cache *cache)
{
	struct frame_word rest = { cache->word_first, cache->word };

	if (rest.mask != 0)
		frame_return_words(cache->pool, cache->slot, &rest, 1);
	cache->refilled -= count_ones(cache->word);
	cache->word = 0;
	cache->word_first = cache->word_back = NO_WORD;
	if (cache->block != BLOCK_NONE)
		frame_let_go_block(cache->pool, cache->block);
	cache->block = BLOCK_NONE;
}

static void flush_blocks(struct frame_cache *cache, uint32_t keep)
{
	unsigned shift = cache->block_shift;
	uint32_t at = 0;

	ASSERT(cache->block_count <= cache->block_limit);	/* C3 */
	/* Flush the oldest, keep the hottest. */
	while (cache->block_count - at > keep) {
		uint64_t word = cache->blocks[at] >> 6;
		uint64_t mask = 0, clash;

		do {
			mask |= 1UL << (cache->blocks[at++] & 63);
		} while (cache->block_count - at > keep &&
			 cache->blocks[at] >> 6 == word);
		clash = frame_return_blocks(cache->pool, cache->slot, word,
					    mask);
		for (; clash != 0; clash &= clash - 1)
			frame_report_clash(
				cache->pool,
				((word << 6) + (uint64_t)__builtin_ctzl(clash))
					<< shift,
				1);
	}
	cache->refilled -= at;
	cache->block_count -= at;
	memmove(cache->blocks, &cache->blocks[at],
		cache->block_count * sizeof(*cache->blocks));
}

void frame_cache_drain(struct frame_cache *cache)
{
	assert_mine(cache);
	flush_lists(cache);
	flush_word(cache);
	flush_blocks(cache, 0);
	cache->drains++;
}

/* --- alloc -----------------------------------------------------------------*/

static bool refill_from_hot(struct frame_cache *cache)
{
	struct frame_list *hot = &cache->list[FRAME_HOT];

	if (hot->end == hot->words)
		return false;
	hot->end--;
	/* It may be this entry: without a branch that would mispredict. */
	cache->last = &cache->none;
	cache->word = hot->end->mask;
	cache->word_first = cache->word_back = hot->end->first;
	return true;
}

static bool refill(struct frame_cache *cache)
{
	struct frame_claim claim = {
		.limit = FRAME_ANYWHERE, .most = FRAME_WORD_BITS,
		.block = cache->block,
	};
	uint64_t mask;

	/* Frames of a word that is replaced would be lost (F7). */
	ASSERT(cache->word == 0);
	mask = frame_claim_word(cache->pool, cache->slot, &claim);
	cache->block = claim.block;
	if (mask == 0) {
		/* The next refill may find these frames. */
		flush_list(cache, &cache->list[FRAME_COLD]);
		return false;
	}
	cache->word = mask;
	cache->word_first = claim.word << FRAME_WORD_SHIFT;
	cache->word_back = cache->word_first;
	cache->density = hint_at(cache, claim.word << FRAME_WORD_SHIFT) &
			FRAME_HINT_COUNT;
	cache->refills++;
	cache->refilled += count_ones(mask);
	return true;
}

bool frame_cache_refill(struct frame_cache *cache)
{
	return refill_from_hot(cache) || refill(cache);
}

/* The caller asks the pools next: then this is no refusal, and reads less. */
static bool nothing_left(struct frame_cache *cache, uint64_t mask)
{
	return cache->set->refusal == FRAME_REFUSE_FROM_CACHE ||
	       frame_nothing_left(cache->pool, cache->slot, mask);
}

static unsigned most_tries(const struct frame_cache *cache)
{
	return slot_is_interrupt(cache->slot) ? INTERRUPT_TRIES : SEARCH_TRIES;
}

static enum status gave_up(const struct frame_cache *cache)
{
	return slot_is_interrupt(cache->slot) ? ST_NO_MEMORY : ST_CONFLICT;
}

/* The first of the word is allocated already: this is its second copy. */
NOINLINE static enum status alloc_another(struct frame_cache *cache,
					  uint8_t owner, pfn_t *out)
{
	uint64_t frame = cache->word_first +
			 (uint64_t)__builtin_ctzl(cache->word);

	cache->word &= cache->word - 1;
	frame_report_clash(cache->pool, frame, 1);
	return frame_cache_alloc(cache, owner, out);
}

/* The first of `word`, which is not empty. */
static inline enum status alloc_from_word(struct frame_cache *cache,
					  uint8_t owner, pfn_t *out)
{
	return LIKELY(frame_cache_alloc_quickly(cache, owner, out)) ?
		       ST_OK : alloc_another(cache, owner, out);
}

NOINLINE static enum status alloc_slow(struct frame_cache *cache, uint8_t owner,
				       pfn_t *out)
{
	if (cache->frames == 0)
		return ST_DENIED;
	assert_mine(cache);
	ASSERT(owner_is_allocated(owner));
	for (unsigned tries = 0; !refill(cache); tries++) {
		/* This cache's blocks are free memory, too. */
		if (cache->block_count != 0)
			flush_blocks(cache, 0);
		else if (nothing_left(cache, 1UL << ROOT_SPLIT |
						    1UL << ROOT_BLOCKS |
						    1UL << ROOT_GIANTS))
			return ST_NO_MEMORY;
		if (tries >= most_tries(cache))
			return gave_up(cache);
		atomic_pause();
	}
	return alloc_from_word(cache, owner, out);
}

NOINLINE static enum status alloc_from_hot(struct frame_cache *cache,
					   uint8_t owner, pfn_t *out)
{
	if (!refill_from_hot(cache))
		return alloc_slow(cache, owner, out);
	return alloc_from_word(cache, owner, out);
}

enum status frame_cache_alloc(struct frame_cache *cache, uint8_t owner,
			      pfn_t *out)
{
	return LIKELY(cache->word != 0) ? alloc_from_word(cache, owner, out) :
					   alloc_from_hot(cache, owner, out);
}

/* --- free ------------------------------------------------------------------*/

static enum status free_elsewhere(struct frame_cache *cache, pfn_t frame,
				  enum frame_size size, const void *caller)
{
	struct frame_return what = { frame, size, 0, 0, caller };

	if (cache->set->nodes != NULL)
		return frame_free(cache->set->nodes, cache->slot, &what);
	return frame_pool_free(cache->pool, cache->slot, &what);
}

/* A frame of another node, or a bad free: the pool decides. */
NOINLINE static enum status refuse(struct frame_cache *cache, uint64_t at,
				   const void *caller)
{
	if (cache->frames == 0)
		return ST_DENIED;
	assert_mine(cache);
	return free_elsewhere(cache, (pfn_t){ cache->base + at }, FRAME_4K,
			      caller);
}

NOINLINE static enum status flush_full_list(struct frame_cache *cache,
					    struct frame_list *list)
{
	assert_mine(cache);
	flush_list(cache, list);
	return ST_OK;
}

/* `at` is free now, and the first of its word. */
static inline enum status begin_word(struct frame_cache *cache,
				     struct frame_list *list, uint64_t at)
{
	struct frame_word *word = list->end;

	list->end = word + 1;
	cache->last = word;
	word->first = word_of(at);
	word->mask = 1UL << (at & (FRAME_WORD_BITS - 1));
	return LIKELY(word + 1 < list->limit) ? ST_OK :
						flush_full_list(cache, list);
}

/* A whole entry, in the list that its frames would go into one by one. */
void frame_cache_keep_word(struct frame_cache *cache,
			   const struct frame_word *word)
{
	bool sparse = hint_at(cache, word->first) > cache->density;
	struct frame_list *list =
		&cache->list[sparse ? FRAME_COLD : FRAME_HOT];

	if (word->first == cache->word_back) {
		cache->word |= word->mask;
		return;
	}
	*list->end = *word;
	cache->last = list->end++;
	if (list->end == list->limit)
		flush_list(cache, list);
}

/* Its block is as full as those that are allocated from. */
NOINLINE static enum status free_to_hot(struct frame_cache *cache, uint64_t at,
					const void *caller)
{
	if (!owner_is_common(atomic_load_relaxed(&cache->owner[at])))
		return refuse(cache, at, caller);
	atomic_store_relaxed(&cache->owner[at], FRAME_BYTE_FREE);
	return begin_word(cache, &cache->list[FRAME_HOT], at);
}

static inline enum status free_to_list(struct frame_cache *cache, uint64_t at,
				       const void *caller)
{
	unsigned hint;

	if (!LIKELY(at < cache->frames))
		return refuse(cache, at, caller);
	/* The hint first: no bytes are where no block is the pool's. */
	hint = hint_at(cache, at);
	if (!LIKELY(hint > cache->density))
		return free_to_hot(cache, at, caller);
	if (!LIKELY(hint < FRAME_ABSENT) ||
	    !LIKELY(owner_is_common(atomic_load_relaxed(&cache->owner[at]))))
		return refuse(cache, at, caller);
	atomic_store_relaxed(&cache->owner[at], FRAME_BYTE_FREE);
	return begin_word(cache, &cache->list[FRAME_COLD], at);
}

NOINLINE static enum status free_beside_word(struct frame_cache *cache,
					     uint64_t at, const void *caller)
{
	struct frame_word *last = cache->last;

	if (word_of(at) != last->first)
		return free_to_list(cache, at, caller);
	if (!LIKELY(owner_is_common(atomic_load_relaxed(&cache->owner[at]))))
		return refuse(cache, at, caller);
	atomic_store_relaxed(&cache->owner[at], FRAME_BYTE_FREE);
	last->mask |= 1UL << (at & (FRAME_WORD_BITS - 1));
	return ST_OK;
}

/*
 * There is no word. A frame of so full a block is the next: allocated again
 * without a way through the list.
 */
NOINLINE static enum status free_to_word(struct frame_cache *cache, uint64_t at,
					 const void *caller)
{
	if (!LIKELY(at < cache->frames) ||
	    !LIKELY(hint_at(cache, at) <= cache->density) ||
	    !LIKELY(owner_is_common(
		    atomic_load_relaxed(&cache->owner[at]))))
		return free_beside_word(cache, at, caller);
	atomic_store_relaxed(&cache->owner[at], FRAME_BYTE_FREE);
	cache->word = 1UL << (at & (FRAME_WORD_BITS - 1));
	cache->word_first = cache->word_back = word_of(at);
	return ST_OK;
}

enum status frame_cache_free(struct frame_cache *cache, pfn_t frame,
			     const void *caller)
{
	uint64_t at = frame.raw - cache->base, word = cache->word;

	/* No word is NO_WORD, and this one's frames are all in the pool. */
	if (word_of(at) != cache->word_back)
		return word == 0 ? free_to_word(cache, at, caller) :
				   free_beside_word(cache, at, caller);
	if (!LIKELY(owner_is_common(atomic_load_relaxed(&cache->owner[at]))))
		return refuse(cache, at, caller);
	atomic_store_relaxed(&cache->owner[at], FRAME_BYTE_FREE);
	cache->word = word | 1UL << (at & (FRAME_WORD_BITS - 1));
	return ST_OK;
}

/* --- 2 MiB -----------------------------------------------------------------*/

bool frame_cache_refill_blocks(struct frame_cache *cache)
{
	struct frame_claim claim = {
		.limit = FRAME_ANYWHERE, .block = BLOCK_NONE,
		.most = (unsigned)max_u64(cache->block_limit / 2, 1),
	};
	uint64_t mask = frame_claim_blocks(cache->pool, cache->slot, &claim);

	if (mask == 0)
		return false;
	ASSERT(cache->block_count + count_ones(mask) <= FRAME_BLOCKS_MAX);
	for (uint64_t rest = mask; rest != 0; rest &= rest - 1)
		cache->blocks[cache->block_count++] = (uint32_t)(
			(claim.word << 6) + (uint64_t)__builtin_ctzl(rest));
	cache->refills++;
	cache->refilled += count_ones(mask);
	return true;
}

NOINLINE static enum status alloc_block_slow(struct frame_cache *cache,
					     uint8_t owner, pfn_t *out)
{
	if (cache->frames == 0)
		return ST_DENIED;
	assert_mine(cache);
	ASSERT(owner_is_allocated(owner));
	for (unsigned tries = 0; !frame_cache_refill_blocks(cache); tries++) {
		/* Our own frames may be what a block lacks to be whole. */
		if (tries == 0) {
			flush_lists(cache);
			flush_word(cache);
		} else if (nothing_left(cache, 1UL << ROOT_BLOCKS |
						      1UL << ROOT_GIANTS)) {
			return ST_NO_MEMORY;
		}
		if (tries >= most_tries(cache))
			return gave_up(cache);
		atomic_pause();
	}
	return frame_cache_alloc_block(cache, owner, out);
}

/* As with frames: see alloc_another. */
NOINLINE static enum status alloc_another_block(struct frame_cache *cache,
						uint8_t owner, pfn_t *out,
						uint64_t block)
{
	frame_report_clash(cache->pool, block << cache->block_shift, 1);
	return frame_cache_alloc_block(cache, owner, out);
}

enum status frame_cache_alloc_block(struct frame_cache *cache, uint8_t owner,
				    pfn_t *out)
{
	uint32_t count = cache->block_count;
	atomic_u8 *byte;
	uint64_t block;

	if (!LIKELY(count != 0))
		return alloc_block_slow(cache, owner, out);
	block = cache->blocks[count - 1];
	cache->block_count = count - 1;
	byte = &cache->block_owner[block];
	if (!LIKELY(atomic_load_relaxed(byte) == FRAME_BYTE_FREE))
		return alloc_another_block(cache, owner, out, block);
	atomic_store_relaxed(byte, owner);
	out->raw = cache->base + (block << cache->block_shift);
	return ST_OK;
}

static void make_room(struct frame_cache *cache)
{
	flush_blocks(cache, cache->block_limit / 2);
	cache->flushes++;
}

void frame_cache_keep_block(struct frame_cache *cache, uint64_t block)
{
	ASSERT(cache->block_limit != 0);			/* C3 */
	if (cache->block_count >= cache->block_limit)
		make_room(cache);
	cache->blocks[cache->block_count++] = (uint32_t)block;
}

/* A block of another node, a bad free, or a full cache. */
NOINLINE static enum status free_block_slow(struct frame_cache *cache,
					    uint64_t at, const void *caller)
{
	uint64_t block = at >> cache->block_shift;

	if (cache->frames == 0)
		return ST_DENIED;
	assert_mine(cache);
	if (at >= cache->frames || block << cache->block_shift != at ||
	    cache->block_limit == 0 ||
	    frame_giant_state(cache->pool, block) != FRAME_GIANT_OPEN ||
	    !owner_is_common(
		    atomic_load_relaxed(&cache->block_owner[block])))
		return free_elsewhere(cache, (pfn_t){ cache->base + at },
				      FRAME_2M, caller);
	make_room(cache);
	return frame_cache_free_block(cache, (pfn_t){ cache->base + at },
				      caller);
}

enum status frame_cache_free_block(struct frame_cache *cache, pfn_t frame,
				   const void *caller)
{
	uint64_t at = frame.raw - cache->base;
	uint64_t block = at >> cache->block_shift;
	uint32_t count = cache->block_count;

	/* The hint first: elsewhere the blocks' bytes are not written. */
	if (!LIKELY(at < cache->frames) ||
	    !LIKELY(block << cache->block_shift == at) ||
	    !LIKELY(count < cache->block_limit) ||
	    !LIKELY(atomic_load_acquire(&cache->hints[block]) !=
		    FRAME_ABSENT) ||
	    !LIKELY(owner_is_common(
		    atomic_load_relaxed(&cache->block_owner[block]))))
		return free_block_slow(cache, at, caller);
	atomic_store_relaxed(&cache->block_owner[block], FRAME_BYTE_FREE);
	cache->blocks[count] = (uint32_t)block;
	cache->block_count = count + 1;
	return ST_OK;
}
