/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bits.h - rounding, overflow, and bitmaps of 64-bit words. Alignments are
 * powers of 2.
 */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For slow paths: keeps them out of a counted fast path. */
#define NOINLINE	__attribute__((noinline))
#define LIKELY(condition) __builtin_expect(condition, 1)

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
	return value & ~(alignment - 1);
}

/* Wraps to 0 when no aligned value is large enough: check the input first. */
static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

static inline bool is_aligned(uint64_t value, uint64_t alignment)
{
	return (value & (alignment - 1)) == 0;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* True when `a + b` does not fit; otherwise the sum is in `*sum`. */
static inline bool add_overflows(uint64_t a, uint64_t b, uint64_t *sum)
{
	return __builtin_add_overflow(a, b, sum);
}

/* A bitmap: bit n is bit word_bit(n) of word word_index(n). */
#define WORD_BITS	64

static inline uint64_t word_index(uint64_t bit)
{
	return bit / WORD_BITS;
}

static inline unsigned word_bit(uint64_t bit)
{
	return bit % WORD_BITS;
}

/* Bits [first..end) of a word; first < end, end is at most WORD_BITS. */
static inline uint64_t word_mask(unsigned first, unsigned end)
{
	return UINT64_MAX >> (WORD_BITS - (end - first)) << first;
}

#endif
