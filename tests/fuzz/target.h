/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * target.h - what every libFuzzer target here has: an assertion that ends
 * the run, and a check that does too.
 */
#ifndef TESTS_FUZZ_TARGET_H
#define TESTS_FUZZ_TARGET_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

_Noreturn void assert_failed(const char *file, int line, const char *text)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, text);
	abort();
}

#define HOLDS(condition) ASSERT(condition)

#endif
