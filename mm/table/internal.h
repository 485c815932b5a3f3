/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * internal.h - the entry format and the small steps of mm/table.
 *
 * Inside this room a virtual address is its low 48 bits, `at`: the halves
 * touch, ranges end at 1 << 48 at most, and no sum wraps. Level 0 is the
 * page table (entries of 4 KiB), level 3 the root (entries of 512 GiB).
 */
#ifndef MM_TABLE_INTERNAL_H
#define MM_TABLE_INTERNAL_H

#include <arch/mmu.h>
#include <base/assert.h>
#include <base/bits.h>
#include <base/range.h>
#include <base/string.h>
#include <mm/table.h>

/* Off the short cut, whose stack frame it would make large. */
#define NOINLINE	__attribute__((noinline))

#define TABLE_LEVELS	4
#define ROOT_LEVEL	(TABLE_LEVELS - 1)
#define LEAF_LEVEL_MAX	2		/* 1 GiB                             */
#define TABLE_ENTRIES	512UL
#define PHYSICAL_BITS_MAX 52

#define ENTRY_PRESENT	(1UL << 0)
#define ENTRY_WRITE	(1UL << 1)
#define ENTRY_USER	(1UL << 2)
#define ENTRY_PWT	(1UL << 3)
#define ENTRY_PCD	(1UL << 4)
#define ENTRY_ACCESSED	(1UL << 5)
#define ENTRY_DIRTY	(1UL << 6)
#define ENTRY_LARGE	(1UL << 7)	/* levels 1 and 2                    */
#define ENTRY_PAT_SMALL	(1UL << 7)	/* level 0                           */
#define ENTRY_GLOBAL	(1UL << 8)
#define ENTRY_SEEN	(1UL << 9)	/* ignored by the CPU; table_adopt   */
#define ENTRY_PAT_LARGE	(1UL << 12)	/* levels 1 and 2                    */
#define ENTRY_ADDRESS	0x000ffffffffff000UL
#define ENTRY_NX	(1UL << 63)

/* T4: how many entries are present in the table that an entry points to. */
#define COUNT_SHIFT	52
#define COUNT_ONE	(1UL << COUNT_SHIFT)
#define COUNT_MASK	(0x3ffUL << COUNT_SHIFT)
#define COUNT_FULL	(TABLE_ENTRIES << COUNT_SHIFT)

/* Bits of an entry that points to a table, besides address and count. */
#define ENTRY_TO_TABLE	(ENTRY_PRESENT | ENTRY_WRITE | ENTRY_ACCESSED)

static inline unsigned level_shift(unsigned level)
{
	return PAGE_SHIFT + 9 * level;
}

/* What one entry of a table at `level` covers. */
static inline uint64_t level_size(unsigned level)
{
	return 1UL << level_shift(level);
}

static inline uint64_t index_at(uint64_t at, unsigned level)
{
	return (at >> level_shift(level)) & (TABLE_ENTRIES - 1);
}

static inline vaddr_t canonical(uint64_t at)
{
	return (vaddr_t){ (uint64_t)((int64_t)(at << 16) >> 16) };
}

static inline bool points_to_table(uint64_t entry, unsigned level)
{
	return level > 0 &&
	       (entry & (ENTRY_PRESENT | ENTRY_LARGE)) == ENTRY_PRESENT;
}

static inline bool is_leaf(uint64_t entry, unsigned level)
{
	uint64_t marks = level > 0 ? ENTRY_PRESENT | ENTRY_LARGE :
				     ENTRY_PRESENT;

	return (entry & marks) == marks;
}

/* The address in a leaf, without the PAT bit that a large one has in it. */
static inline uint64_t leaf_address(uint64_t entry, unsigned level)
{
	return entry & ENTRY_ADDRESS & ~(level_size(level) - 1);
}

static inline uint64_t *table_entries(const struct table *table,
				      uint64_t entry)
{
	return window_at(&table->window, (paddr_t){ entry & ENTRY_ADDRESS });
}

