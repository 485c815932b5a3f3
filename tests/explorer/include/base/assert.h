/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* assert.h - a broken promise is told to the explorer first, in its words. */
#include_next <base/assert.h>

#ifndef TESTS_EXPLORE_ASSERT_H
#define TESTS_EXPLORE_ASSERT_H

#include "explorer.h"

#undef ASSERT
#define ASSERT(condition)						\
	do {								\
		if (__builtin_expect(!(condition), 0)) {		\
			explore_asserted(__FILE__, __LINE__,		\
					 #condition);			\
			assert_failed(__FILE__, __LINE__, #condition);	\
		}							\
	} while (0)

#endif
