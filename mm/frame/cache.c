// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Frames at hand: a word to allocate from, and words of what was freed.
 *
 * The word is what a refill brings: up to 64 frames that one exchange took
 * out of the pool. Frames that come back into it are allocated again at once.
 * Others go into the last word, if it is of their word, or begin a new
 * one. When the word is used up, the last word is the next, provided that
 * its block is at least as full as the one that refills come from: a frame
 * of a sparser block, allocated again, would keep that block from ever becoming
 * whole. If it is not, and when their number has reached its limit, all
 * words go home, with a locked instruction for each. A frame of so full a
 * block that comes back while there is no word is the next word itself.
 *
 * All of them at once, for two reasons. A locked instruction waits for every
 * store before it, and loads behind it wait in turn; so 16 or more in a row
 * cost half of what they cost one at a time (measured: frees in random order
 * 12 ns against 18). And until then a free takes so few instructions that
 * the processor fetches the owners' bytes of a dozen of them at once.
 *
 * Who is cheated by two frees of one frame? In sequence the second finds the
 * owner's byte 0 and is refused. Two CPUs at the same moment may both find
 * it set. Then the frame is in two caches, and the second copy is seen where
 * it leaves one: on its way home its bit is set already; when it is allocated
 * its byte is not 0 any more. It is dropped there, so the frame stays one
 * frame, and reported, without a caller. What is left is the case in which both
 * copies are allocated within the same few instructions; only a locked
 * instruction in each free would exclude that, and a pool without caches
 * has it.
 */
#include <mm/frame_cache.h>

#include <arch/cpu_local.h>

#include "internal.h"

#define NO_WORD UINT64_MAX
/* Share of a node that its caches may keep. */
#define CACHE_SHARE 64

static void assert_mine(const struct frame_bank *bank)
{
	ASSERT(bank->slot == 2 * cpu_local_id() + cpu_local_context());
}

/* The first frame of its word. */
static uint64_t word_of(uint64_t frame)
{
	return frame & ~(uint64_t)(FRAME_WORD_BITS - 1);
}

static unsigned hint_at(const struct frame_bank *bank, uint64_t relative)
{
	return atomic_load_relaxed(&bank->hints[relative >> bank->block_shift]);
}

/* --- home ------------------------------------------------------------------*/

static void flush_list(struct frame_bank *bank, struct frame_list *list)
{
	uint64_t count = (uint64_t)(list->end - list->words);

	if (list == &bank->list[FRAME_HOT])
		bank->brought -= (int64_t)frame_list_frames(list);
	list->end = list->words;
	bank->last = &bank->none;
	frame_return_words(bank->pool, bank->slot, list->words, count);
	bank->spills++;
}

static void flush_lists(struct frame_bank *bank)
{
	flush_list(bank, &bank->list[FRAME_COLD]);
	flush_list(bank, &bank->list[FRAME_HOT]);
}

static void flush_word(struct frame_bank *bank)
{
	struct frame_word rest = { bank->word_first, bank->word };

	if (rest.mask != 0)
		frame_return_words(bank->pool, bank->slot, &rest, 1);
	bank->brought -= count_ones(bank->word);
	bank->word = 0;
	bank->word_first = bank->word_back = NO_WORD;
	if (bank->block != BLOCK_NONE)
		frame_let_go_block(bank->pool, bank->block);
	bank->block = BLOCK_NONE;
}

static void flush_blocks(struct frame_bank *bank, uint32_t keep)
{
	unsigned shift = bank->block_shift;
	uint32_t at = 0;

	/* The oldest go, the hottest stay. */
	while (bank->block_count - at > keep) {
		uint64_t word = bank->blocks[at] >> 6;
		uint64_t mask = 0, clash;

		do {
			mask |= 1UL << (bank->blocks[at++] & 63);
		} while (bank->block_count - at > keep &&
			 bank->blocks[at] >> 6 == word);
		clash = frame_return_blocks(bank->pool, bank->slot, word, mask);
		for (; clash != 0; clash &= clash - 1)
			frame_report_clash(bank->pool, ((word << 6) + (uint64_t)
				__builtin_ctzl(clash)) << shift, 1);
	}
	bank->brought -= at;
	bank->block_count -= at;
	memmove(bank->blocks, &bank->blocks[at],
		bank->block_count * sizeof(*bank->blocks));
}