/*
 * The range checks of every call, on hostile numbers; `out` is low 48 bits.
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

/* Some 4 KiB entries in a row, in a page table that is there. */
struct strip {
	uint64_t *entry;
	uint64_t count;
	uint64_t *holder;		/* points to the page table          */
};

/*
 * The short cut for small ranges: is all of `range` in one page table that
 * is there? T6 makes the holder's user bit speak for the entries above it.
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

/*
 * Pages off duty, chained through their first word. A link is a physical
 * address: as an entry it is not present, should a CPU still look at it.
 */
struct chain {
	uint64_t head;			/* physical address                  */
	uint64_t pages;
};

void chain_push(const struct table *table, struct chain *chain,
		uint64_t address);
uint64_t chain_pop(const struct table *table, struct chain *chain);
void chain_give(struct table *table, struct chain *chain);

/* Takes `pages` pages or none. Fails: ST_NO_MEMORY. */
enum status chain_reserve(struct table *table, struct chain *chain,
			  uint64_t pages);

/*
 * first, first + step, ... into entry[0..count). Through volatile, because a
 * CPU may be looking: each entry is stored once and whole.
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

/* The same in a page that nothing points to yet, so that nobody looks. */
static inline void entries_wipe(uint64_t *entry, uint64_t count)
{
	memset(entry, 0, count * sizeof(*entry));
}

#define RIGHTS_ALL (TABLE_WRITE | TABLE_EXECUTE | TABLE_USER | TABLE_GLOBAL)

static inline bool rights_exist(unsigned rights)
{
	return (rights & ~(unsigned)RIGHTS_ALL) == 0;
}

/*
 * What rights become in a leaf of any size. A kernel leaf carries A and D
 * from the start (T5): the CPU never writes to it, so that plain stores may
 * change it. Without NX in the processor bit 63 is reserved.
 */
static inline uint64_t rights_to_bits(const struct table *table,
				      unsigned rights)
{
	uint64_t bits = 0;

	if (rights & TABLE_WRITE)
		bits |= ENTRY_WRITE;
	if (rights & TABLE_GLOBAL)
		bits |= ENTRY_GLOBAL;
	if (rights & TABLE_USER)
		bits |= ENTRY_USER;
	else
		bits |= ENTRY_ACCESSED | ENTRY_DIRTY;
	if (!(rights & TABLE_EXECUTE) && table->features.no_execute)
		bits |= ENTRY_NX;
	return bits;
}

/* The memory type, and that a large leaf is one. */
static inline uint64_t cache_to_bits(enum table_cache cache, unsigned level)
{
	uint64_t bits = level > 0 ? ENTRY_LARGE : 0;

	if (cache & 1)
		bits |= ENTRY_PWT;
	if (cache & 2)
		bits |= ENTRY_PCD;
	if (cache & 4)
		bits |= level > 0 ? ENTRY_PAT_LARGE : ENTRY_PAT_SMALL;
	return bits;
}

/* Of eight entries: nothing there, or nothing but large leaves. */
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
 * The first entry, from `index` on, that points to a table, TABLE_ENTRIES
 * when none does. Not for level 0, where none can.
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
 * How many leaves, from entry `index` on, are `leaf` but for the address,
 * which goes on from one to the next. At least 1; `leaf` is the first.
 */
static inline uint64_t row_length(const uint64_t *entries, uint64_t index,
				  unsigned level, uint64_t leaf)
{
	/* An address that overflows would change the bits above it. */
	uint64_t rising = (~leaf & ENTRY_ADDRESS) >> level_shift(level);
	const uint64_t *last = entries + index +
			       min_u64(TABLE_ENTRIES - 1 - index, rising);
	const uint64_t *at = entries + index;

	while (at < last && at[1] == (leaf += level_size(level)))
		at++;
	return (uint64_t)(at - entries) - index + 1;
}

void leaf_describe(uint64_t at, unsigned level, uint64_t entry,
		   struct table_leaf *out);

/* The features with every default spelled out. Fails: ST_BAD_ARGUMENT. */
enum status features_settle(const struct table_features *from,
			    struct table_features *out);

static inline bool beyond_physical(const struct table *table,
				   uint64_t address)
{
	return address >> table->features.physical_bits != 0;
}

#endif
