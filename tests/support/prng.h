/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* prng.h - numbers for random walks, in programs with and without check.c. */
#ifndef TESTS_PRNG_H
#define TESTS_PRNG_H

#include <stdint.h>

/* xorshift64*: advances `*state` (never 0) and returns the next number. */
static inline uint64_t check_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1d;
}

#endif
