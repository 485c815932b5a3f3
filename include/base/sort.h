/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sort.h - sorts in place, without recursion.
 * Cost: O(n) for an input nearly sorted, O(n log n) at worst.
 */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Sorts items[0..count) of `item_bytes` (at most SORT_ITEM_BYTES) each.
 * `before(a, b)` is a strict order. Not stable.
 */
#define SORT_ITEM_BYTES 64
void sort(void *items, size_t count, size_t item_bytes,
	  bool (*before)(const void *a, const void *b));

#endif
