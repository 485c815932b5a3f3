/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * count_access.h - what one operation does to the cells that CPUs share.
 *
 * Only in the build whose atomics report each access; else all stays 0.
 */
#ifndef TESTS_COUNT_ACCESS_H
#define TESTS_COUNT_ACCESS_H

struct access_count {
	unsigned locked;	/* accesses                                  */
	unsigned lines;		/* cache lines                               */
};

/* From begin to end, from 0 again. */
void count_begin(void);
struct access_count count_end(void);

#endif
