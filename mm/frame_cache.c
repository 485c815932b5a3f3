// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Frames at hand: a word to lend from, a stack, and a sink for the rest.
 *
 * The word is what a refill brings: up to 64 frames that one exchange took
 * out of the pool. Frames that come back into it are lent again at once,
 * hottest last. Other frames go on the stack, but only if their block is at
 * least as full as the one that refills come from: a frame of a sparser
 * block, lent again, would keep that block from ever becoming whole. Those
 * go home through the sink, which gathers frames of one word, so that a run
 * of frees costs one locked instruction for 64.
 *
 * Who is cheated by two frees of one frame? In sequence the second finds the
 * owner's byte 0 and is refused. Two CPUs at the same moment may both find
 * it set. Then the frame is in two caches, and the second copy is seen where
 * it leaves one: on its way home its bit is set already; when it is lent its
 * byte is not 0 any more. It is dropped there, so the frame stays one frame,
 * and reported. What is left is the case in which both copies are lent
 * within the same few instructions; only a locked instruction in each free
 * would exclude that, and a pool without caches has it.
 */
#include <mm/frame_cache.h>

#include "frame_internal.h"

#include <arch/cpu_local.h>

#define NO_WORD UINT64_MAX
/* Share of a node that its caches may keep. */
#define CACHE_SHARE 64
/* Word, sink and stack, full; with less to keep, frees go home singly. */
#define SINK_WORTH 256

static void assert_mine(const struct frame_bank *bank)
{
	ASSERT(bank->slot == 2 * cpu_local_id() + cpu_local_context());
}

/* --- home ------------------------------------------------------------------*/

static enum status freed_at_once(struct frame_bank *bank, uint64_t frame,
				 const void *caller)
{
	return frame_misused(bank->pool, FRAME_FREED_AT_ONCE,
			     (pfn_t){ bank->base + frame }, caller);
}

static void report_clash(struct frame_bank *bank, uint64_t first,
			 uint64_t clash, const void *caller)
{
	for (; clash != 0; clash &= clash - 1) {
		unsigned bit = (unsigned)__builtin_ctzl(clash);

		/* Reported; there is nobody left to refuse it to. */
		ASSERT(freed_at_once(bank, first + bit, caller) != ST_OK);
	}
}

static void put_word(struct frame_bank *bank, uint64_t first, uint64_t mask,
		     const void *caller)
{
	uint64_t clash = frame_put(bank->pool, bank->slot,
				   first >> FRAME_WORD_SHIFT, mask);

	if (clash != 0)
		report_clash(bank, first, clash, caller);
}

static void flush_sink(struct frame_bank *bank)
{
	if (bank->sink != 0)
		put_word(bank, bank->sink_first, bank->sink, bank->sink_caller);
	bank->sink = 0;
}

/* Neighbours on the stack that share a word go home together. */
static void flush_stack(struct frame_bank *bank)
{
	bank->brought -= bank->count;
	while (bank->count > 0) {
		uint64_t first = align_down(bank->stack[bank->count - 1], 64);
		uint64_t mask = 0;

		while (bank->count > 0 &&
		       align_down(bank->stack[bank->count - 1], 64) == first)
			mask |= 1UL << (bank->stack[--bank->count] & 63);
		put_word(bank, first, mask, NULL);
	}
}

static void flush_word(struct frame_bank *bank)
{
	if (bank->word != 0)
		put_word(bank, bank->word_first, bank->word, NULL);
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
	uint32_t kept = 0, at = 0;

	/* The oldest go, the hottest stay. */
	while (bank->block_count - at > keep) {
		uint64_t word = bank->blocks[at] >> 6;
		uint64_t mask = 0, clash;

		do {
			mask |= 1UL << (bank->blocks[at++] & 63);
		} while (bank->block_count - at > keep &&
			 bank->blocks[at] >> 6 == word);
		clash = frame_put_blocks(bank->pool, bank->slot, word, mask);
		for (; clash != 0; clash &= clash - 1)
			report_clash(bank, ((word << 6) + (uint64_t)
					    __builtin_ctzl(clash)) << shift,
				     1, NULL);
	}
	bank->brought -= at;
	while (at < bank->block_count)
		bank->blocks[kept++] = bank->blocks[at++];
	bank->block_count = kept;
}

void frame_cache_drain(struct frame_bank *bank)
{
	assert_mine(bank);
	flush_sink(bank);
	flush_stack(bank);
	flush_word(bank);
	flush_blocks(bank, 0);
	bank->drains++;
}

/* --- alloc -----------------------------------------------------------------*/

