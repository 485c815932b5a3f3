/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * atomic_builtin.h - the seam below atomic.h, as the explorer wants it.
 *
 * Same name, guard and meanings as the header that ships, and first in the
 * include path: every access becomes a call of the explorer.
 */
#ifndef BASE_ATOMIC_BUILTIN_H
#define BASE_ATOMIC_BUILTIN_H

#include "explorer.h"

/* The type that the compiler's own returns: without qualifiers. */
#define EXPLORE_TYPE(place) __typeof__(__atomic_load_n(place, 0))

#define EXPLORE_ACCESS(kind_, place_, order_, operand_, expected_)	\
	explore_access(&(struct explore_access){			\
		.kind = (kind_),					\
		.place = (void *)(uintptr_t)(place_),			\
		.bytes = sizeof(*(place_)),				\
		.order = (order_),					\
		.operand = (uint64_t)(operand_),			\
		.expected = (uint64_t)(expected_),			\
		.file = __FILE__,					\
		.line = __LINE__,					\
	})

/* The statement expression is there for results that no caller uses. */
#define EXPLORE_VALUE(kind, place, order, operand)			\
	({								\
		uint64_t held_ = EXPLORE_ACCESS(kind, place, order,	\
						operand, 0);		\
		EXPLORE_TYPE(place) before_ = (EXPLORE_TYPE(place))held_; \
									\
		before_;						\
	})

#define BUILTIN_LOAD(place, order)					\
	EXPLORE_VALUE(EXPLORE_LOAD, place, order, 0)
#define BUILTIN_STORE(place, value, order)				\
	((void)EXPLORE_ACCESS(EXPLORE_STORE, place, order, value, 0))
#define BUILTIN_EXCHANGE(place, value, order)				\
	EXPLORE_VALUE(EXPLORE_EXCHANGE, place, order, value)
#define BUILTIN_FETCH_ADD(place, value, order)				\
	EXPLORE_VALUE(EXPLORE_ADD, place, order, value)
#define BUILTIN_FETCH_OR(place, value, order)				\
	EXPLORE_VALUE(EXPLORE_OR, place, order, value)
#define BUILTIN_FETCH_AND(place, value, order)				\
	EXPLORE_VALUE(EXPLORE_AND, place, order, value)

#define BUILTIN_COMPARE_EXCHANGE(place, expected_, value, order, failed) \
	({								\
		EXPLORE_TYPE(place) *in_out_ = (expected_);		\
		EXPLORE_TYPE(place) wanted_ = *in_out_;			\
		uint64_t held_ = EXPLORE_ACCESS(EXPLORE_COMPARE, place,	\
						order, value, wanted_);	\
									\
		*in_out_ = (EXPLORE_TYPE(place))held_;			\
		*in_out_ == wanted_;					\
	})

#define BUILTIN_FENCE(order)						\
	((void)EXPLORE_ACCESS(EXPLORE_FENCE, (char *)0, order, 0, 0))
#define BUILTIN_PAUSE()							\
	((void)EXPLORE_ACCESS(EXPLORE_PAUSE, (char *)0,			\
			      __ATOMIC_RELAXED, 0, 0))

#endif
