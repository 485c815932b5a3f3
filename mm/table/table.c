// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Maps a range: it descends once for each leaf table and then stores in a
 * loop, instead of descending once for each page.
 *
 * A request is first cut into at most five runs of one leaf size: 4 KiB up to
 * a 2 MiB boundary, 2 MiB up to a 1 GiB boundary, 1 GiB, and down again. Then
 * there are two passes. The first only reads: it refuses pages that are mapped
 * already and counts the missing tables exactly. These are allocated all at
 * once, and the second pass cannot fail. So there is no undo: a source without
 * enough pages leaves nothing changed, and no CPU ever uses a mapping that is
 * then removed.
 *
 * A table must be counted in the first run that touches it. A table at level k
 * covers one entry of level k + 1. A run touches it first where that entry
 * begins, or at the start of the whole request. Two runs meet at a multiple of
 * the larger leaf size, where an entry begins at every level that only the
 * smaller size needs.
 *
 * The number of present entries of a table is in ignored bits of the entry
 * that points to it (T4), in a cache line that the walk has just read. So no
 * table is scanned to find out whether it is empty.
 *
 * Locks: none here. One caller changes a table at a time, while CPUs that use
 * it read it. Therefore a table is filled before it is linked, and an unlinked
 * one is freed only after the flush (change.c).
 * Source: Intel SDM vol. 3A sections 4.5 (formats), 4.8 (A and D),
 * 4.10 (caching of translations).
 */
#include <mm/table.h>

#include <arch/mmu.h>

#include "walk.h"

#define RUNS_MAX 5

struct run {
	uint64_t start, end;		/* low 48 bits                       */
	unsigned level;			/* of its leaves                     */
};

_Static_assert(SIZE_2M == TABLE_ENTRIES * PAGE_SIZE, "a leaf of level 1");
_Static_assert(SIZE_1G == TABLE_ENTRIES * SIZE_2M, "a leaf of level 2");
_Static_assert(CACHE_WRITE_COMBINING < 8, "PWT, PCD and PAT are three bits");
_Static_assert(RUNS_MAX == 2 * LEAF_LEVEL_MAX + 1, "up, the largest, down");

struct run_list {
	struct run items[RUNS_MAX];
	size_t count;
};

/* The leaf for `at` is (at + distance) with `bits` and the cache bits. */
struct placing {
	struct chain chain;
	uint64_t distance;		/* physical - at, modulo 2^64        */
	uint64_t bits;
	enum table_cache cache;
};

enum status table_init(struct table *table, struct window window,
		       struct frame_source *source,
		       const struct table_features *features)
{
	enum status status;
	uint64_t root;

	*table = (struct table){ .window = window, .source = source,
				 .table_pages = 1 };
	status = features_settle(features, &table->features);
	if (status != ST_OK)
		return status;
	status = frame_source_take(source, &table->root);
	if (status != ST_OK)
		return status;
	root = pfn_to_paddr(table->root).raw;
	ASSERT(!beyond_physical(table, root));
	entries_wipe(window_at_frame(&window, table->root), TABLE_ENTRIES);
	return ST_OK;
}

static enum status mapping_refusal(const struct table *table,
				   const struct table_mapping *want)
{
	if (!is_aligned(want->phys.raw, PAGE_SIZE))
		return ST_BAD_RANGE;
	if (beyond_physical(table, want->phys.raw) ||
	    beyond_physical(table, want->phys.raw + want->bytes - 1))
		return ST_BAD_RANGE;
	if (!rights_exist(want->rights))
		return ST_BAD_ARGUMENT;
	if ((unsigned)want->cache > CACHE_WRITE_COMBINING)
		return ST_BAD_ARGUMENT;
	switch (want->largest_leaf) {
	case 0:
	case PAGE_SIZE:
	case SIZE_2M:
	case SIZE_1G:
		return ST_OK;
	default:
		return ST_BAD_ARGUMENT;
	}
}

/* The largest leaf that request, processor and both alignments allow. */
static unsigned leaf_level(const struct table *table,
			   const struct table_mapping *want)
{
	unsigned level = table->features.page_1g ? LEAF_LEVEL_MAX : 1;
	uint64_t misfit = want->virt.raw ^ want->phys.raw;

	if (want->bytes < SIZE_2M)
		return 0;
	while (level > 0 && (level_size(level) > want->largest_leaf ||
			     !is_aligned(misfit, level_size(level))))
		level--;
	return level;
}