/* What is on its way home comes back before others are asked. */
static bool refill_from_sink(struct frame_bank *bank)
{
	if (bank->sink == 0)
		return false;
	bank->word = bank->sink;
	bank->brought += count_ones(bank->sink);
	bank->word_first = bank->word_back = bank->sink_first;
	bank->sink = 0;
	bank->sink_first = NO_WORD;
	return true;
}

static bool refill(struct frame_bank *bank)
{
	struct frame_taking taking = { FRAME_ANYWHERE, bank->word_most,
				       bank->block, 0 };
	uint64_t mask = frame_take(bank->pool, bank->slot, &taking);

	bank->block = taking.block;
	if (mask == 0)
		return refill_from_sink(bank);
	if (taking.word << FRAME_WORD_SHIFT == bank->sink_first) {
		flush_sink(bank);
		bank->sink_first = NO_WORD;
	}
	bank->word = mask;
	bank->word_first = taking.word << FRAME_WORD_SHIFT;
	bank->word_back = bank->sink_on ? bank->word_first : NO_WORD;
	bank->density = atomic_load_relaxed(&bank->hints[bank->block]) &
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

ASIDE static enum status alloc_slow(struct frame_bank *bank, uint8_t owner,
				    pfn_t *out)
{
	if (bank->frames == 0)
		return ST_DENIED;
	assert_mine(bank);
	ASSERT(owner_is_lent(owner));
	for (unsigned tries = 0; !refill(bank); tries++) {
		if (nothing_left(bank, 1UL << ROOT_SPLIT | 1UL << ROOT_BLOCKS |
					       1UL << ROOT_GIANTS))
			return ST_NO_MEMORY;
		if (bank->slot & 1 && tries >= INTERRUPT_TRIES)
			return ST_NO_MEMORY;
		atomic_pause();
	}
	return frame_cache_alloc(bank, owner, out);
}

/* The frame is lent already: this is its second copy. */
ASIDE static enum status alloc_another(struct frame_bank *bank, uint8_t owner,
				       pfn_t *out, uint64_t frame)
{
	report_clash(bank, frame, 1, NULL);
	return frame_cache_alloc(bank, owner, out);
}

enum status frame_cache_alloc(struct frame_bank *bank, uint8_t owner,
			      pfn_t *out)
{
	uint64_t word = bank->word;
	uint64_t frame;

	if (__builtin_expect(word != 0, 1)) {
		bank->word = word & (word - 1);
		/* In 32 bits, as all that is relative: nothing to extend. */
		frame = (uint32_t)bank->word_first +
			(uint32_t)__builtin_ctzl(word);
	} else if (bank->count != 0) {
		frame = bank->stack[--bank->count];
	} else {
		return alloc_slow(bank, owner, out);
	}
	if (__builtin_expect(atomic_load_relaxed(&bank->owner[frame]) !=
				     FRAME_BYTE_FREE, 0))
		return alloc_another(bank, owner, out, frame);
	atomic_store_relaxed(&bank->owner[frame], owner);
	out->raw = bank->base + frame;
	return ST_OK;
}

static void drain_everybody(struct frame_bank *bank)
{
	assert_mine(bank);
	ASSERT(cpu_local_context() == CPU_TASK);
	frame_cache_drain(bank);
	if (bank->set->drain_all != NULL)
		bank->set->drain_all(bank->set);
}

enum status frame_cache_alloc_waiting(struct frame_bank *bank, uint8_t owner,
				      pfn_t *out)
{
	enum status status = frame_cache_alloc(bank, owner, out);

	if (status != ST_NO_MEMORY)
		return status;
	drain_everybody(bank);
	return frame_cache_alloc(bank, owner, out);
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
ASIDE static enum status refuse(struct frame_bank *bank, uint64_t at,
				const void *caller)
{
	if (bank->frames == 0)
		return ST_DENIED;
	assert_mine(bank);
	return free_elsewhere(bank, (pfn_t){ bank->base + at }, FRAME_4K,
			      caller);
}

/*
 * The frame's word becomes the one that the sink is for. The old one goes
 * home before the new frame's byte is read, so that the locked instruction
 * need not wait for that byte.
 */
ASIDE static enum status free_to_sink(struct frame_bank *bank, uint64_t at,
				      const void *caller)
{
	uint8_t owner;

	assert_mine(bank);
	flush_sink(bank);
	bank->sink_first = NO_WORD;
	/* The hint first: there are no bytes where no block is the pool's. */
	if (atomic_load_relaxed(&bank->hints[at >> bank->block_shift]) >=
		    FRAME_ABSENT || !bank->sink_on)
		return refuse(bank, at, caller);
	owner = atomic_load_relaxed(&bank->owner[at]);
	if (!owner_is_lent(owner))
		return refuse(bank, at, caller);
	/* Needed when the next word comes: time enough to fetch it. */
	__builtin_prefetch(&bank->pool->bits[at >> FRAME_WORD_SHIFT], 1);
	atomic_store_relaxed(&bank->owner[at], FRAME_BYTE_FREE);
	bank->sink_first = at & ~63UL;
	bank->sink = 1UL << (at & 63);
	bank->sink_caller = caller;
	bank->spills++;
	return ST_OK;
}

/* Into the sink, or on the stack if its block is dense enough. */
ASIDE static enum status free_beside_word(struct frame_bank *bank, uint64_t at,
					  const void *caller)
{
	bool in_sink = (at & ~63UL) == bank->sink_first;
	uint8_t owner;

	if (!in_sink &&
	    (bank->count >= bank->limit ||
	     atomic_load_relaxed(&bank->hints[at >> bank->block_shift]) >
		     bank->density))
		return free_to_sink(bank, at, caller);
	owner = atomic_load_relaxed(&bank->owner[at]);
	if (__builtin_expect(!owner_is_lent(owner), 0))
		return refuse(bank, at, caller);
	atomic_store_relaxed(&bank->owner[at], FRAME_BYTE_FREE);
	if (in_sink)
		bank->sink |= 1UL << (at & 63);
	else
		bank->stack[bank->count++] = (uint32_t)at;
	return ST_OK;
}

enum status frame_cache_free(struct frame_bank *bank, pfn_t frame,
			     const void *caller)
{
	uint64_t at = frame.raw - bank->base;
	uint64_t word = bank->word;
	uint8_t owner;

	if (__builtin_expect(at >= bank->frames, 0))
		return refuse(bank, at, caller);
	if ((at & ~63UL) != bank->word_back)
		return free_beside_word(bank, at, caller);
	owner = atomic_load_relaxed(&bank->owner[at]);
	if (__builtin_expect(!owner_is_lent(owner), 0))
		return refuse(bank, at, caller);
	atomic_store_relaxed(&bank->owner[at], FRAME_BYTE_FREE);
	bank->word = word | 1UL << (at & 63);
	return ST_OK;
}

/* --- 2 MiB -----------------------------------------------------------------*/

static bool refill_blocks(struct frame_bank *bank)
{
	unsigned most = bank->block_limit / 2;
	struct frame_taking taking = { FRAME_ANYWHERE, most ? most : 1,
				       BLOCK_NONE, 0 };
	uint64_t mask = frame_take_blocks(bank->pool, bank->slot, &taking);

	if (mask == 0)
		return false;
	for (uint64_t rest = mask; rest != 0; rest &= rest - 1)
		bank->blocks[bank->block_count++] = (uint32_t)(
			(taking.word << 6) + (uint64_t)__builtin_ctzl(rest));
	bank->refills++;
	bank->brought += count_ones(mask);
	return true;
}

ASIDE static enum status alloc_block_slow(struct frame_bank *bank,
					  uint8_t owner, pfn_t *out)
{
	if (bank->frames == 0)
		return ST_DENIED;
	assert_mine(bank);
	ASSERT(owner_is_lent(owner));
	for (unsigned tries = 0; !refill_blocks(bank); tries++) {
		/* Our own frames may be what a block lacks to be whole. */
		if (tries == 0) {
			flush_sink(bank);
			flush_stack(bank);
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

enum status frame_cache_alloc_block(struct frame_bank *bank, uint8_t owner,
				    pfn_t *out)
{
	atomic_u8 *byte;
	uint64_t block;

	if (__builtin_expect(bank->block_count == 0, 0))
		return alloc_block_slow(bank, owner, out);
	block = bank->blocks[--bank->block_count];
	byte = &bank->pool->block_owner[block];
	if (__builtin_expect(atomic_load_relaxed(byte) != FRAME_BYTE_FREE, 0)) {
		report_clash(bank, block << bank->block_shift, 1, NULL);
		return frame_cache_alloc_block(bank, owner, out);
	}
	atomic_store_relaxed(byte, owner);
	out->raw = bank->base + (block << bank->block_shift);
	return ST_OK;
}

enum status frame_cache_alloc_block_waiting(struct frame_bank *bank,
					    uint8_t owner, pfn_t *out)
{
	enum status status = frame_cache_alloc_block(bank, owner, out);

	if (status != ST_NO_MEMORY)
		return status;
	drain_everybody(bank);
	return frame_cache_alloc_block(bank, owner, out);
}

enum status frame_cache_free_block(struct frame_bank *bank, pfn_t frame,
				   const void *caller)
{
	uint64_t at = frame.raw - bank->base;
	uint64_t block = at >> bank->block_shift;
	atomic_u8 *byte;
	uint8_t owner;

	if (bank->frames == 0)
		return ST_DENIED;
	if (at >= bank->frames ||
	    (at & ((1UL << bank->block_shift) - 1)) != 0 ||
	    bank->block_limit == 0)
		return free_elsewhere(bank, frame, FRAME_2M, caller);
	if (frame_giant_state(bank->pool, block) != FRAME_GIANT_OPEN)
		return free_elsewhere(bank, frame, FRAME_2M, caller);
	byte = &bank->pool->block_owner[block];
	owner = atomic_load_relaxed(byte);
	if (!owner_is_lent(owner))
		return free_elsewhere(bank, frame, FRAME_2M, caller);
	atomic_store_relaxed(byte, FRAME_BYTE_FREE);
	if (bank->block_count >= bank->block_limit) {
		assert_mine(bank);
		flush_blocks(bank, bank->block_limit / 2);
		bank->spills++;
	}
	bank->blocks[bank->block_count++] = (uint32_t)block;
	return ST_OK;
}

/* --- beginning and audit ---------------------------------------------------*/

static void init_bank(struct frame_cache_set *set, frame_slot_id slot)
{
	struct frame_pool *pool = set->pool;
	uint64_t share = pool->frames / (CACHE_SHARE * set->cpus);
	uint64_t large = share > SINK_WORTH ? share - SINK_WORTH : 0;
	uint64_t blocks = large >> pool->shape.block_shift;

	set->banks[slot] = (struct frame_bank){
		.word_first = NO_WORD,
		.word_back = NO_WORD,
		.sink_first = NO_WORD,
		.owner = pool->frame_owner,
		.base = pool->first,
		.frames = pool->frames,
		.hints = pool->hints,
		.block_shift = pool->shape.block_shift,
		.limit = (uint32_t)min_u64(FRAME_STACK_MAX, share / 4),
		.block_limit = (uint32_t)min_u64(FRAME_BLOCKS_MAX, blocks),
		.word_most = (uint32_t)min_u64(FRAME_WORD_BITS,
					       max_u64(share / 4, 1)),
		.sink_on = share >= SINK_WORTH,
		.block = BLOCK_NONE,
		.pool = pool,
		.set = set,
		.slot = slot,
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
		.sink_first = NO_WORD,
	};
	enum cpu_context context = cpu_local_context();

	if (context == CPU_NMI)
		return (struct frame_bank *)&refuses;
	return &set->banks[2 * cpu_local_id() + context];
}

uint64_t frame_cache_held(const struct frame_bank *bank)
{
	return count_ones(bank->word) + count_ones(bank->sink) + bank->count +
	       ((uint64_t)bank->block_count << bank->block_shift);
}

uint64_t frame_cache_hits(const struct frame_bank *bank)
{
	int64_t lent = bank->brought - count_ones(bank->word) - bank->count -
		       bank->block_count;

	return lent > bank->refills ? (uint64_t)lent - bank->refills : 0;
}

static bool word_is_free(const struct frame_bank *bank, uint64_t first,
			 uint64_t mask)
{
	for (; mask != 0; mask &= mask - 1)
		if (atomic_load_relaxed(
			    &bank->owner[first +
					 (uint64_t)__builtin_ctzl(mask)]) !=
		    FRAME_BYTE_FREE)
			return false;
	return true;
}

bool frame_cache_audit(const struct frame_bank *bank)
{
	if (bank->count > bank->limit || bank->block_count > FRAME_BLOCKS_MAX)
		return false;
	if (bank->sink_first != NO_WORD && bank->sink_first == bank->word_first)
		return false;
	if (!word_is_free(bank, bank->word_first, bank->word) ||
	    !word_is_free(bank, bank->sink_first, bank->sink))
		return false;
	for (uint32_t i = 0; i < bank->count; i++) {
		if (!word_is_free(bank, bank->stack[i], 1))
			return false;
		for (uint32_t j = 0; j < i; j++)
			if (bank->stack[i] == bank->stack[j])
				return false;
	}
	for (uint32_t i = 0; i < bank->block_count; i++)
		if (atomic_load_relaxed(
			    &bank->pool->block_owner[bank->blocks[i]]) !=
		    FRAME_BYTE_FREE)
			return false;
	return true;
}
