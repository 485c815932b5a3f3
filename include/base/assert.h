/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * assert.h - assertions, which stay on in every build.
 *
 * ASSERT checks promises between parts of Bulldog. Bad data from firmware,
 * hardware or a program is a status, never an assertion.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

/* Loader, kernel and tests each implement it. */
_Noreturn void assert_failed(const char *file, int line, const char *text);

#define ASSERT(condition)						\
	do {								\
		if (__builtin_expect(!(condition), 0))			\
			assert_failed(__FILE__, __LINE__, #condition);	\
	} while (0)

/* For calls that cannot fail here: a failure stops with the call's text. */
#define MUST(call) ASSERT((call) == ST_OK)

/* For calls that return conflicting bits, when there can be none. */
#define EXPECT_NONE(call) ASSERT((call) == 0)

#endif
