// SPDX-License-Identifier: MIT OR Apache-2.0
#include <base/sort.h>

#include <base/assert.h>
#include <base/string.h>

static void swap(unsigned char *a, unsigned char *b, size_t bytes)
{
	unsigned char kept[SORT_ITEM_BYTES];

	memcpy(kept, a, bytes);
	memcpy(a, b, bytes);
	memcpy(b, kept, bytes);
}

void sort(void *items, size_t count, size_t item_bytes,
	  bool (*before)(const void *a, const void *b))
{
	unsigned char *base = items;
	size_t heap_start = count / 2;
	size_t heap_end = count;

	ASSERT(item_bytes > 0 && item_bytes <= SORT_ITEM_BYTES);
	while (heap_end > 1) {
		size_t hole;

		if (heap_start > 0)
			heap_start--;
		else
			swap(base, base + --heap_end * item_bytes, item_bytes);
		hole = heap_start;
		for (;;) {
			size_t child = 2 * hole + 1;

			if (child >= heap_end)
				break;
			if (child + 1 < heap_end &&
			    before(base + child * item_bytes,
				   base + (child + 1) * item_bytes))
				child++;
			if (!before(base + hole * item_bytes,
				    base + child * item_bytes))
				break;
			swap(base + hole * item_bytes,
			     base + child * item_bytes, item_bytes);
			hole = child;
		}
	}
}
