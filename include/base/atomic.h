/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * atomic.h - access to memory that several processors change.
 *
 * A shared cell has a type of its own, so that a plain access does not compile;
 * the field `plain` is for cells that no other CPU can reach, and is easy to
 * find. Each access names its memory order:
 *
 *	atomic_u64 free;
 *	struct { ATOMIC_POINTER(struct slab) first; } list;
 *
 *	word = atomic_exchange_acquire(&block->free, 0);
 *
 *	slab = atomic_load_relaxed(&list.first);
 *	do {
 *		next->after = slab;
 *	} while (!atomic_compare_exchange_release(&list.first, &slab, next));
 *
 * The arguments of a macro are evaluated once. In the explorer's build other
 * processors may run between any two accesses.
 */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include <base/atomic_builtin.h>

#include <stdint.h>

typedef struct { uint8_t plain; } atomic_u8;
typedef struct { uint32_t plain; } atomic_u32;
typedef struct { uint64_t plain; } atomic_u64;
#define ATOMIC_POINTER(type)						\
	struct {							\
		type *plain;						\
	}

/*
 * Eight adjacent atomic_u8 as one cell; the first is its low byte.
 *
 *	if (atomic_load_relaxed(atomic_u8_group_at(&bytes[8])) == 0)
 *		...		bytes[8] up to bytes[15] are 0
 */
typedef uint64_t __attribute__((may_alias)) atomic_u8_group_value;
typedef struct { atomic_u8_group_value plain; } atomic_u8_group;

/* `first` is at a multiple of eight. */
static inline atomic_u8_group *atomic_u8_group_at(atomic_u8 *first)
{
	return (atomic_u8_group *)first;
}

/*
 * value = atomic_load_*(cell)
 * Cost: an ordinary load, whatever the order.
 */
#define atomic_load_relaxed(cell)					\
	BUILTIN_LOAD(&(cell)->plain, __ATOMIC_RELAXED)
#define atomic_load_acquire(cell)					\
	BUILTIN_LOAD(&(cell)->plain, __ATOMIC_ACQUIRE)
#define atomic_load_seq_cst(cell)					\
	BUILTIN_LOAD(&(cell)->plain, __ATOMIC_SEQ_CST)

/*
 * atomic_store_*(cell, value)
 * Cost: an ordinary store, which later loads may pass; seq_cst is a locked
 * exchange, which no access passes.
 */
#define atomic_store_relaxed(cell, value)				\
	BUILTIN_STORE(&(cell)->plain, value, __ATOMIC_RELAXED)
#define atomic_store_release(cell, value)				\
	BUILTIN_STORE(&(cell)->plain, value, __ATOMIC_RELEASE)
#define atomic_store_seq_cst(cell, value)				\
	BUILTIN_STORE(&(cell)->plain, value, __ATOMIC_SEQ_CST)

/*
 * before = atomic_exchange_*(cell, value)
 * Cost: one locked instruction.
 */
#define atomic_exchange_relaxed(cell, value)				\
	BUILTIN_EXCHANGE(&(cell)->plain, value, __ATOMIC_RELAXED)
#define atomic_exchange_acquire(cell, value)				\
	BUILTIN_EXCHANGE(&(cell)->plain, value, __ATOMIC_ACQUIRE)
#define atomic_exchange_release(cell, value)				\
	BUILTIN_EXCHANGE(&(cell)->plain, value, __ATOMIC_RELEASE)
#define atomic_exchange_acq_rel(cell, value)				\
	BUILTIN_EXCHANGE(&(cell)->plain, value, __ATOMIC_ACQ_REL)
#define atomic_exchange_seq_cst(cell, value)				\
	BUILTIN_EXCHANGE(&(cell)->plain, value, __ATOMIC_SEQ_CST)

/*
 * done = atomic_compare_exchange_*(cell, &expected, value) True when the cell
 * held `expected` and now holds `value`; else `expected` is set to its value.
 * Never fails spuriously. A failed exchange is only a load, with the order of
 * its name; without a release.
 * Cost: one locked instruction.
 */
