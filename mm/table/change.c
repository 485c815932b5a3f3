// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Changes mappings: protect and unmap.
 *
 * Both first survey the range and refuse when any page of it is missing. A
 * range cuts at most two large leaves, those at its two ends: the tables to
 * split them are allocated next, and after that nothing can fail. Protect
 * narrows its range to the leaves that change, so rights that are set already
 * cost no split and no flush.
 *
 * A CPU may use a cached old translation until the flush. So a table that
 * unmap empties waits, unlinked, in a chain and goes back to the source after
 * the flush; it is all zero then.
 *
 * Kernel leaves have A and D set from the start, so the CPU never writes to
 * them and plain stores suffice. In a user leaf the CPU may set D at any
 * moment while it is writable and clean: protect and split, which preserve D,
 * use an exchange there. Unmap does not report D, and a CPU sets it only in a
 * present leaf: a plain store is enough.
 */
#include <mm/table.h>

#include <arch/mmu.h>

#include "walk.h"

/*
 * Up to so many pages of the smallest leaf's size are flushed one by one; for
 * more, the whole TLB is. At about 100 ns a page, reloading the translations
 * in use is cheaper from here on.
 */
#define FLUSH_PAGES_MAX 32

/* Level-independent: a leaf becomes (old & ~clear) | set. */
struct rewrite {
	uint64_t clear, set;
};

/* Adjacent leaves of one table. */
struct leaves {
	struct path path;		/* entry[level] is the first of them */
	unsigned level;
	uint64_t base;			/* where the first leaf begins       */
	uint64_t count;
};

/* The result of pass one: a range whose pages are all mapped. */
struct survey {
	struct range range;		/* narrowed to the changes           */
	unsigned first_level;		/* of the leaf that holds its start  */
	unsigned last_level;		/* of the leaf that holds its end    */
	struct leaves row;		/* the last row that was read        */
	bool one_row;			/* and it is the whole range         */
};

/* In a page table. */
static inline bool all_present(const struct strip *strip)
{
	uint64_t all = ENTRY_PRESENT;

	if ((*strip->holder & COUNT_MASK) == COUNT_FULL)
		return true;
#pragma GCC unroll 8
	for (uint64_t i = 0; i < strip->count; i++)
		all &= strip->entry[i];
	return all != 0;
}

/*
 * The number of leaves in entry[0..limit) before the first entry that is none.
 * A full page table is known by its holder's count and is not read.
 */
static inline uint64_t leaves_in_row(const struct path *path, unsigned level,
				     uint64_t limit)
{
	const uint64_t *entry = path->entry[level];
	uint64_t count = 0;

	if (level == 0) {
		if ((*path->entry[1] & COUNT_MASK) == COUNT_FULL)
			return limit;
		while (count < limit && (entry[count] & ENTRY_PRESENT))
			count++;
		return count;
	}
	while (count < limit && is_leaf(entry[count], level))
		count++;
	return count;
}

/* Returns false when nothing is mapped at `at`. */
static inline bool leaves_at(const struct table *table, uint64_t at,
			     uint64_t end, struct leaves *out)
{
	unsigned level = walk(table, at, 0, &out->path);
	uint64_t size = level_size(level);
	uint64_t limit;

	out->level = level;
	out->base = align_down(at, size);
	limit = (end - out->base + size - 1) >> level_shift(level);
	limit = min_u64(limit, TABLE_ENTRIES - index_at(at, level));
	out->count = leaves_in_row(&out->path, level, limit);
	return out->count > 0;
}

static inline uint64_t leaves_end(const struct leaves *leaves)
{
	return leaves->base + (leaves->count << level_shift(leaves->level));
}

/* Fails: ST_NOT_FOUND. */
static enum status survey_unmap(const struct table *table,
				struct survey *survey)
{
	const struct range *range = &survey->range;
	struct leaves *row = &survey->row;

	if (!leaves_at(table, range->start, range->end, row))
		return ST_NOT_FOUND;
	survey->first_level = row->level;
	survey->one_row = leaves_end(row) >= range->end;
	while (leaves_end(row) < range->end)
		if (!leaves_at(table, leaves_end(row), range->end, row))
			return ST_NOT_FOUND;
	survey->last_level = row->level;
	return ST_OK;
}

static inline uint64_t rewritten(uint64_t entry, const struct rewrite *rewrite)
{
	return (entry & ~rewrite->clear) | rewrite->set;
}

