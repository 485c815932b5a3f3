/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * symbol_table.h - names by address, as scripts/symbols.awk writes them.
 *
 * Invariants: entries ascend strictly; a name ends in a NUL.
 */
#ifndef KERNEL_LIB_SYMBOL_TABLE_H
#define KERNEL_LIB_SYMBOL_TABLE_H

#include <stdint.h>

#include <base/status.h>

struct symbol {
	uint32_t start;			/* from KERNEL_BASE                  */
	uint32_t name;			/* from the end of the entries       */
};

/* The names follow the entries. */
struct symbol_table {
	uint32_t count;
	struct symbol entries[];
};

/*
 * The last symbol that starts in [floor..offset]; `floor` is the start of the
 * segment that holds `offset`.
 * Fails: ST_NOT_FOUND.
 * Cost:  O(log symbols).
 */
struct symbol_query {
	uint64_t offset, floor;		/* from KERNEL_BASE                  */
};
struct symbol_answer {
	const char *name;
	uint64_t distance;		/* from the symbol's start           */
};
enum status symbol_table_find(const struct symbol_table *table,
			      const struct symbol_query *query,
			      struct symbol_answer *out);

#endif