static void run_add(struct run_list *runs, uint64_t *at, uint64_t end,
		    unsigned level)
{
	if (end <= *at)
		return;
	runs->items[runs->count++] = (struct run){ *at, end, level };
	*at = end;
}

static void cut_into_runs(struct run_list *runs, const struct range *range,
			  unsigned top)
{
	uint64_t at = range->start;
	unsigned level;

	runs->count = 0;
	for (level = 0; level < top; level++) {
		uint64_t larger = level_size(level + 1);
		uint64_t boundary = align_up(at, larger);

		if (boundary + larger > range->end)
			break;
		run_add(runs, &at, boundary, level);
	}
	for (;; level--) {
		run_add(runs, &at, align_down(range->end, level_size(level)),
			level);
		if (level == 0)
			break;
	}
}

static bool all_absent(const uint64_t *entry, uint64_t count)
{
	uint64_t any = 0;

#pragma GCC unroll 8
	for (uint64_t i = 0; i < count; i++)
		any |= entry[i];
	return any == 0;
}

/* Tables at `level` whose first met address is in [from..to). */
static uint64_t tables_first_met(const struct range *whole, uint64_t from,
				 uint64_t to, unsigned level)
{
	uint64_t cover = level_size(level + 1);
	unsigned shift = level_shift(level + 1);
	uint64_t met = (align_up(to, cover) - align_up(from, cover)) >> shift;

	return met + (from == whole->start && !is_aligned(from, cover));
}

/*
 * Pass one: adds the tables that `run` lacks to `*missing`.
 * Returns false when something is mapped there already.
 */
static bool run_survey(const struct table *table, const struct run *run,
		       const struct range *whole, uint64_t *missing)
{
	uint64_t stop;

	for (uint64_t at = run->start; at < run->end; at = stop) {
		struct path path;
		unsigned level = walk(table, at, run->level, &path);
		uint64_t *entry = path.entry[level];

		if (level == run->level) {
			uint64_t count;

			stop = align_down(at, level_size(level + 1)) +
			       level_size(level + 1);
			stop = min_u64(stop, run->end);
			count = (stop - at) >> level_shift(level);
			if (!all_absent(entry, count))
				return false;
			continue;
		}
		if (*entry != 0)
			return false;
		stop = align_down(at, level_size(level)) + level_size(level);
		stop = min_u64(stop, run->end);
		while (level-- > run->level)
			*missing += tables_first_met(whole, at, stop, level);
	}
	return true;
}

/* Links a new table into the entry; the entry's holder counts one more. */
static void link_table(struct table *table, struct path *path, unsigned level,
		       uint64_t value)
{
	/* Release: a CPU that sees the link sees the table's entries. */
	__atomic_store_n(path->entry[level], value, __ATOMIC_RELEASE);
	if (level < ROOT_LEVEL)
		*path->entry[level + 1] += COUNT_ONE;
	table->table_pages++;
}

/*
 * Extends `path` down to the entry that points, or will point, to the table at
 * `level`. Links missing tables above it, and sets their user bits if the
 * leaves have it. Returns true when a user bit had to be set.
 */
static bool make_way(struct table *table, struct placing *placing,
		     uint64_t at, unsigned level, struct path *path)
{
	uint64_t user = placing->bits & ENTRY_USER;
	unsigned reached = walk(table, at, level + 1, path);
	bool opened = false;

	for (unsigned i = reached; user != 0 && i < TABLE_LEVELS; i++) {
		uint64_t *entry = path->entry[i];

		if (*entry == 0 || (*entry & ENTRY_USER))
			continue;
		*entry |= ENTRY_USER;
		opened = true;
	}
	for (; reached > level + 1; reached--) {
		uint64_t page = chain_pop(table, &placing->chain);
		uint64_t *entries = table_entries(table, page);

		entries_wipe(entries, TABLE_ENTRIES);
		link_table(table, path, reached, page | ENTRY_TO_TABLE | user);
		path->entry[reached - 1] =
			entries + index_at(at, reached - 1);
	}
	return opened;
}

static inline uint64_t first_leaf(const struct placing *placing,
				  unsigned level, uint64_t at)
{
	return (at + placing->distance) | placing->bits |
	       cache_to_bits(placing->cache, level);
}

