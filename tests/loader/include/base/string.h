/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * string.h - memory above 4 GiB is outside ASan's shadow, and its memcpy and
 * memset refuse such addresses. These do not; the processor checks, page by
 * page, the memory that the loader accesses.
 */
#ifndef TESTS_LOADER_STRING_H
#define TESTS_LOADER_STRING_H

#include_next <base/string.h>

void *fake_copy(void *to, const void *from, size_t bytes);
void *fake_fill(void *to, int value, size_t bytes);

#define memcpy(to, from, bytes) fake_copy(to, from, bytes)
#define memset(to, value, bytes) fake_fill(to, value, bytes)

#endif
