/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * string.h - memory above 4 GiB lies where ASan keeps nothing of its own,
 * and its memcpy and memset refuse to go there. These do not; what the
 * loader may touch is checked by the processor, page by page.
 */
#ifndef TESTS_LOADER_STRING_H
#define TESTS_LOADER_STRING_H

#include_next <base/string.h>

void *fake_copy(void *to, const void *from, size_t bytes);
void *fake_fill(void *to, int value, size_t bytes);

#define memcpy(to, from, bytes) fake_copy(to, from, bytes)
#define memset(to, value, bytes) fake_fill(to, value, bytes)

#endif
