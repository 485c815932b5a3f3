// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Firmware maps are sorted but for a few entries, and then moving the few
 * into place is all the work there is. So insertion goes first, with a
 * budget of a few moves an item; only an input that uses it up, which none
 * of real machines does, pays for the heap.
 */
#include <base/sort.h>

#include <base/assert.h>
#include <base/string.h>

#define MOVES_PER_ITEM 8

static void swap(unsigned char *a, unsigned char *b, size_t bytes)
{
	unsigned char kept[SORT_ITEM_BYTES];

	memcpy(kept, a, bytes);
	memcpy(a, b, bytes);
	memcpy(b, kept, bytes);
}

/* False when the budget ran out; the items are then in some order. */
static bool insert_each(unsigned char *base, size_t count, size_t bytes,
			bool (*before)(const void *a, const void *b))
{
	unsigned char moving[SORT_ITEM_BYTES];
	size_t budget = MOVES_PER_ITEM * count;

	for (size_t i = 1; i < count; i++) {
		size_t hole = i;

		if (!before(base + i * bytes, base + (i - 1) * bytes))
			continue;
		memcpy(moving, base + i * bytes, bytes);
		while (hole > 0 && budget > 0 &&
		       before(moving, base + (hole - 1) * bytes)) {
			memcpy(base + hole * bytes, base + (hole - 1) * bytes,
			       bytes);
			hole--;
			budget--;
		}
		memcpy(base + hole * bytes, moving, bytes);
		if (budget == 0)
			return false;
	}
	return true;
}

static void sift(unsigned char *base, size_t hole, size_t end, size_t bytes,
		 bool (*before)(const void *a, const void *b))
{
	for (;;) {
		size_t child = 2 * hole + 1;

		if (child >= end)
			return;
		if (child + 1 < end && before(base + child * bytes,
					      base + (child + 1) * bytes))
			child++;
		if (!before(base + hole * bytes, base + child * bytes))
			return;
		swap(base + hole * bytes, base + child * bytes, bytes);
		hole = child;
	}
}

void sort(void *items, size_t count, size_t item_bytes,
	  bool (*before)(const void *a, const void *b))
{
	unsigned char *base = items;

	ASSERT(item_bytes > 0 && item_bytes <= SORT_ITEM_BYTES);
	if (insert_each(base, count, item_bytes, before))
		return;
	for (size_t i = count / 2; i-- > 0;)
		sift(base, i, count, item_bytes, before);
	for (size_t end = count; end-- > 1;) {
		swap(base, base + end * item_bytes, item_bytes);
		sift(base, 0, end, item_bytes, before);
	}
}
