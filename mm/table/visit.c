// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Visits every leaf and every table page, and frees all of them. The recursion
 * is as deep as the tree: TABLE_LEVELS.
 */
#include <mm/table.h>

#include "step.h"

struct row_visit {
	const struct table *table;
	bool (*visit)(void *context, const struct table_row *row);
	bool (*page)(void *context, pfn_t frame);	/* NULL: not visited */
	void *context;
};

/*
 * `holder` points to the page, and has the number of its entries (T4): behind
 * the last of them nothing is read. No entry holds the root.
 */
static bool visit_rows(const struct row_visit *visit, uint64_t holder,
		       unsigned level, uint64_t at)
{
	const uint64_t *entries = table_entries(visit->table, holder);
	uint64_t left = level == ROOT_LEVEL ?
				TABLE_ENTRIES :
				(holder & COUNT_MASK) >> COUNT_SHIFT;
	pfn_t page = paddr_to_pfn((paddr_t){ holder & ENTRY_ADDRESS });
	struct table_row row;

	if (visit->page != NULL && !visit->page(visit->context, page))
		return false;
	for (uint64_t i = next_entry(entries, 0); i < TABLE_ENTRIES;
	     i = next_entry(entries, i + row.leaves)) {
		uint64_t entry = entries[i];
		uint64_t here = at + (i << level_shift(level));

		row.leaves = 1;
		if (points_to_table(entry, level)) {
			if (!visit_rows(visit, entry, level - 1, here))
				return false;
		} else if (is_leaf(entry, level)) {
			row.leaves = row_length(entries, i, level, entry);
			leaf_describe(here, level, entry, &row.first);
			if (!visit->visit(visit->context, &row))
				return false;
		}
		if (left <= row.leaves)
			break;
		left -= row.leaves;
	}
	return true;
}

void table_visit_rows_and_pages(
	const struct table *table,
	bool (*visit)(void *context, const struct table_row *row),
	bool (*page)(void *context, pfn_t frame), void *context)
{
	const struct row_visit state = { table, visit, page, context };

	visit_rows(&state, pfn_to_paddr(table->root).raw, ROOT_LEVEL, 0);
}

void table_visit_rows(const struct table *table,
		      bool (*visit)(void *context,
				    const struct table_row *row),
		      void *context)
{
	table_visit_rows_and_pages(table, visit, NULL, context);
}

struct leaf_visit {
	bool (*visit)(void *context, const struct table_leaf *leaf);
	void *context;
};

static bool visit_row(void *context, const struct table_row *row)
{
	const struct leaf_visit *leaves = context;
	struct table_leaf leaf = row->first;

	for (uint64_t i = 0; i < row->leaves; i++) {
		if (!leaves->visit(leaves->context, &leaf))
			return false;
		leaf.virt.raw += leaf.bytes;
		leaf.phys.raw += leaf.bytes;
	}
	return true;
}

void table_visit(const struct table *table,
		 bool (*visit)(void *context, const struct table_leaf *leaf),
		 void *context)
{
	struct leaf_visit leaves = { visit, context };

	table_visit_rows(table, visit_row, &leaves);
}

struct page_visit {
	const struct table *table;
	bool (*visit)(void *context, pfn_t frame);
	void *context;
};

static bool visit_pages(const struct page_visit *visit, pfn_t frame,
			unsigned level)
{
	const uint64_t *entries = window_at_frame(&visit->table->window, frame);

	if (!visit->visit(visit->context, frame))
		return false;
	if (level == 0)
		return true;
	for (uint64_t i = next_table(entries, 0, level); i < TABLE_ENTRIES;
	     i = next_table(entries, i + 1, level)) {
		paddr_t page = { entries[i] & ENTRY_ADDRESS };

		if (!visit_pages(visit, paddr_to_pfn(page), level - 1))
			return false;
	}
	return true;
}

void table_visit_pages(const struct table *table,
		       bool (*visit)(void *context, pfn_t frame),
		       void *context)
{
	const struct page_visit state = { table, visit, context };

	visit_pages(&state, table->root, ROOT_LEVEL);
}

static void give_pages(struct table *table, pfn_t frame, unsigned level)
{
	uint64_t *entries = window_at_frame(&table->window, frame);

	for (uint64_t i = 0; i < TABLE_ENTRIES && level > 0; i++) {
		paddr_t page = { entries[i] & ENTRY_ADDRESS };

		if (points_to_table(entries[i], level))
			give_pages(table, paddr_to_pfn(page), level - 1);
	}
	ASSERT(table->table_pages > 0);		/* T2 */
	entries_clear(entries, TABLE_ENTRIES);
	frame_source_give(table->source, frame);
	table->table_pages--;
}

void table_destroy(struct table *table)
{
	give_pages(table, table->root, ROOT_LEVEL);
	ASSERT(table->table_pages == 0);
}
