// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Checks that pages are valid page tables: untrusted pages when they are
 * adopted, and a table in use when it is audited.
 *
 * Untrusted entries may point anywhere, also to an upper table or twice to one
 * page: the walk would be endless, or a page would be freed twice later. So
 * table_adopt marks each page when it first reads it, in a bit of its first
 * entry that the CPU ignores, and refuses a page with a mark. Marks are
 * removed in the order in which they were set.
 *
 * The audit changes nothing, so that it may run at any time; table_pages
 * bounds its walk, and it trusts that pages are not shared.
 */
#include <mm/table.h>

#include "step.h"

#define TO_TABLE_BITS (ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER |	\
		       ENTRY_ACCESSED | COUNT_MASK)
#define LEAF_BITS (ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER | ENTRY_PWT | \
		   ENTRY_PCD | ENTRY_ACCESSED | ENTRY_DIRTY | ENTRY_GLOBAL)
/* T5 */
#define KERNEL_LEAF_PRESET (ENTRY_ACCESSED | ENTRY_DIRTY)

/* T3: a mark is a bit without a meaning, so a marked entry is refused. */
_Static_assert((ENTRY_SEEN & (TO_TABLE_BITS | LEAF_BITS | ENTRY_ADDRESS)) == 0,
	       "a mark can be told");

enum check_kind { CHECK_MARKING, CHECK_READING };

struct check {
	const struct table *table;
	enum check_kind kind;
	uint64_t pages;			/* so far                            */
	uint64_t limit_pages;
	bool forbids;			/* T6 does not hold                  */
};

/* The entries of one page, counted. */
struct tally {
	uint64_t present;
	uint64_t tables;		/* of them                           */
	uint64_t bits;			/* set in any entry                  */
};

static bool may_be_table(const struct table *table, uint64_t entry)
{
	pfn_t frame = paddr_to_pfn((paddr_t){ entry & ENTRY_ADDRESS });

	if (beyond_physical(table, entry & ENTRY_ADDRESS))
		return false;
	return table->features.may_be_table == NULL ||
	       table->features.may_be_table(table->features.context, frame);
}

static bool leaf_is_sound(const struct table *table, uint64_t entry,
			  unsigned level)
{
	uint64_t allowed = LEAF_BITS;
	struct table_leaf leaf;

	if (level > LEAF_LEVEL_MAX ||
	    (level == LEAF_LEVEL_MAX && !table->features.page_1g))
		return false;
	allowed |= level > 0 ? ENTRY_LARGE | ENTRY_PAT_LARGE : ENTRY_PAT_SMALL;
	allowed |= ENTRY_ADDRESS & ~(level_size(level) - 1);
	if (table->features.no_execute)
		allowed |= ENTRY_NX;
	if ((entry & ~allowed) != 0 ||
	    beyond_physical(table, entry & ENTRY_ADDRESS))
		return false;
	leaf_describe(0, level, entry, &leaf);
	if (leaf.cache > CACHE_WRITE_COMBINING)
		return false;
	return (entry & ENTRY_USER) ||
	       (entry & KERNEL_LEAF_PRESET) == KERNEL_LEAF_PRESET;
}

static bool to_table_is_sound(const struct table *table, uint64_t entry)
{
	uint64_t allowed = TO_TABLE_BITS | ENTRY_ADDRESS;

	if (table->features.no_execute)
		allowed |= ENTRY_NX;
	return (entry & ~allowed) == 0 && may_be_table(table, entry);
}

/* Returns false when the page was seen before. */
static bool page_enter(struct check *check, uint64_t *entries)
{
	if (check->pages >= check->limit_pages)
		return false;
	if (check->kind == CHECK_MARKING) {
		if (entries[0] & ENTRY_SEEN)
			return false;
		entries[0] |= ENTRY_SEEN;
	}
	check->pages++;
	return true;
}

/* Checks the bits of the first leaf and the address of the last. */
static bool row_is_sound(const struct table *table, uint64_t first,
			 unsigned level, uint64_t leaves)
{
	uint64_t last = first + ((leaves - 1) << level_shift(level));

	return (first & ENTRY_PRESENT) && leaf_is_sound(table, first, level) &&
	       !beyond_physical(table, last & ENTRY_ADDRESS);
}

static bool entries_are_sound(const struct check *check,
			      const uint64_t *entries, unsigned level,
			      struct tally *tally)
{
	uint64_t mark = check->kind == CHECK_MARKING ? ENTRY_SEEN : 0;
	uint64_t leaves;

	*tally = (struct tally){ 0 };
	for (uint64_t i = next_entry(entries, 0); i < TABLE_ENTRIES;
	     i = next_entry(entries, i + leaves)) {
		uint64_t entry = entries[i] & ~(i == 0 ? mark : 0);

		leaves = 1;
		if (entry == 0)
			continue;
		tally->bits |= entry;
		if (points_to_table(entry, level)) {
			if (!to_table_is_sound(check->table, entry))
				return false;
			tally->tables++;
		} else {
			leaves = row_length(entries, i, level, entry);
			if (!row_is_sound(check->table, entry, level, leaves))
				return false;
		}
		tally->present += leaves;
	}
	return true;
}