void frame_cache_drain(struct frame_bank *bank)
{
	assert_mine(bank);
	flush_lists(bank);
	flush_word(bank);
	flush_blocks(bank, 0);
	bank->drains++;
}

/* --- alloc -----------------------------------------------------------------*/

static bool refill_from_hot(struct frame_bank *bank)
{
	struct frame_list *hot = &bank->list[FRAME_HOT];

	if (hot->end == hot->words)
		return false;
	hot->end--;
	/* It may be this; no branch, nobody could guess. */
	bank->last = &bank->none;
	bank->word = hot->end->mask;
	bank->word_first = bank->word_back = hot->end->first;
	return true;
}

static bool refill(struct frame_bank *bank)
{
	struct frame_claim claim = { FRAME_ANYWHERE, bank->word_most,
				       bank->block, 0 };
	uint64_t mask;

	mask = frame_claim_word(bank->pool, bank->slot, &claim);
	bank->block = claim.block;
	if (mask == 0) {
		/* Perhaps there is something the next time. */
		flush_list(bank, &bank->list[FRAME_COLD]);
		return false;
	}
	bank->word = mask;
	bank->word_first = claim.word << FRAME_WORD_SHIFT;
	bank->word_back = bank->word_takes_back ? bank->word_first : NO_WORD;
	bank->density = hint_at(bank, claim.word << FRAME_WORD_SHIFT) &
			FRAME_HINT_COUNT;
	bank->refills++;
	bank->brought += count_ones(mask);
	return true;
}

static bool nothing_left(struct frame_bank *bank, uint64_t mask)
{
	return frame_nothing_left(bank->pool, bank->slot, mask);
}

/* Interrupt handlers give up early: see frame_slot_id. */
#define INTERRUPT_TRIES 64

/* The frame is allocated already: this is its second copy. */
NOINLINE static enum status alloc_another(struct frame_bank *bank,
					  uint8_t owner, pfn_t *out,
					  uint64_t frame)
{
	frame_report_clash(bank->pool, frame, 1);
	return frame_cache_alloc(bank, owner, out);
}

/* The first of `word`, which is not empty. */
static inline enum status alloc_from_word(struct frame_bank *bank,
					  uint8_t owner, pfn_t *out)
{
	uint64_t word = bank->word;
	/* In 32 bits, as all that is relative: nothing to extend. */
	uint64_t frame = (uint32_t)bank->word_first +
			 (uint32_t)__builtin_ctzl(word);

	bank->word = word & (word - 1);
	if (!LIKELY(atomic_load_relaxed(&bank->owner[frame]) ==
		    FRAME_BYTE_FREE))
		return alloc_another(bank, owner, out, frame);
	atomic_store_relaxed(&bank->owner[frame], owner);
	out->raw = bank->base + frame;
	return ST_OK;
}

NOINLINE static enum status alloc_slow(struct frame_bank *bank, uint8_t owner,
				       pfn_t *out)
{
	if (bank->frames == 0)
		return ST_DENIED;
	assert_mine(bank);
	ASSERT(owner_is_allocated(owner));
	for (unsigned tries = 0; !refill(bank); tries++) {
		/* Our own blocks are memory too. */
		if (bank->block_count != 0)
			flush_blocks(bank, 0);
		else if (nothing_left(bank, 1UL << ROOT_SPLIT |
						    1UL << ROOT_BLOCKS |
						    1UL << ROOT_GIANTS))
			return ST_NO_MEMORY;
		if (bank->slot & 1 && tries >= INTERRUPT_TRIES)
			return ST_NO_MEMORY;
		atomic_pause();
	}
	return alloc_from_word(bank, owner, out);
}

NOINLINE static enum status alloc_from_hot(struct frame_bank *bank,
					   uint8_t owner, pfn_t *out)
{
	if (!refill_from_hot(bank))
		return alloc_slow(bank, owner, out);
	return alloc_from_word(bank, owner, out);
}

