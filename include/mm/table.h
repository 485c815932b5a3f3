/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * table.h - four-level x86-64 page tables, one range at a time.
 *
 * Invariants: (T1) no reachable table page is empty but the root;
 *             (T2) table_pages is the number of reachable table pages,
 *                  root included, and each is reached once;
 *             (T3) no entry has a bit set that is reserved here or that has no
 *                  meaning in mm/table; an absent one is zero;
 *             (T4) bits 52..61 of an entry that points to a table hold
 *                  the number of present entries in that table;
 *             (T5) A and D are preset in kernel leaves (no user bit);
 *             (T6) an entry that points to a table forbids nothing that a
 *                  leaf below it allows: rights are the leaf's.
 * Table pages that go back to the source are all zero.
 * Locks: the caller's; one change at a time. CPUs may translate meanwhile.
 * Source: Intel SDM vol. 3A chapter 4.
 */
#ifndef MM_TABLE_H
#define MM_TABLE_H

#include <base/address.h>
#include <base/status.h>
#include <mm/source.h>
#include <mm/window.h>

enum table_rights {
	TABLE_READ = 0,		/* what is mapped can be read                */
	TABLE_WRITE = 1,
	TABLE_EXECUTE = 2,
	TABLE_USER = 4,
	TABLE_GLOBAL = 8,
};

/* The numbers are PAT entries: 0..3 as at power-on, 4 is set to WC by us. */
enum table_cache {
	CACHE_WRITE_BACK = 0,
	CACHE_WRITE_THROUGH = 1,
	CACHE_UNCACHED_MINUS = 2,
	CACHE_UNCACHED = 3,
	CACHE_WRITE_COMBINING = 4,
};

/* The features of this processor's tables. */
struct table_features {
	bool no_execute;	/* without it, TABLE_EXECUTE is ignored      */
	bool page_1g;
	unsigned physical_bits;	/* 0 = 52                                    */

	/*
	 * False when this frame cannot be one of our tables. table_adopt and
	 * table_audit call it before they read a page; NULL = any frame can.
	 */
	bool (*may_be_table)(const void *context, pfn_t frame);
	const void *context;
};

struct table {
	struct window window;
	struct frame_source *source;
	struct table_features features;
	pfn_t root;
	uint64_t table_pages;
};

struct table_mapping {
	vaddr_t virt;
	paddr_t phys;
	uint64_t bytes;
	unsigned rights;		/* enum table_rights, or'ed          */
	enum table_cache cache;
	uint64_t largest_leaf;		/* PAGE_SIZE, SIZE_2M or SIZE_1G;
					   0 = PAGE_SIZE                     */
};

struct table_leaf {
	vaddr_t virt;			/* of the leaf's first byte          */
	paddr_t phys;
	uint64_t bytes;			/* PAGE_SIZE, SIZE_2M or SIZE_1G     */
	unsigned rights;		/* granted by all levels together    */
	enum table_cache cache;
};

/* Adjacent leaves in one table page that differ only in their addresses. */
struct table_row {
	struct table_leaf first;
	uint64_t leaves;
};

/* An empty table. Fails: ST_NO_MEMORY; ST_BAD_ARGUMENT (physical_bits). */
enum status table_init(struct table *table, struct window window,
		       struct frame_source *source,
		       const struct table_features *features);

/*
 * Adopts the tables under `root`, counts them and checks T1..T5. A right that
 * an upper entry forbids (writing, executing, users) is removed from the
 * leaves below it (T6), so the rights of each page stay the same. Any bytes
 * may be in the pages: only frames that features->may_be_table accepts are
 * read, each once. A mark in each page is set and cleared.
 * Fails: ST_CORRUPT, with the pages unchanged; ST_BAD_ARGUMENT.
 */
enum status table_adopt(struct table *table, struct window window,
			struct frame_source *source,
			const struct table_features *features, pfn_t root);

/*
 * Maps [virt..virt + bytes) to [phys..), in the largest leaves that fit the
 * alignment, the request and the processor.
 * Fails: ST_BAD_RANGE (empty, unaligned, not canonical, wrapping, beyond the
 *        physical bits), ST_BAD_ARGUMENT (a right or cache that does not
 *        exist), ST_CONFLICT (any part of it is mapped already), ST_NO_MEMORY;
 *        nothing is changed then and no page is kept.
 */
enum status table_map(struct table *table, const struct table_mapping *want);

/*
 * Sets the rights of a range, of which every page must be mapped. Large leaves
 * that the range cuts are split first. The translations are flushed at the
 * end; leaves that have the rights already are not split or flushed. An
 * executable large leaf is absent for a moment while it is split: this code,
 * these tables and the stack must not be in it.
 * Fails: ST_BAD_RANGE, ST_BAD_ARGUMENT, ST_NOT_FOUND, ST_NO_MEMORY;
 *        nothing has changed then.
 */
enum status table_protect(struct table *table, vaddr_t virt, uint64_t bytes,
			  unsigned rights);
enum status table_unmap(struct table *table, vaddr_t virt, uint64_t bytes);

/* Fails: ST_NOT_FOUND when nothing is mapped at `virt`. */
enum status table_query(const struct table *table, vaddr_t virt,
			struct table_leaf *out);

/* Every leaf in ascending order, until `visit` returns false. */
void table_visit(const struct table *table,
		 bool (*visit)(void *context, const struct table_leaf *leaf),
		 void *context);

/* The same in rows as long as possible: fast for large memory. */
void table_visit_rows(const struct table *table,
		      bool (*visit)(void *context,
				    const struct table_row *row),
		      void *context);

/*
 * The same, and each table page before the rows in it, in one walk. Stops when
 * either returns false.
 */
void table_visit_rows_and_pages(
	const struct table *table,
	bool (*visit)(void *context, const struct table_row *row),
	bool (*page)(void *context, pfn_t frame), void *context);

/* Every table page, root first, until `visit` returns false. */
void table_visit_pages(const struct table *table,
		       bool (*visit)(void *context, pfn_t frame),
		       void *context);

/* Frees every table page, the root too. No CPU may be using it. */
void table_destroy(struct table *table);

bool table_audit(const struct table *table);	/* T1..T6 */

#endif
