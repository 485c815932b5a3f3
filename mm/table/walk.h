/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * walk.h - from the root to the entries of an address or of a small range.
 */
#ifndef MM_TABLE_WALK_H
#define MM_TABLE_WALK_H

#include <base/range.h>

#include "step.h"

/* Not inlined: it would enlarge the stack frame of the fast path. */
#define NOINLINE	__attribute__((noinline))

/*
 * Checks the range of every call, whose numbers may be wrong; `out` has the
 * low 48 bits.
 * Fails: ST_BAD_RANGE (empty, unaligned, not canonical, beyond its half).
 */
static inline enum status range_of(vaddr_t virt, uint64_t bytes,
				   struct range *out)
{
	uint64_t half = 1UL << 47;

	if (!is_aligned(virt.raw | bytes, PAGE_SIZE))
		return ST_BAD_RANGE;
	if (!vaddr_is_canonical(virt))
		return ST_BAD_RANGE;
	/* Subtract on the trusted side: a sum could wrap. */
	if (bytes == 0 || bytes > half - (virt.raw & (half - 1)))
		return ST_BAD_RANGE;
	out->start = virt.raw & (2 * half - 1);
	out->end = out->start + bytes;
	return ST_OK;
}

_Static_assert(TABLE_LEVELS == 4, "walk and strip_at unroll so many");
_Static_assert(LEAF_LEVEL_MAX < ROOT_LEVEL, "each leaf table has a holder");

/* entry[k] is the entry for one address in the table at level k. */
struct path {
	uint64_t *entry[TABLE_LEVELS];
};

/*
 * Walks towards `at` down to `floor`, or to the first entry above it that
 * does not point to a table. Returns the level reached; path->entry is set
 * from the root to there.
 */
static inline unsigned walk(const struct table *table, uint64_t at,
			    unsigned floor, struct path *path)
{
	uint64_t *entries = window_at_frame(&table->window, table->root);

#pragma GCC unroll 4
	for (unsigned level = ROOT_LEVEL; level > 0; level--) {
		uint64_t *entry = entries + index_at(at, level);

		path->entry[level] = entry;
		if (level == floor || !points_to_table(*entry, level))
			return level;
		entries = table_entries(table, *entry);
	}
	path->entry[0] = entries + index_at(at, 0);
	return 0;
}

/* Adjacent 4 KiB entries in a page table that exists. */
struct strip {
	uint64_t *entry;
	uint64_t count;
	uint64_t *holder;		/* points to the page table          */
};

/*
 * The fast path for small ranges: true when all of `range` is in one page
 * table that exists. By T6 the holder's user bit is also that of the entries
 * above it.
 */
static inline bool strip_at(const struct table *table,
			    const struct range *range, struct strip *out)
{
	uint64_t *entries = window_at_frame(&table->window, table->root);

	if ((range->start ^ (range->end - 1)) >= SIZE_2M)
		return false;
#pragma GCC unroll 3
	for (unsigned level = ROOT_LEVEL; level > 0; level--) {
		out->holder = entries + index_at(range->start, level);
		if (!points_to_table(*out->holder, level))
			return false;
		entries = table_entries(table, *out->holder);
	}
	out->entry = entries + index_at(range->start, 0);
	out->count = range_bytes(*range) >> PAGE_SHIFT;
	return true;
}

#endif
