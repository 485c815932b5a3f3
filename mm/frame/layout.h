/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * layout.h - numbers, bits and bytes of a pool, and what a CPU announces.
 *
 * `block` and `giant` are relative numbers, `word` is an index into the
 * bitmap. The letters in comments (S split, F free, M merge, U unlist,
 * T take, R refuse) are the steps of tests/model/frame.pml.
 */
#ifndef MM_FRAME_LAYOUT_H
#define MM_FRAME_LAYOUT_H

#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>
#include <mm/frame_pool.h>

#define ALL_ONES UINT64_MAX

/*
 * The most that one search, or one call, tries again because other CPUs were
 * faster. A search that ends here proves nothing: see search.c.
 */
#define SEARCH_TRIES	1024
/* The most that one free tries to merge what other CPUs allocate from. */
#define MERGE_TRIES	16
/* An interrupt handler may not wait for the CPU that it interrupted. */
#define INTERRUPT_TRIES 64

/* Bits of `root`, one for each tree; the classes' are hints. */
enum {
	ROOT_SPLIT = 0,
	ROOT_BLOCKS = 1,
	ROOT_GIANTS = 2,
	ROOT_LATE = 3,			/* no tree: a merge was left         */
	ROOT_CLASSES = 8,
};

/* Some block or giant may be free below and not merged: see late.c. */
#define FRAME_LATE (1UL << ROOT_LATE)

static inline uint64_t frames_per_block(const struct frame_pool *pool)
{
	return 1UL << pool->shape.block_shift;
}

static inline uint64_t words_per_block(const struct frame_pool *pool)
{
	return 1UL << (pool->shape.block_shift - FRAME_WORD_SHIFT);
}

static inline uint64_t blocks_per_giant(const struct frame_pool *pool)
{
	return 1UL << pool->shape.giant_shift;
}

static inline uint64_t giant_frames(struct frame_shape shape)
{
	return 1UL << (shape.block_shift + shape.giant_shift);
}

static inline uint64_t pool_blocks(const struct frame_pool *pool)
{
	return pool->frames >> pool->shape.block_shift;
}

/* Acquire: who sees that it is uninit no more sees its blocks' hints. */
static inline enum frame_giant frame_giant_state(const struct frame_pool *pool,
						 uint64_t block)
{
	return (enum frame_giant)atomic_load_acquire(
		&pool->giant_state[block >> pool->shape.giant_shift]);
}

/* frame_pool_has without a call: every free asks for it. */
static inline bool pool_has(const struct frame_pool *pool, pfn_t frame)
{
	uint64_t relative = frame.raw - pool->first;
	uint64_t block = relative >> pool->shape.block_shift;

	return relative < pool->frames &&
	       (frame_giant_state(pool, block) == FRAME_GIANT_UNINIT ||
		atomic_load_relaxed(&pool->hints[block]) != FRAME_ABSENT);
}

static inline atomic_u64 *block_words(const struct frame_pool *pool,
				      uint64_t block)
{
	return pool->bits + block * words_per_block(pool);
}

/* Before another CPU can read them; FRAME_ABSENT and FRAME_UNINIT only. */
static inline void fill_hints(const struct frame_pool *pool, uint64_t first,
			      uint64_t count, uint16_t hint)
{
	memset(&pool->hints[first], hint & 0xff,
	       count * sizeof(*pool->hints));
}

/* Without the popcnt instruction, which not every CPU has. */
static inline unsigned count_ones(uint64_t word)
{
	word -= (word >> 1) & 0x5555555555555555;
	word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (unsigned)((word * 0x0101010101010101) >> 56);
}

/*
 * Of a block, while a CPU splits it in place. No free takes it, and no CPU
 * exchanges it.
 */
#define FRAME_BYTE_SPLITTING FRAME_BYTE_FIXED

/*
 * Most bytes of what is allocated, by one comparison, for the frees that count
 * instructions. All other frees are the pool's to decide.
 */
static inline bool owner_is_common(uint8_t byte)
{
	return (uint8_t)(byte - 1) < FRAME_BYTE_LAST;
}

/* May be asked for, and may be freed. */
static inline bool owner_is_allocated(uint8_t byte)
{
	return owner_is_common(byte) || byte >= FRAME_BYTE_HOLDERS;
}

/* Allocated as well, but never to come back. */
static inline bool owner_is_retired(uint8_t byte)
{
	return byte > FRAME_BYTE_FIXED && byte < FRAME_BYTE_HOLDERS &&
	       byte != FRAME_BYTE_FOREIGN;
}

/* A step begins: the count that the CPU announces becomes odd. */
static inline void frame_begin_step(atomic_u64 *steps)
{
	uint64_t before = atomic_load_relaxed(steps);

	ASSERT(before % 2 == 0);				/* F8 */
	atomic_store_relaxed(steps, before + 1);
}

/* Even again; what the step did is seen before this. */
static inline void frame_end_step(atomic_u64 *steps)
{
	uint64_t before = atomic_load_relaxed(steps);

	ASSERT(before % 2 == 1);				/* F8 */
	atomic_store_release(steps, before + 1);
}

/*
 * From enter to leave, free frames of this pool may be unreachable.
 * Plain stores: the first locked instruction in between makes `enter`
 * visible before anything that it announces.
 */
static inline void frame_enter(struct frame_pool *pool, cpu_slot slot)
{
	frame_begin_step(&pool->activity[slot].moving);
}

static inline void frame_leave(struct frame_pool *pool, cpu_slot slot)
{
	frame_end_step(&pool->activity[slot].moving);
}

/*
 * The same while something is broken, or claimed in parts, for a taker that
 * may get nothing in the end: no CPU is refused meanwhile.
 */
static inline void frame_begin_claim(struct frame_pool *pool, cpu_slot slot)
{
	frame_begin_step(&pool->activity[slot].claiming);
}

static inline void frame_end_claim(struct frame_pool *pool, cpu_slot slot)
{
	frame_end_step(&pool->activity[slot].claiming);
}

#endif