#define atomic_compare_exchange_relaxed(cell, expected, value)		\
	BUILTIN_COMPARE_EXCHANGE(&(cell)->plain, expected, value,	\
				 __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define atomic_compare_exchange_acquire(cell, expected, value)		\
	BUILTIN_COMPARE_EXCHANGE(&(cell)->plain, expected, value,	\
				 __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)
#define atomic_compare_exchange_release(cell, expected, value)		\
	BUILTIN_COMPARE_EXCHANGE(&(cell)->plain, expected, value,	\
				 __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define atomic_compare_exchange_acq_rel(cell, expected, value)		\
	BUILTIN_COMPARE_EXCHANGE(&(cell)->plain, expected, value,	\
				 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define atomic_compare_exchange_seq_cst(cell, expected, value)		\
	BUILTIN_COMPARE_EXCHANGE(&(cell)->plain, expected, value,	\
				 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/*
 * before = atomic_fetch_add_*(cell, value)	integers only; wraps
 * Cost: one locked instruction.
 */
#define atomic_fetch_add_relaxed(cell, value)				\
	BUILTIN_FETCH_ADD(&(cell)->plain, value, __ATOMIC_RELAXED)
#define atomic_fetch_add_acquire(cell, value)				\
	BUILTIN_FETCH_ADD(&(cell)->plain, value, __ATOMIC_ACQUIRE)
#define atomic_fetch_add_release(cell, value)				\
	BUILTIN_FETCH_ADD(&(cell)->plain, value, __ATOMIC_RELEASE)
#define atomic_fetch_add_acq_rel(cell, value)				\
	BUILTIN_FETCH_ADD(&(cell)->plain, value, __ATOMIC_ACQ_REL)
#define atomic_fetch_add_seq_cst(cell, value)				\
	BUILTIN_FETCH_ADD(&(cell)->plain, value, __ATOMIC_SEQ_CST)

/*
 * before = atomic_fetch_or_*(cell, bits), atomic_fetch_and_*(cell, bits)
 * Cost: one locked instruction when the result is not used, or when only the
 * one bit in `bits` is tested (GCC, not CLANG); else a load and a loop around
 * a locked compare-exchange.
 */
#define atomic_fetch_or_relaxed(cell, bits)				\
	BUILTIN_FETCH_OR(&(cell)->plain, bits, __ATOMIC_RELAXED)
#define atomic_fetch_or_acquire(cell, bits)				\
	BUILTIN_FETCH_OR(&(cell)->plain, bits, __ATOMIC_ACQUIRE)
#define atomic_fetch_or_release(cell, bits)				\
	BUILTIN_FETCH_OR(&(cell)->plain, bits, __ATOMIC_RELEASE)
#define atomic_fetch_or_acq_rel(cell, bits)				\
	BUILTIN_FETCH_OR(&(cell)->plain, bits, __ATOMIC_ACQ_REL)
#define atomic_fetch_or_seq_cst(cell, bits)				\
	BUILTIN_FETCH_OR(&(cell)->plain, bits, __ATOMIC_SEQ_CST)
#define atomic_fetch_and_relaxed(cell, bits)				\
	BUILTIN_FETCH_AND(&(cell)->plain, bits, __ATOMIC_RELAXED)
#define atomic_fetch_and_acquire(cell, bits)				\
	BUILTIN_FETCH_AND(&(cell)->plain, bits, __ATOMIC_ACQUIRE)
#define atomic_fetch_and_release(cell, bits)				\
	BUILTIN_FETCH_AND(&(cell)->plain, bits, __ATOMIC_RELEASE)
#define atomic_fetch_and_acq_rel(cell, bits)				\
	BUILTIN_FETCH_AND(&(cell)->plain, bits, __ATOMIC_ACQ_REL)
#define atomic_fetch_and_seq_cst(cell, bits)				\
	BUILTIN_FETCH_AND(&(cell)->plain, bits, __ATOMIC_SEQ_CST)

/*
 * Orders the accesses before it and after it, for all cells.
 * Cost: seq_cst is a locked instruction; the others only bind the compiler.
 */
#define atomic_fence_acquire() BUILTIN_FENCE(__ATOMIC_ACQUIRE)
#define atomic_fence_release() BUILTIN_FENCE(__ATOMIC_RELEASE)
#define atomic_fence_acq_rel() BUILTIN_FENCE(__ATOMIC_ACQ_REL)
#define atomic_fence_seq_cst() BUILTIN_FENCE(__ATOMIC_SEQ_CST)

/*
 * For each round of a loop that waits for another processor. The explorer lets
 * the processor continue only when a cell has changed, so the loop must wait
 * for an atomic cell.
 */
#define atomic_pause() BUILTIN_PAUSE()

#endif