/*
 * Narrows [*first..*end) to begin and end with an entry that changes.
 * Returns false when none does.
 */
static inline bool changing_part(const uint64_t *entry,
				 const struct rewrite *rewrite,
				 uint64_t *first, uint64_t *end)
{
	while (*first < *end &&
	       rewritten(entry[*first], rewrite) == entry[*first])
		++*first;
	while (*first < *end &&
	       rewritten(entry[*end - 1], rewrite) == entry[*end - 1])
		--*end;
	return *first < *end;
}

/*
 * Narrows the range to the leaves that change; it is empty when none does.
 * Fails: ST_NOT_FOUND.
 */
static enum status survey_protect(const struct table *table,
				  const struct rewrite *rewrite,
				  struct survey *survey)
{
	struct range whole = survey->range;
	struct leaves *row = &survey->row;
	uint64_t at = whole.start;

	survey->range.end = whole.start;
	for (; at < whole.end; at = leaves_end(row)) {
		uint64_t first = 0;
		uint64_t end;
		unsigned shift;

		if (!leaves_at(table, at, whole.end, row))
			return ST_NOT_FOUND;
		survey->one_row = at == whole.start;
		end = row->count;
		if (!changing_part(row->path.entry[row->level], rewrite,
				   &first, &end))
			continue;
		shift = level_shift(row->level);
		if (survey->range.end == whole.start) {
			survey->range.start = max_u64(
				row->base + (first << shift), whole.start);
			survey->first_level = row->level;
		}
		survey->range.end =
			min_u64(row->base + (end << shift), whole.end);
		survey->last_level = row->level;
	}
	return ST_OK;
}

_Static_assert(ENTRY_PAT_SMALL == ENTRY_LARGE,
	       "fill_from_leaf clears one before it sets the other");

/* At each of two ends: a 1 GiB leaf, then a 2 MiB leaf of its split. */
#define SPLITS_MAX (2 * LEAF_LEVEL_MAX)

/* One for each 1 GiB leaf that is cut, one for each 2 MiB leaf. */
static uint64_t tables_to_split(const struct survey *survey)
{
	uint64_t start = survey->range.start;
	uint64_t end = survey->range.end;
	uint64_t tables = 0;

	for (unsigned level = 1; level <= LEAF_LEVEL_MAX; level++) {
		uint64_t size = level_size(level);
		bool at_start = survey->first_level >= level &&
				!is_aligned(start, size);
		bool at_end = survey->last_level >= level &&
			      !is_aligned(end, size);
		bool same = align_down(start, size) == align_down(end, size);

		tables += at_start;
		tables += at_end && !(at_start && same);
	}
	return tables;
}

