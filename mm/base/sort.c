// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Firmware maps are sorted except for a few entries. So insertion sort runs
 * first, with a budget of a few moves for each item; on such maps it is
 * enough. Only an input that exhausts the budget, which no real map does, is
 * sorted by a heap.
 */
#include <base/sort.h>

#include <base/assert.h>

#include <stdint.h>

#define MOVES_PER_ITEM 8

/* May alias anything, at any alignment. */
typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

/* memcpy without a call: an item is a few words. */
static inline void move(unsigned char *to, const unsigned char *from,
			size_t bytes)
{
	size_t at = 0;

	for (; at + sizeof(word_t) <= bytes; at += sizeof(word_t))
		*(word_t *)(to + at) = *(const word_t *)(from + at);
	for (; at < bytes; at++)
		to[at] = from[at];
}

struct items {
	unsigned char *base;
	size_t count;
	size_t bytes;			/* of one                            */
	bool (*before)(const void *a, const void *b);
};

static inline unsigned char *item_at(const struct items *items, size_t i)
{
	return items->base + i * items->bytes;
}

/* False when the budget ran out; the items are then in some order. */
static bool insert_each(const struct items *items)
{
	unsigned char moving[SORT_ITEM_BYTES];
	size_t budget = MOVES_PER_ITEM * items->count;

	for (size_t i = 1; i < items->count; i++) {
		size_t hole = i;

		if (!items->before(item_at(items, i), item_at(items, i - 1)))
			continue;
		move(moving, item_at(items, i), items->bytes);
		while (hole > 0 && budget > 0 &&
		       items->before(moving, item_at(items, hole - 1))) {
			move(item_at(items, hole), item_at(items, hole - 1),
			     items->bytes);
			hole--;
			budget--;
		}
		move(item_at(items, hole), moving, items->bytes);
		if (budget == 0)
			return false;
	}
	return true;
}

/* Puts `item` into the heap [0..end), at `hole`, which is free, or below it. */
static void sift(const struct items *items, const unsigned char *item,
		 size_t hole, size_t end)
{
	for (;;) {
		size_t child = 2 * hole + 1;

		if (child + 1 < end && items->before(item_at(items, child),
						     item_at(items, child + 1)))
			child++;
		if (child >= end || !items->before(item, item_at(items, child)))
			break;
		move(item_at(items, hole), item_at(items, child), items->bytes);
		hole = child;
	}
	move(item_at(items, hole), item, items->bytes);
}

static void sort_as_heap(const struct items *items)
{
	unsigned char item[SORT_ITEM_BYTES];

	for (size_t i = items->count / 2; i-- > 0;) {
		move(item, item_at(items, i), items->bytes);
		sift(items, item, i, items->count);
	}
	for (size_t end = items->count; end-- > 1;) {
		move(item, item_at(items, end), items->bytes);
		move(item_at(items, end), items->base, items->bytes);
		sift(items, item, 0, end);
	}
}

void sort(void *base, size_t count, size_t item_bytes,
	  bool (*before)(const void *a, const void *b))
{
	struct items items = { base, count, item_bytes, before };

	ASSERT(item_bytes > 0 && item_bytes <= SORT_ITEM_BYTES);
	if (!insert_each(&items))
		sort_as_heap(&items);
}
