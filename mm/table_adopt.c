// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Is this a table of ours? For pages of which nothing is known yet, and for
 * the audit of our own.
 *
 * Foreign entries may point anywhere, also back up the tree or twice to one
 * page, which would make the walk endless and a later give double. So
 * adopting marks each page on first sight, in a bit of its first entry that
 * the CPU ignores, and refuses a page that is marked. Marks are removed in
 * the order in which they were set, as many as were set.
 *
 * The audit changes nothing, so that it may run at any time; table_pages
 * bounds its walk, and it trusts that pages are not shared.
 */
#include <mm/table.h>

#include "table_internal.h"

#define TO_TABLE_BITS (ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER |	\
		       ENTRY_ACCESSED | COUNT_MASK)
#define LEAF_BITS (ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER | ENTRY_PWT | \
		   ENTRY_PCD | ENTRY_ACCESSED | ENTRY_DIRTY | ENTRY_GLOBAL)
/* T5 */
#define KERNEL_LEAF_PRESET (ENTRY_ACCESSED | ENTRY_DIRTY)

enum check_kind { CHECK_MARKING, CHECK_READING };

struct check {
	const struct table *table;
	enum check_kind kind;
	uint64_t pages;			/* so far                            */
	uint64_t limit_pages;
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

/*
 * Most leaves go on where a sound one ended: the same bits, the next
 * address. Then only the address is left to ask about.
 */
static bool goes_on(const struct table *table, uint64_t sound, uint64_t entry,
		    unsigned level)
{
	return entry - sound == level_size(level) &&
	       ((entry ^ sound) & ~ENTRY_ADDRESS) == 0 &&
	       !beyond_physical(table, entry & ENTRY_ADDRESS);
}

static bool entries_are_sound(const struct check *check,
			      const uint64_t *entries, unsigned level,
			      uint64_t *present)
{
	uint64_t mark = check->kind == CHECK_MARKING ? ENTRY_SEEN : 0;
	uint64_t sound = 0;		/* the last sound leaf, 0 = none     */

	*present = 0;
	for (uint64_t i = 0; i < TABLE_ENTRIES; i++, mark = 0) {
		uint64_t entry = entries[i] & ~mark;

		if (entry == 0)
			continue;
		(*present)++;
		if (points_to_table(entry, level)) {
			if (!to_table_is_sound(check->table, entry))
				return false;
			continue;
		}
		if (sound == 0 || !goes_on(check->table, sound, entry, level))
			if (!(entry & ENTRY_PRESENT) ||
			    !leaf_is_sound(check->table, entry, level))
				return false;
		sound = entry;
	}
	return true;
}

/* `holder` is the entry that points to the page. */
static bool page_is_sound(struct check *check, uint64_t holder, unsigned level)
{
	uint64_t *entries = table_entries(check->table, holder);
	uint64_t present;

	if (!page_enter(check, entries))
		return false;
	if (!entries_are_sound(check, entries, level, &present))
		return false;
	if (level < ROOT_LEVEL &&
	    (present == 0 || present != (holder & COUNT_MASK) >> COUNT_SHIFT))
		return false;
	for (uint64_t i = 0; i < TABLE_ENTRIES && level > 0; i++)
		if (points_to_table(entries[i], level) &&
		    !page_is_sound(check, entries[i], level - 1))
			return false;
	return true;
}

/* Removes `*marks` marks, first set first. */
static void remove_marks(const struct table *table, uint64_t holder,
			 unsigned level, uint64_t *marks)
{
	uint64_t *entries = table_entries(table, holder);

	if (*marks == 0)
		return;
	entries[0] &= ~ENTRY_SEEN;
	(*marks)--;
	for (uint64_t i = 0; i < TABLE_ENTRIES && level > 0 && *marks > 0; i++)
		if (points_to_table(entries[i], level))
			remove_marks(table, entries[i], level - 1, marks);
}

/*
 * Moves what the entry `*holder` forbids into the entries below it, those
 * first: at each moment a page grants what it granted before.
 */
static void sink_rights(const struct table *table, uint64_t *holder,
			unsigned level)
{
	uint64_t *entries = table_entries(table, *holder);
	uint64_t denied = ~*holder & (ENTRY_WRITE | ENTRY_USER);
	uint64_t forbidden = *holder & ENTRY_NX;

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
	struct check check = { &found, CHECK_MARKING, 0, UINT64_MAX };
	enum status status;
	uint64_t holder, marks;
	bool sound;

	status = features_settle(features, &found.features);
	if (status != ST_OK)
		return status;
	holder = pfn_to_paddr(root).raw;
	/* So high that its address wraps, it would name another frame. */
	if (paddr_to_pfn((paddr_t){ holder }).raw != root.raw)
		return ST_CORRUPT;
	if (!may_be_table(&found, holder))
		return ST_CORRUPT;
	sound = page_is_sound(&check, holder, ROOT_LEVEL);
	marks = check.pages;
	remove_marks(&found, holder, ROOT_LEVEL, &marks);
	if (!sound)
		return ST_CORRUPT;
	holder |= ENTRY_WRITE | ENTRY_USER;
	sink_rights(&found, &holder, ROOT_LEVEL);
	found.table_pages = check.pages;
	*table = found;
	return ST_OK;
}

/* T6: `holder` points to a table at `level`. */
static bool forbids_nothing(const struct table *table, uint64_t holder,
			    unsigned level)
{
	const uint64_t *entries = table_entries(table, holder);

	if (!(holder & ENTRY_WRITE) || (holder & ENTRY_NX))
		return false;
	for (uint64_t i = 0; i < TABLE_ENTRIES; i++) {
		uint64_t entry = entries[i];

		if (entry & ~holder & ENTRY_USER)
			return false;
		if (points_to_table(entry, level) &&
		    !forbids_nothing(table, entry, level - 1))
			return false;
	}
	return true;
}

bool table_audit(const struct table *table)
{
	struct check check = { table, CHECK_READING, 0, table->table_pages };
	uint64_t holder = pfn_to_paddr(table->root).raw;

	return page_is_sound(&check, holder, ROOT_LEVEL) &&
	       check.pages == table->table_pages &&
	       forbids_nothing(table, holder | ENTRY_WRITE | ENTRY_USER,
			       ROOT_LEVEL);
}