static unsigned min_level(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Writes the leaf `old` of `level` as 512 leaves of the next smaller size. */
static void fill_from_leaf(uint64_t *entries, uint64_t old, unsigned level)
{
	uint64_t first = old;

	ASSERT(level > 0 && level <= LEAF_LEVEL_MAX);
	if (level == 1) {
		first &= ~(ENTRY_LARGE | ENTRY_PAT_LARGE);
		if (old & ENTRY_PAT_LARGE)
			first |= ENTRY_PAT_SMALL;
	}
	entries_fill(entries, TABLE_ENTRIES, first, level_size(level - 1));
}

/*
 * Replaces a large leaf by a table of smaller leaves. Both translate equally,
 * so an old translation may be used until the flush of the change that
 * follows. But some CPUs raise a machine check when their TLB has an
 * instruction address in two page sizes at once: so an executable leaf is
 * absent until every CPU has flushed it.
 * Source: Intel erratum "Machine Check Error on Page Size Change".
 */
static void split_leaf(struct table *table, uint64_t *entry, unsigned level,
		       uint64_t at, struct chain *chain)
{
	uint64_t page = chain_pop(table, chain);
	uint64_t *entries = table_entries(table, page);
	uint64_t old = *entry;
	uint64_t link = page | ENTRY_TO_TABLE | COUNT_FULL |
			(old & ENTRY_USER);

	ASSERT(is_leaf(old, level));
	if (table->features.no_execute && !(old & ENTRY_NX)) {
		old = __atomic_exchange_n(entry, 0, __ATOMIC_ACQ_REL);
		mmu_flush_page(canonical(at));
		fill_from_leaf(entries, old, level);
		__atomic_store_n(entry, link, __ATOMIC_RELEASE);
	} else {
		/* Repeats with the new D when the CPU has just set it. */
		do {
			fill_from_leaf(entries, old, level);
		} while (!__atomic_compare_exchange_n(entry, &old, link, false,
						      __ATOMIC_ACQ_REL,
						      __ATOMIC_RELAXED));
	}
	table->table_pages++;
}

/* Splits until no leaf has `at` strictly inside. */
static void cut_at(struct table *table, uint64_t at, struct chain *chain)
{
	for (;;) {
		struct path path;
		unsigned level = walk(table, at, 0, &path);

		if (is_aligned(at, level_size(level)))
			return;
		/* The survey has reserved a table for each split. */
		ASSERT(chain->pages > 0);
		split_leaf(table, path.entry[level], level, at, chain);
	}
}

/* Fails: ST_NO_MEMORY. */
static enum status cut_ends(struct table *table, struct survey *survey)
{
	uint64_t tables = tables_to_split(survey);
	enum status status;
	struct chain chain;

	if (tables == 0)
		return ST_OK;
	ASSERT(tables <= SPLITS_MAX);
	survey->one_row = false;
	status = chain_reserve(table, &chain, tables);
	if (status != ST_OK)
		return status;
	if (!is_aligned(survey->range.start, level_size(survey->first_level)))
		cut_at(table, survey->range.start, &chain);
	if (!is_aligned(survey->range.end, level_size(survey->last_level)))
		cut_at(table, survey->range.end, &chain);
	ASSERT(chain.pages == 0);
	return ST_OK;
}

static void flush(const struct range *range, unsigned smallest_level)
{
	uint64_t bytes = range_bytes(*range);
	uint64_t pages = bytes >> level_shift(smallest_level);
	vaddr_t start = canonical(range->start);

	if (pages == 1)
		mmu_flush_page(start);
	else if (pages <= FLUSH_PAGES_MAX)
		mmu_flush_range(start, bytes, level_size(smallest_level));
	else
		mmu_flush_all();
}

/*
 * Changes a leaf in which the CPU may set D, by an exchange, so that no D is
 * lost. Without it only A can be lost: the page then looks less used.
 */
static void rewrite_user_leaf(uint64_t *entry, const struct rewrite *rewrite)
{
	const uint64_t clean = ENTRY_USER | ENTRY_WRITE;
	uint64_t old = *entry;

	if ((old & (clean | ENTRY_DIRTY)) != clean) {
		*entry = rewritten(old, rewrite);
		return;
	}
	while (!__atomic_compare_exchange_n(entry, &old,
					    rewritten(old, rewrite), false,
					    __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

/* Changes adjacent entries of one table, of any level. */
static inline void rewrite_entries(const struct strip *strip,
				   const struct rewrite *rewrite)
{
	volatile uint64_t *plain = strip->entry;
	struct rewrite kept = *rewrite;	/* in registers across stores        */

	if (*strip->holder & ENTRY_USER) {
		for (uint64_t i = 0; i < strip->count; i++)
			rewrite_user_leaf(&strip->entry[i], rewrite);
		return;
	}
	/* T6: the table has no user leaf, so the CPU writes to none. */
#pragma GCC unroll 8
	for (uint64_t i = 0; i < strip->count; i++)
		plain[i] = rewritten(plain[i], &kept);
}

static void rewrite_row(const struct leaves *row,
			const struct rewrite *rewrite)
{
	struct strip strip = { row->path.entry[row->level], row->count,
			       row->path.entry[row->level + 1] };

	rewrite_entries(&strip, rewrite);
	if (!(rewrite->set & ENTRY_USER))
		return;
	for (unsigned i = row->level + 1; i < TABLE_LEVELS; i++)
		if (!(*row->path.entry[i] & ENTRY_USER))
			*row->path.entry[i] |= ENTRY_USER;
}

/*
 * Pass two: sets `*row` to the row at `at`. Reuses the last row of pass one
 * when that is the whole range.
 */
static void row_at(const struct table *table, struct survey *survey,
		   uint64_t at)
{
	bool there = survey->one_row ||
		     leaves_at(table, at, survey->range.end, &survey->row);

	ASSERT(there);
}

/* Fails: ST_NOT_FOUND. */
static enum status protect_strip(struct range *range, struct strip *strip,
				 const struct rewrite *rewrite)
{
	uint64_t first = 0;
	uint64_t end = strip->count;

	if (!all_present(strip))
		return ST_NOT_FOUND;
	if (!changing_part(strip->entry, rewrite, &first, &end))
		return ST_OK;
	strip->entry += first;
	strip->count = end - first;
	rewrite_entries(strip, rewrite);
	range->start += first << PAGE_SHIFT;
	range->end = range->start + (strip->count << PAGE_SHIFT);
	flush(range, 0);
	return ST_OK;
}

static NOINLINE enum status protect_rows(struct table *table,
					 const struct range *range,
					 const struct rewrite *rewrite)
{
	struct survey survey = { .range = *range };
	unsigned smallest = LEAF_LEVEL_MAX;
	enum status status;

	status = survey_protect(table, rewrite, &survey);
	if (status != ST_OK || range_is_empty(survey.range))
		return status;
	status = cut_ends(table, &survey);
	if (status != ST_OK)
		return status;
	for (uint64_t at = survey.range.start; at < survey.range.end;
	     at = leaves_end(&survey.row)) {
		row_at(table, &survey, at);
		rewrite_row(&survey.row, rewrite);
		smallest = min_level(smallest, survey.row.level);
	}
	flush(&survey.range, smallest);
	return ST_OK;
}

enum status table_protect(struct table *table, vaddr_t virt, uint64_t bytes,
			  unsigned rights)
{
	struct rewrite rewrite = {
		.clear = ENTRY_WRITE | ENTRY_USER | ENTRY_GLOBAL | ENTRY_NX,
		.set = rights_to_bits(table, rights),
	};
	struct strip strip;
	struct range range;
	enum status status;

	status = range_of(virt, bytes, &range);
	if (status != ST_OK)
		return status;
	if (!rights_exist(rights))
		return ST_BAD_ARGUMENT;
	if (strip_at(table, &range, &strip) &&
	    !(rewrite.set & ~*strip.holder & ENTRY_USER))
		return protect_strip(&range, &strip, &rewrite);
	return protect_rows(table, &range, &rewrite);
}

/*
 * Subtracts `cleared` entries from the table at `level`; unlinks it when it is
 * empty, and then each upper table that becomes empty.
 */
static void uncount(struct table *table, const struct path *path,
		    unsigned level, uint64_t cleared, struct chain *freed)
{
	while (level < ROOT_LEVEL) {
		uint64_t *holder = path->entry[level + 1];

		*holder -= cleared << COUNT_SHIFT;
		if ((*holder & COUNT_MASK) != 0)
			return;
		chain_push(table, freed, *holder & ENTRY_ADDRESS);
		*holder = 0;
		table->table_pages--;
		cleared = 1;
		level++;
	}
}

static NOINLINE enum status unmap_rows(struct table *table,
				       const struct range *range)
{
	struct survey survey = { .range = *range };
	unsigned smallest = LEAF_LEVEL_MAX;
	struct chain freed = { 0, 0 };
	enum status status;

	status = survey_unmap(table, &survey);
	if (status != ST_OK)
		return status;
	status = cut_ends(table, &survey);
	if (status != ST_OK)
		return status;
	for (uint64_t at = range->start; at < range->end;
	     at = leaves_end(&survey.row)) {
		struct leaves *row = &survey.row;

		row_at(table, &survey, at);
		entries_clear(row->path.entry[row->level], row->count);
		uncount(table, &row->path, row->level, row->count, &freed);
		smallest = min_level(smallest, row->level);
	}
	flush(range, smallest);
	chain_give(table, &freed);
	return ST_OK;
}

enum status table_unmap(struct table *table, vaddr_t virt, uint64_t bytes)
{
	struct strip strip;
	struct range range;
	enum status status;

	status = range_of(virt, bytes, &range);
	if (status != ST_OK)
		return status;
	/* The fast path, unless the page table becomes empty. */
	if (!strip_at(table, &range, &strip) ||
	    (*strip.holder & COUNT_MASK) == strip.count << COUNT_SHIFT)
		return unmap_rows(table, &range);
	if (!all_present(&strip))
		return ST_NOT_FOUND;
	entries_clear(strip.entry, strip.count);
	*strip.holder -= strip.count << COUNT_SHIFT;
	flush(&range, 0);
	return ST_OK;
}
