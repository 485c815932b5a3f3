/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * assert.h - promises inside Bulldog. They stay on in every build.
 *
 * ASSERT is for our own mistakes only. A strange word from firmware,
 * hardware or a program is a status, never an assertion.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

/* Supplied by the loader, the kernel and the tests, each in its own way. */
_Noreturn void assert_failed(const char *file, int line, const char *text);

#define ASSERT(condition)						\
	do {								\
		if (__builtin_expect(!(condition), 0))			\
			assert_failed(__FILE__, __LINE__, #condition);	\
	} while (0)

/* For calls that cannot fail here: says which one did, and stops. */
#define MUST(call) ASSERT((call) == ST_OK)

/* For calls that return the bits that were in the way: here there are none. */
#define EXPECT_NONE(call) ASSERT((call) == 0)

#endif
