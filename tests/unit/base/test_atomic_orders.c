// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Each name in atomic.h must stand for its order. x86 would hide most
 * mistakes. So this test supplies another atomic_builtin.h, which only returns
 * the order that it was called with.
 */
#define BASE_ATOMIC_BUILTIN_H

enum asked_for { LOAD = 0x10, STORE = 0x20, EXCHANGE = 0x30, COMPARE = 0x40,
		 ADD = 0x50, OR = 0x60, AND = 0x70, FENCE = 0x80 };

#define BUILTIN_LOAD(place, order) (LOAD + order)
#define BUILTIN_STORE(place, value, order) (STORE + order)
#define BUILTIN_EXCHANGE(place, value, order) (EXCHANGE + order)
#define BUILTIN_COMPARE_EXCHANGE(place, expected, value, order, failed)	\
	(COMPARE + order + 0x100 * failed)
#define BUILTIN_FETCH_ADD(place, value, order) (ADD + order)
#define BUILTIN_FETCH_OR(place, value, order) (OR + order)
#define BUILTIN_FETCH_AND(place, value, order) (AND + order)
#define BUILTIN_FENCE(order) (FENCE + order)

#include "check.h"

#include <base/atomic.h>

CASE(atomic_loads_and_stores_name_their_order)
{
	CHECK(atomic_load_relaxed(c) == LOAD + __ATOMIC_RELAXED);
	CHECK(atomic_load_acquire(c) == LOAD + __ATOMIC_ACQUIRE);
	CHECK(atomic_load_seq_cst(c) == LOAD + __ATOMIC_SEQ_CST);
	CHECK(atomic_store_relaxed(c, 1) == STORE + __ATOMIC_RELAXED);
	CHECK(atomic_store_release(c, 1) == STORE + __ATOMIC_RELEASE);
	CHECK(atomic_store_seq_cst(c, 1) == STORE + __ATOMIC_SEQ_CST);
}

/* For each order: its macros must ask for what their names say. */
#define CHECK_CHANGES(order, asked)					\
	do {								\
		CHECK(atomic_exchange_##order(c, 1) == EXCHANGE + (asked)); \
		CHECK(atomic_fetch_add_##order(c, 1) == ADD + (asked));	\
		CHECK(atomic_fetch_or_##order(c, 1) == OR + (asked));	\
		CHECK(atomic_fetch_and_##order(c, 1) == AND + (asked));	\
	} while (0)

CASE(atomic_changes_name_their_order)
{
	CHECK_CHANGES(relaxed, __ATOMIC_RELAXED);
	CHECK_CHANGES(acquire, __ATOMIC_ACQUIRE);
	CHECK_CHANGES(release, __ATOMIC_RELEASE);
	CHECK_CHANGES(acq_rel, __ATOMIC_ACQ_REL);
	CHECK_CHANGES(seq_cst, __ATOMIC_SEQ_CST);
}

#define COMPARES(order, asked, failed)					\
	(atomic_compare_exchange_##order(c, e, 1) ==			\
	 COMPARE + (asked) + 0x100 * (failed))

CASE(atomic_compare_exchange_has_an_order_for_either_end)
{
	CHECK(COMPARES(relaxed, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	CHECK(COMPARES(acquire, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	CHECK(COMPARES(release, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	CHECK(COMPARES(acq_rel, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	CHECK(COMPARES(seq_cst, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
}

CASE(atomic_fences_name_their_order)
{
	CHECK(atomic_fence_acquire() == FENCE + __ATOMIC_ACQUIRE);
	CHECK(atomic_fence_release() == FENCE + __ATOMIC_RELEASE);
	CHECK(atomic_fence_acq_rel() == FENCE + __ATOMIC_ACQ_REL);
	CHECK(atomic_fence_seq_cst() == FENCE + __ATOMIC_SEQ_CST);
}