enum status frame_cache_alloc(struct frame_bank *bank, uint8_t owner,
			      pfn_t *out)
{
	return LIKELY(bank->word != 0) ? alloc_from_word(bank, owner, out) :
					   alloc_from_hot(bank, owner, out);
}

/* --- free ------------------------------------------------------------------*/

static enum status free_elsewhere(struct frame_bank *bank, pfn_t frame,
				  enum frame_size size, const void *caller)
{
	struct frame_return what = { frame, size, 0, caller };

	if (bank->set->nodes != NULL)
		return frame_free(bank->set->nodes, bank->slot, &what);
	return frame_pool_free(bank->pool, bank->slot, &what);
}

/* Not for this bank, or for nobody: the pool knows. */
NOINLINE static enum status refuse(struct frame_bank *bank, uint64_t at,
				   const void *caller)
{
	if (bank->frames == 0)
		return ST_DENIED;
	assert_mine(bank);
	return free_elsewhere(bank, (pfn_t){ bank->base + at }, FRAME_4K,
			      caller);
}

NOINLINE static enum status flush_full_list(struct frame_bank *bank,
					    struct frame_list *list)
{
	assert_mine(bank);
	flush_list(bank, list);
	return ST_OK;
}

/* `at` is free now, and the first of its word. */
static inline enum status begin_word(struct frame_bank *bank,
				     struct frame_list *list, uint64_t at)
{
	struct frame_word *word = list->end;

	list->end = word + 1;
	bank->last = word;
	word->first = word_of(at);
	word->mask = 1UL << (at & (FRAME_WORD_BITS - 1));
	return LIKELY(word + 1 < list->limit) ? ST_OK :
						    flush_full_list(bank, list);
}

/* Its block is as full as those that are allocated from. */
NOINLINE static enum status free_to_hot(struct frame_bank *bank, uint64_t at,
					const void *caller)
{
	if (!owner_is_allocated(atomic_load_relaxed(&bank->owner[at])))
		return refuse(bank, at, caller);
	atomic_store_relaxed(&bank->owner[at], FRAME_BYTE_FREE);
	return begin_word(bank, &bank->list[FRAME_HOT], at);
}

static inline enum status free_to_list(struct frame_bank *bank, uint64_t at,
				       const void *caller)
{
	unsigned hint;

	if (!LIKELY(at < bank->frames))
		return refuse(bank, at, caller);
	/* The hint first: no bytes are where no block is the pool's. */
	hint = hint_at(bank, at);
	if (!LIKELY(hint > bank->density))
		return free_to_hot(bank, at, caller);
	if (!LIKELY(hint < FRAME_ABSENT) ||
	    !LIKELY(owner_is_allocated(atomic_load_relaxed(&bank->owner[at]))))
		return refuse(bank, at, caller);
	atomic_store_relaxed(&bank->owner[at], FRAME_BYTE_FREE);
	return begin_word(bank, &bank->list[FRAME_COLD], at);
}

NOINLINE static enum status free_beside_word(struct frame_bank *bank,
					     uint64_t at, const void *caller)
{
	struct frame_word *last = bank->last;

	if (word_of(at) != last->first)
		return free_to_list(bank, at, caller);
	if (!LIKELY(owner_is_allocated(atomic_load_relaxed(&bank->owner[at]))))
		return refuse(bank, at, caller);
	atomic_store_relaxed(&bank->owner[at], FRAME_BYTE_FREE);
	last->mask |= 1UL << (at & (FRAME_WORD_BITS - 1));
	return ST_OK;
}

/*
 * There is no word. A frame of so full a block is the next: allocated again
 * without a way through the list.
 */
NOINLINE static enum status free_to_word(struct frame_bank *bank, uint64_t at,
					 const void *caller)
{
	if (!LIKELY(at < bank->frames) ||
	    !LIKELY(hint_at(bank, at) <= bank->density) ||
	    !LIKELY(owner_is_allocated(
		    atomic_load_relaxed(&bank->owner[at]))) ||
	    !LIKELY(bank->word_takes_back))
		return free_beside_word(bank, at, caller);
	atomic_store_relaxed(&bank->owner[at], FRAME_BYTE_FREE);
	bank->word = 1UL << (at & (FRAME_WORD_BITS - 1));
	bank->word_first = bank->word_back = word_of(at);
	return ST_OK;
}

