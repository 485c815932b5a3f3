/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * atomic_cases.h - the effect of each access of base/atomic.h on one
 * processor, with any atomic_builtin.h. Include once, in a test.
 */
#ifndef TESTS_ATOMIC_CASES_H
#define TESTS_ATOMIC_CASES_H

#include "check.h"

#include <base/atomic.h>

/* All accesses of one order to a cell that holds 0xf0. */
#define CHECK_ORDER(type, order)					\
	do {								\
		atomic_##type c_ = { 0xf0 };				\
		uint64_t top_ = (uint64_t)1 << (8 * sizeof(c_) - 1);	\
		__typeof__(c_.plain) expected_ = 0xf0;			\
									\
		CHECK(atomic_exchange_##order(&c_, 0xe1) == 0xf0);	\
		CHECK(!atomic_compare_exchange_##order(&c_, &expected_, 7)); \
		CHECK(expected_ == 0xe1 && c_.plain == 0xe1);		\
		CHECK(atomic_compare_exchange_##order(&c_, &expected_, 7)); \
		CHECK(expected_ == 0xe1 && c_.plain == 7);		\
		CHECK(atomic_fetch_add_##order(&c_, -9) == 7);		\
		CHECK(c_.plain == (__typeof__(c_.plain))-2);		\
		CHECK(atomic_fetch_and_##order(&c_, 0x3c) ==		\
		      (__typeof__(c_.plain))-2);			\
		CHECK(c_.plain == 0x3c);				\
		CHECK(atomic_fetch_or_##order(&c_, top_ | 0x14) == 0x3c); \
		CHECK(c_.plain == (top_ | 0x3c));			\
		CHECK(atomic_fetch_and_##order(&c_, ~top_) ==		\
		      (top_ | 0x3c));					\
		CHECK(c_.plain == 0x3c);				\
	} while (0)

#define CHECK_LOAD(type, order)						\
	do {								\
		const atomic_##type c_ = { 0xa5 };			\
									\
		CHECK(atomic_load_##order(&c_) == 0xa5);		\
	} while (0)

#define CHECK_STORE(type, order)					\
	do {								\
		atomic_##type c_[3] = { { 1 }, { 2 }, { 3 } };		\
									\
		atomic_store_##order(&c_[1], 0x5a);			\
		CHECK(c_[1].plain == 0x5a);				\
		CHECK(c_[0].plain == 1 && c_[2].plain == 3);		\
	} while (0)

#define CHECK_TYPE(type)						\
	do {								\
		CHECK_LOAD(type, relaxed);				\
		CHECK_LOAD(type, acquire);				\
		CHECK_LOAD(type, seq_cst);				\
		CHECK_STORE(type, relaxed);				\
		CHECK_STORE(type, release);				\
		CHECK_STORE(type, seq_cst);				\
		CHECK_ORDER(type, relaxed);				\
		CHECK_ORDER(type, acquire);				\
		CHECK_ORDER(type, release);				\
		CHECK_ORDER(type, acq_rel);				\
		CHECK_ORDER(type, seq_cst);				\
	} while (0)

CASE(atomic_accesses_do_what_they_say_to_bytes)
{
	CHECK_TYPE(u8);
}

CASE(atomic_accesses_do_what_they_say_to_words)
{
	CHECK_TYPE(u32);
	CHECK_TYPE(u64);
}

CASE(atomic_pointers_keep_their_type)
{
	struct node {
		struct node *next;
	} a = { NULL }, b = { &a }, *expected = &a;
	ATOMIC_POINTER(struct node) head = { &b };

	CHECK(atomic_load_acquire(&head)->next == &a);
	atomic_store_release(&head, NULL);
	CHECK(!atomic_compare_exchange_acq_rel(&head, &expected, &b));
	CHECK(expected == NULL);
	CHECK(atomic_compare_exchange_acq_rel(&head, &expected, &a));
	CHECK(atomic_exchange_acquire(&head, &b) == &a);
	CHECK(head.plain == &b);
}

CASE(atomic_arguments_are_evaluated_once)
{
	atomic_u64 cell[2] = { { 1 }, { 2 } }, *at = cell;
	uint64_t expected[2] = { 5, 6 }, *wanted = expected, value = 9;

	CHECK(atomic_exchange_relaxed(at++, value++) == 1);
	CHECK(at == cell + 1 && value == 10 && cell[0].plain == 9);
	CHECK(!atomic_compare_exchange_relaxed(at--, wanted++, value++));
	CHECK(at == cell && wanted == expected + 1 && value == 11);
	CHECK(expected[0] == 2 && expected[1] == 6);
	CHECK(atomic_load_relaxed(at++) == 9);
	atomic_store_relaxed(at--, value++);
	CHECK(at == cell && value == 12 && cell[1].plain == 11);
	atomic_fence_acquire();
	atomic_fence_release();
	atomic_fence_acq_rel();
	atomic_fence_seq_cst();
	atomic_pause();
}

#endif
