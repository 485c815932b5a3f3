/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * step.h - steps over the entries of one table page, and chains of pages.
 */
#ifndef MM_TABLE_STEP_H
#define MM_TABLE_STEP_H

#include <base/string.h>

#include "entry.h"

_Static_assert((ENTRY_PRESENT & ENTRY_ADDRESS) == 0, "a link is not present");

static inline uint64_t *table_entries(const struct table *table,
				      uint64_t entry)
{
	return window_at(&table->window, (paddr_t){ entry & ENTRY_ADDRESS });
}

/*
 * Unlinked table pages, chained through their first word. A link is a physical
 * address of a page: if a CPU still reads it as an entry, it is not present.
 */
struct chain {
	uint64_t head;			/* physical address                  */
	uint64_t pages;
};

void chain_push(const struct table *table, struct chain *chain,
		uint64_t address);
uint64_t chain_pop(const struct table *table, struct chain *chain);
void chain_give(struct table *table, struct chain *chain);

/* Allocates `pages` pages or none. Fails: ST_NO_MEMORY. */
enum status chain_reserve(struct table *table, struct chain *chain,
			  uint64_t pages);

/*
 * Writes first, first + step, ... into entry[0..count). Volatile, because a
 * CPU may read them: each entry is stored once, in one store.
 */
static inline void entries_fill(uint64_t *entry, uint64_t count,
				uint64_t first, uint64_t step)
{
	volatile uint64_t *to = entry;

#pragma GCC unroll 8
	for (uint64_t i = 0; i < count; i++, first += step)
		to[i] = first;
}

static inline void entries_clear(uint64_t *entry, uint64_t count)
{
	entries_fill(entry, count, 0, 0);
}

/* The same in a page that no entry points to, so that no CPU reads it. */
static inline void entries_wipe(uint64_t *entry, uint64_t count)
{
	memset(entry, 0, count * sizeof(*entry));
}

_Static_assert(TABLE_ENTRIES % 8 == 0, "entries are read eight at once");

static inline bool eight_are_zero(const uint64_t *entries)
{
	uint64_t any = 0;

#pragma GCC unroll 8
	for (unsigned i = 0; i < 8; i++)
		any |= entries[i];
	return any == 0;
}

/* The first entry, from `index` on, that is not zero, or TABLE_ENTRIES. */
static inline uint64_t next_entry(const uint64_t *entries, uint64_t index)
{
	for (; index < TABLE_ENTRIES; index++) {
		if (index % 8 == 0 && eight_are_zero(entries + index))
			index += 7;
		else if (entries[index] != 0)
			return index;
	}
	return TABLE_ENTRIES;
}

/* True when eight entries are all absent, or all large leaves. */
static inline bool eight_without_table(const uint64_t *entries)
{
	uint64_t any = 0, all = UINT64_MAX;

#pragma GCC unroll 8
	for (unsigned i = 0; i < 8; i++) {
		any |= entries[i];
		all &= entries[i];
	}
	return !(any & ENTRY_PRESENT) || (all & ENTRY_LARGE);
}

/*
 * The index of the first entry, from `index` on, that points to a table;
 * TABLE_ENTRIES when none does. Not for level 0.
 */
static inline uint64_t next_table(const uint64_t *entries, uint64_t index,
				  unsigned level)
{
	for (; index < TABLE_ENTRIES; index++) {
		if (index % 8 == 0 && eight_without_table(entries + index))
			index += 7;
		else if (points_to_table(entries[index], level))
			return index;
	}
	return TABLE_ENTRIES;
}

/*
 * The number of leaves, from entry `index` on, that equal `leaf` except for
 * ascending addresses. At least 1; `leaf` is the first.
 */
static inline uint64_t row_length(const uint64_t *entries, uint64_t index,
				  unsigned level, uint64_t leaf)
{
	/* An address that overflows would change the bits above it. */
	uint64_t rising = (~leaf & ENTRY_ADDRESS) >> level_shift(level);
	const uint64_t *last = entries + index +
			       min_u64(TABLE_ENTRIES - 1 - index, rising);
	const uint64_t *at = entries + index;
	uint64_t size = level_size(level);

	for (; last - at >= 8; at += 8, leaf += 8 * size) {
		uint64_t differ = 0;

#pragma GCC unroll 8
		for (unsigned i = 1; i <= 8; i++)
			differ |= at[i] ^ (leaf + i * size);
		if (differ != 0)
			break;
	}
	while (at < last && at[1] == (leaf += size))
		at++;
	return (uint64_t)(at - entries) - index + 1;
}

void leaf_describe(uint64_t at, unsigned level, uint64_t entry,
		   struct table_leaf *out);

/* The features with every default spelled out. Fails: ST_BAD_ARGUMENT. */
enum status features_settle(const struct table_features *from,
			    struct table_features *out);

#endif