/* T6: `holder` points to a page with entries that have `bits` together. */
static bool forbids_nothing(uint64_t holder, uint64_t bits)
{
	return (holder & ENTRY_WRITE) && !(holder & ENTRY_NX) &&
	       !(bits & ~holder & ENTRY_USER);
}

/* `holder` is the entry that points to the page. */
static bool page_is_sound(struct check *check, uint64_t holder, unsigned level)
{
	uint64_t *entries = table_entries(check->table, holder);
	struct tally tally;

	if (!page_enter(check, entries))
		return false;
	if (!entries_are_sound(check, entries, level, &tally))
		return false;
	if (level < ROOT_LEVEL &&
	    (tally.present == 0 ||
	     tally.present != (holder & COUNT_MASK) >> COUNT_SHIFT))
		return false;
	if (!forbids_nothing(holder, tally.bits))
		check->forbids = true;
	/* Nothing is read behind the last of them. */
	for (uint64_t i = 0; tally.tables > 0; i++, tally.tables--) {
		i = next_table(entries, i, level);
		ASSERT(i < TABLE_ENTRIES);
		if (!page_is_sound(check, entries[i], level - 1))
			return false;
	}
	return true;
}

/* Removes `*marks` marks, first set first. */
static void remove_marks(const struct table *table, uint64_t holder,
			 unsigned level, uint64_t *marks)
{
	uint64_t *entries;

	if (*marks == 0)
		return;
	entries = table_entries(table, holder);
	entries[0] &= ~ENTRY_SEEN;
	(*marks)--;
	if (level == 0)
		return;
	for (uint64_t i = next_table(entries, 0, level); i < TABLE_ENTRIES;
	     i = next_table(entries, i + 1, level))
		remove_marks(table, entries[i], level - 1, marks);
}

/*
 * Moves the rights that `*holder` forbids into the entries below it. These
 * change first, so the rights of each page are the same at any moment.
 */
static void sink_rights(const struct table *table, uint64_t *holder,
			unsigned level)
{
	uint64_t *entries = table_entries(table, *holder);
	uint64_t denied = ~*holder & (ENTRY_WRITE | ENTRY_USER);
	uint64_t forbidden = *holder & ENTRY_NX;

	ASSERT(level <= ROOT_LEVEL);
	for (uint64_t i = 0; i < TABLE_ENTRIES; i++) {
		uint64_t entry = entries[i];

		if (entry == 0)
			continue;
		if (!points_to_table(entry, level) &&
		    (entry & denied & ENTRY_USER))
			entry |= KERNEL_LEAF_PRESET;
		entry = (entry & ~denied) | forbidden;
		if (entry != entries[i])
			entries[i] = entry;
		if (points_to_table(entry, level))
			sink_rights(table, &entries[i], level - 1);
	}
	if ((denied & ENTRY_WRITE) || forbidden)
		*holder = (*holder | ENTRY_WRITE) & ~ENTRY_NX;
}

enum status table_adopt(struct table *table, struct window window,
			struct frame_source *source,
			const struct table_features *features, pfn_t root)
{
	struct table found = { .window = window, .source = source,
			       .root = root };
	struct check check = { &found, CHECK_MARKING,
			       .limit_pages = UINT64_MAX };
	enum status status;
	uint64_t holder, marks;
	bool sound;

	status = features_settle(features, &found.features);
	if (status != ST_OK)
		return status;
	holder = pfn_to_paddr(root).raw;
	/* A root whose address wraps would name another frame. */
	if (paddr_to_pfn((paddr_t){ holder }).raw != root.raw)
		return ST_CORRUPT;
	if (!may_be_table(&found, holder))
		return ST_CORRUPT;
	holder |= ENTRY_WRITE | ENTRY_USER;
	sound = page_is_sound(&check, holder, ROOT_LEVEL);
	marks = check.pages;
	remove_marks(&found, holder, ROOT_LEVEL, &marks);
	ASSERT(marks == 0);
	if (!sound)
		return ST_CORRUPT;
	if (check.forbids)
		sink_rights(&found, &holder, ROOT_LEVEL);
	found.table_pages = check.pages;
	ASSERT(found.table_pages > 0);		/* T2: the root is one */
	*table = found;
	return ST_OK;
}

bool table_audit(const struct table *table)
{
	struct check check = { table, CHECK_READING,
			       .limit_pages = table->table_pages };
	uint64_t holder = pfn_to_paddr(table->root).raw |
			  ENTRY_WRITE | ENTRY_USER;

	return page_is_sound(&check, holder, ROOT_LEVEL) &&
	       check.pages == table->table_pages && !check.forbids;
}