/* Fills absent entries of a linked table, of any level. */
static inline void put_leaves(const struct placing *placing, unsigned level,
			      uint64_t at, const struct strip *to)
{
	entries_fill(to->entry, to->count, first_leaf(placing, level, at),
		     level_size(level));
	*to->holder += to->count << COUNT_SHIFT;
}

/* Pass two, for the part of a run that lies in one leaf table. */
static bool place_in_table(struct table *table, struct placing *placing,
			   const struct run *part)
{
	unsigned level = part->level;
	uint64_t index = index_at(part->start, level);
	uint64_t count = (part->end - part->start) >> level_shift(level);
	struct path path;
	bool opened = make_way(table, placing, part->start, level, &path);
	uint64_t *holder = path.entry[level + 1];
	uint64_t *entries, page;

	if (*holder != 0) {
		entries = table_entries(table, *holder);
		put_leaves(placing, level, part->start,
			   &(struct strip){ entries + index, count, holder });
		return opened;
	}
	page = chain_pop(table, &placing->chain);
	entries = table_entries(table, page);
	entries_wipe(entries, index);
	entries_fill(entries + index, count,
		     first_leaf(placing, level, part->start),
		     level_size(level));
	entries_wipe(entries + index + count, TABLE_ENTRIES - index - count);
	link_table(table, &path, level + 1,
		   page | ENTRY_TO_TABLE | (placing->bits & ENTRY_USER) |
			   (count << COUNT_SHIFT));
	return opened;
}

static void run_place(struct table *table, struct placing *placing,
		      const struct run *run)
{
	uint64_t cover = level_size(run->level + 1);
	struct run part = *run;

	for (; part.start < run->end; part.start = part.end) {
		part.end = align_down(part.start, cover) + cover;
		part.end = min_u64(part.end, run->end);
		/*
		 * A CPU may have cached an upper entry without the user bit;
		 * any page flush drops all cached upper entries.
		 */
		if (place_in_table(table, placing, &part))
			mmu_flush_page(canonical(part.start));
	}
}

static NOINLINE enum status map_runs(struct table *table,
				     const struct range *range, unsigned level,
				     struct placing *placing)
{
	struct run_list runs;
	uint64_t missing = 0;
	enum status status;

	cut_into_runs(&runs, range, level);
	for (size_t i = 0; i < runs.count; i++)
		if (!run_survey(table, &runs.items[i], range, &missing))
			return ST_CONFLICT;
	/* The first pass only reads: a refusal has changed nothing. */
	status = chain_reserve(table, &placing->chain, missing);
	if (status != ST_OK)
		return status;
	for (size_t i = 0; i < runs.count; i++)
		run_place(table, placing, &runs.items[i]);
	ASSERT(placing->chain.pages == 0);
	return ST_OK;
}

enum status table_map(struct table *table, const struct table_mapping *want)
{
	struct placing placing;
	struct strip strip;
	struct range range;
	enum status status;
	unsigned level;

	status = range_of(want->virt, want->bytes, &range);
	if (status != ST_OK)
		return status;
	status = mapping_refusal(table, want);
	if (status != ST_OK)
		return status;
	level = leaf_level(table, want);
	placing.distance = want->phys.raw - range.start;
	placing.bits = ENTRY_PRESENT | rights_to_bits(table, want->rights);
	placing.cache = want->cache;
	if (level == 0 && strip_at(table, &range, &strip) &&
	    !(placing.bits & ~*strip.holder & ENTRY_USER)) {
		if (!all_absent(strip.entry, strip.count))
			return ST_CONFLICT;
		put_leaves(&placing, 0, range.start, &strip);
		return ST_OK;
	}
	return map_runs(table, &range, level, &placing);
}

enum status table_query(const struct table *table, vaddr_t virt,
			struct table_leaf *out)
{
	uint64_t at = virt.raw & ((1UL << 48) - 1);
	struct path path;
	unsigned level;

	if (!vaddr_is_canonical(virt))
		return ST_NOT_FOUND;
	level = walk(table, at, 0, &path);
	if (!is_leaf(*path.entry[level], level))
		return ST_NOT_FOUND;
	leaf_describe(at, level, *path.entry[level], out);
	return ST_OK;
}
