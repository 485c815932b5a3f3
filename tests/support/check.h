/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * check.h - host tests: cases that register themselves, and print KTAP lines.
 *
 *	CASE(region_lets_the_strictest_kind_win)
 *	{
 *		CHECK(1 + 1 == 2);
 *	}
 *
 * Link with tests/support/check.c. A failed CHECK is printed and the case goes
 * on; a failed ASSERT in the code under test ends the case as failed,
 * unless it happens inside CHECK_ASSERTS.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prng.h"

struct check_case {
	const char *name;
	void (*run)(void);
	struct check_case *next;
};

void check_register(struct check_case *test);
void check_failed(const char *file, int line, const char *text);

/* The seed of the random walks: CHECK_SEED from the environment, or fixed. */
uint64_t check_seed(void);

extern jmp_buf *check_assert_target;

#define CASE(name)							\
	static void name(void);						\
	static struct check_case case_##name = { #name, name, NULL };	\
	__attribute__((constructor)) static void register_##name(void)	\
	{								\
		check_register(&case_##name);				\
	}								\
	static void name(void)

#define CHECK(condition)						\
	do {								\
		if (!(condition))					\
			check_failed(__FILE__, __LINE__, #condition);	\
	} while (0)

/* `statement` must end in a failed ASSERT. */
#define CHECK_ASSERTS(statement)					\
	do {								\
		jmp_buf here_;						\
		jmp_buf *volatile outer_ = check_assert_target;		\
		if (setjmp(here_) == 0) {				\
			check_assert_target = &here_;			\
			statement;					\
			check_failed(__FILE__, __LINE__,		\
				     "no assertion: " #statement);	\
		}							\
		check_assert_target = outer_;				\
	} while (0)

#endif
