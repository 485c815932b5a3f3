/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * count_access.h - what one operation does to the cells that CPUs share.
 *
 * Only in the build whose atomics report each access; else all stays 0.
 */
#ifndef TESTS_COUNT_ACCESS_H
#define TESTS_COUNT_ACCESS_H

#include <stdint.h>

struct access_count {
	unsigned locked;	/* accesses                                  */
	unsigned lines;		/* cache lines                               */
	unsigned slots;		/* of these, those that are watched          */
};

/* Up to WATCHES_MAX pieces of memory, from `start` on; 0 bytes: forget all. */
#define WATCHES_MAX 2
void count_watch(const volatile void *start, uint64_t bytes);

/* From begin to end, from 0 again. */
void count_begin(void);
struct access_count count_end(void);

#endif
