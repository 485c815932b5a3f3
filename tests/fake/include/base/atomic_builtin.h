/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * atomic_builtin.h - the seam below atomic.h, as the explorer wants it.
 *
 * Same name, guard and meanings as the header that ships, and first in the
 * include path: every access becomes a call of the explorer.
 */
#ifndef BASE_ATOMIC_BUILTIN_H
#define BASE_ATOMIC_BUILTIN_H

#include "../../explorer.h"

/* What the compiler's own would return: the type without qualifiers. */
#define EXPLORE_TYPE(place) __typeof__(__atomic_load_n(place, 0))

#define EXPLORE_ACCESS(kind_, place_, operand_, expected_)		\
	explore_access(&(struct explore_access){			\
		.kind = (kind_),					\
		.place = (void *)(uintptr_t)(place_),			\
		.bytes = sizeof(*(place_)),				\
		.operand = (uint64_t)(operand_),			\
		.expected = (uint64_t)(expected_),			\
		.file = __FILE__,					\
		.line = __LINE__,					\
	})

/* The statement expression is there for results that nobody uses. */
#define EXPLORE_VALUE(kind, place, operand)				\
	({								\
		(EXPLORE_TYPE(place))EXPLORE_ACCESS(kind, place,	\
						    operand, 0);	\
	})

#define BUILTIN_LOAD(place, order) EXPLORE_VALUE(EXPLORE_LOAD, place, 0)
#define BUILTIN_STORE(place, value, order)				\
	((void)EXPLORE_ACCESS((order) == __ATOMIC_SEQ_CST		\
				      ? EXPLORE_EXCHANGE		\
				      : EXPLORE_STORE,			\
			      place, value, 0))
#define BUILTIN_EXCHANGE(place, value, order)				\
	EXPLORE_VALUE(EXPLORE_EXCHANGE, place, value)
#define BUILTIN_FETCH_ADD(place, value, order)				\
	EXPLORE_VALUE(EXPLORE_ADD, place, value)
#define BUILTIN_FETCH_OR(place, value, order)				\
	EXPLORE_VALUE(EXPLORE_OR, place, value)
#define BUILTIN_FETCH_AND(place, value, order)				\
	EXPLORE_VALUE(EXPLORE_AND, place, value)

#define BUILTIN_COMPARE_EXCHANGE(place, expected_, value, order, failed) \
	({								\
		EXPLORE_TYPE(place) *wanted_ = (expected_);		\
		EXPLORE_TYPE(place) wants_ = *wanted_;			\
									\
		*wanted_ = (EXPLORE_TYPE(place))EXPLORE_ACCESS(		\
			EXPLORE_COMPARE, place, value, wants_);		\
		*wanted_ == wants_;					\
	})

/* The weaker fences bind the compiler, not the processor. */
#define BUILTIN_FENCE(order)						\
	((order) == __ATOMIC_SEQ_CST					\
		 ? (void)EXPLORE_ACCESS(EXPLORE_FENCE, (char *)0, 0, 0)	\
		 : (void)0)
#define BUILTIN_PAUSE()							\
	((void)EXPLORE_ACCESS(EXPLORE_PAUSE, (char *)0, 0, 0))

#endif