enum status frame_cache_free(struct frame_bank *bank, pfn_t frame,
			     const void *caller)
{
	uint64_t at = frame.raw - bank->base, word = bank->word;

	/* No word is NO_WORD, and this one's frames are all in the pool. */
	if (word_of(at) != bank->word_back)
		return word == 0 ? free_to_word(bank, at, caller) :
				   free_beside_word(bank, at, caller);
	if (!LIKELY(owner_is_allocated(atomic_load_relaxed(&bank->owner[at]))))
		return refuse(bank, at, caller);
	atomic_store_relaxed(&bank->owner[at], FRAME_BYTE_FREE);
	bank->word = word | 1UL << (at & (FRAME_WORD_BITS - 1));
	return ST_OK;
}

/* --- 2 MiB -----------------------------------------------------------------*/

static bool refill_blocks(struct frame_bank *bank)
{
	unsigned most = bank->block_limit / 2;
	struct frame_claim claim = { FRAME_ANYWHERE, most ? most : 1,
				       BLOCK_NONE, 0 };
	uint64_t mask = frame_claim_blocks(bank->pool, bank->slot, &claim);

	if (mask == 0)
		return false;
	for (uint64_t rest = mask; rest != 0; rest &= rest - 1)
		bank->blocks[bank->block_count++] = (uint32_t)(
			(claim.word << 6) + (uint64_t)__builtin_ctzl(rest));
	bank->refills++;
	bank->brought += count_ones(mask);
	return true;
}

NOINLINE static enum status alloc_block_slow(struct frame_bank *bank,
					     uint8_t owner, pfn_t *out)
{
	if (bank->frames == 0)
		return ST_DENIED;
	assert_mine(bank);
	ASSERT(owner_is_allocated(owner));
	for (unsigned tries = 0; !refill_blocks(bank); tries++) {
		/* Our own frames may be what a block lacks to be whole. */
		if (tries == 0) {
			flush_lists(bank);
			flush_word(bank);
		} else if (nothing_left(bank, 1UL << ROOT_BLOCKS |
						      1UL << ROOT_GIANTS)) {
			return ST_NO_MEMORY;
		}
		if (bank->slot & 1 && tries >= INTERRUPT_TRIES)
			return ST_NO_MEMORY;
		atomic_pause();
	}
	return frame_cache_alloc_block(bank, owner, out);
}

/* As with frames: see alloc_another. */
NOINLINE static enum status alloc_another_block(struct frame_bank *bank,
						uint8_t owner, pfn_t *out,
						uint64_t block)
{
	frame_report_clash(bank->pool, block << bank->block_shift, 1);
	return frame_cache_alloc_block(bank, owner, out);
}

enum status frame_cache_alloc_block(struct frame_bank *bank, uint8_t owner,
				    pfn_t *out)
{
	uint32_t count = bank->block_count;
	atomic_u8 *byte;
	uint64_t block;

	if (!LIKELY(count != 0))
		return alloc_block_slow(bank, owner, out);
	block = bank->blocks[count - 1];
	bank->block_count = count - 1;
	byte = &bank->block_owner[block];
	if (!LIKELY(atomic_load_relaxed(byte) == FRAME_BYTE_FREE))
		return alloc_another_block(bank, owner, out, block);
	atomic_store_relaxed(byte, owner);
	out->raw = bank->base + (block << bank->block_shift);
	return ST_OK;
}

/* Not for this bank, or for nobody; or the bank is full. */
NOINLINE static enum status free_block_slow(struct frame_bank *bank,
					    uint64_t at, const void *caller)
{
	uint64_t block = at >> bank->block_shift;

	if (bank->frames == 0)
		return ST_DENIED;
	assert_mine(bank);
	if (at >= bank->frames || block << bank->block_shift != at ||
	    bank->block_limit == 0 ||
	    frame_giant_state(bank->pool, block) != FRAME_GIANT_OPEN ||
	    !owner_is_allocated(atomic_load_relaxed(&bank->block_owner[block])))
		return free_elsewhere(bank, (pfn_t){ bank->base + at },
				      FRAME_2M, caller);
	flush_blocks(bank, bank->block_limit / 2);
	bank->spills++;
	return frame_cache_free_block(bank, (pfn_t){ bank->base + at },
				      caller);
}

