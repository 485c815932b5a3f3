/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * entry.h - the entry format of mm/table, and arithmetic on one entry.
 *
 * Inside mm/table a virtual address is its low 48 bits, `at`: the two halves
 * are adjacent, ranges end at most at 1 << 48, and no sum wraps. Level 0 is
 * the page table (entries of 4 KiB), level 3 the root (entries of 512 GiB).
 */
#ifndef MM_TABLE_ENTRY_H
#define MM_TABLE_ENTRY_H

#include <base/assert.h>
#include <base/bits.h>
#include <mm/table.h>

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

/* T4: the number of present entries in the table that an entry points to. */
#define COUNT_SHIFT	52
#define COUNT_ONE	(1UL << COUNT_SHIFT)
#define COUNT_MASK	(0x3ffUL << COUNT_SHIFT)
#define COUNT_FULL	(TABLE_ENTRIES << COUNT_SHIFT)

_Static_assert(TABLE_ENTRIES * sizeof(uint64_t) == PAGE_SIZE, "one page");
_Static_assert((COUNT_FULL & COUNT_MASK) == COUNT_FULL, "T4: a count fits");
_Static_assert((COUNT_MASK & (ENTRY_ADDRESS | ENTRY_NX)) == 0, "T3, T4");

/* Bits of an entry that points to a table, besides address and count. */
#define ENTRY_TO_TABLE	(ENTRY_PRESENT | ENTRY_WRITE | ENTRY_ACCESSED)

static inline unsigned level_shift(unsigned level)
{
	return PAGE_SHIFT + 9 * level;
}

/* The bytes that one entry of a table at `level` covers. */
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

/* The address in a leaf, without the PAT bit of a large leaf. */
static inline uint64_t leaf_address(uint64_t entry, unsigned level)
{
	return entry & ENTRY_ADDRESS & ~(level_size(level) - 1);
}

#define RIGHTS_ALL (TABLE_WRITE | TABLE_EXECUTE | TABLE_USER | TABLE_GLOBAL)

static inline bool rights_exist(unsigned rights)
{
	return (rights & ~(unsigned)RIGHTS_ALL) == 0;
}

/*
 * The bits of `rights` in a leaf of any size. A kernel leaf has A and D from
 * the start (T5): the CPU never writes to it, so plain stores may change it.
 * On a processor without NX, bit 63 is reserved.
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

/* The bits for the memory type, and the large-leaf bit. */
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

static inline bool beyond_physical(const struct table *table,
				   uint64_t address)
{
	return address >> table->features.physical_bits != 0;
}

#endif