enum status frame_cache_free_block(struct frame_bank *bank, pfn_t frame,
				   const void *caller)
{
	uint64_t at = frame.raw - bank->base;
	uint64_t block = at >> bank->block_shift;
	uint32_t count = bank->block_count;

	/* The hint first: elsewhere the blocks' bytes are not written. */
	if (!LIKELY(at < bank->frames) ||
	    !LIKELY(block << bank->block_shift == at) ||
	    !LIKELY(count < bank->block_limit) ||
	    !LIKELY(atomic_load_acquire(&bank->hints[block]) !=
		    FRAME_ABSENT) ||
	    !LIKELY(owner_is_allocated(
		    atomic_load_relaxed(&bank->block_owner[block]))))
		return free_block_slow(bank, at, caller);
	atomic_store_relaxed(&bank->block_owner[block], FRAME_BYTE_FREE);
	bank->blocks[count] = (uint32_t)block;
	bank->block_count = count + 1;
	return ST_OK;
}

/* --- beginning -------------------------------------------------------------*/

static void init_bank(struct frame_cache_set *set, frame_slot_id slot)
{
	struct frame_pool *pool = set->pool;
	struct frame_bank *bank = &set->banks[slot];
	uint64_t there = set->frames != 0 ? set->frames : pool->frames;
	uint64_t share = there / (CACHE_SHARE * set->cpus);
	uint64_t words = share / FRAME_WORD_BITS;
	/* Less one each, for what reaches the limit goes home at once. */
	uint64_t quarter = max_u64(words / 4, 1);
	uint64_t hot = min_u64(FRAME_HOT_MAX, quarter);
	uint64_t cold = min_u64(FRAME_COLD_MAX, quarter);
	uint64_t blocks = (words - min_u64(words, hot + cold)) >>
			  (pool->shape.block_shift - FRAME_WORD_SHIFT);

	*bank = (struct frame_bank){
		.word_first = NO_WORD,
		.word_back = NO_WORD,
		.owner = pool->frame_owner,
		.last = &bank->none,
		.base = pool->first,
		.frames = pool->frames,
		.hints = pool->hints,
		.block_owner = pool->block_owner,
		.list[FRAME_HOT] = { bank->hot, bank->hot,
				      bank->hot + hot },
		.list[FRAME_COLD] = { bank->cold, bank->cold,
					 bank->cold + cold },
		.block_shift = pool->shape.block_shift,
		.block_limit = (uint32_t)min_u64(FRAME_BLOCKS_MAX, blocks),
		.word_most = (uint32_t)min_u64(FRAME_WORD_BITS,
					       max_u64(share / 4, 1)),
		.word_takes_back = words != 0,
		.block = BLOCK_NONE,
		.pool = pool,
		.set = set,
		.slot = slot,
		.none.first = NO_WORD,
	};
}

void frame_cache_init_bank(struct frame_cache_set *set, frame_slot_id slot)
{
	ASSERT(slot < set->pool->slots);
	init_bank(set, slot);
}

void frame_cache_init(struct frame_cache_set *set)
{
	for (unsigned slot = 0; slot < 2 * set->cpus; slot++)
		frame_cache_init_bank(set, slot);
}

struct frame_bank *frame_cache_bank(struct frame_cache_set *set)
{
	/* Constant, and so harmless to share: every call is refused. */
	static const struct frame_bank refuses = {
		.word_first = NO_WORD,
		.word_back = NO_WORD,
		.last = (struct frame_word *)&refuses.none,
		.none.first = NO_WORD,
	};
	enum cpu_context context = cpu_local_context();

	if (context == CPU_NMI)
		return (struct frame_bank *)&refuses;
	return &set->banks[2 * cpu_local_id() + context];
}
