// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Twelve bytes for a name of three letters: two words for each symbol, its
 * distance from KERNEL_BASE and where its name is, and all names after them.
 * A symbol reaches to the next one or to the end of its segment; the table
 * has no sizes, so padding counts to the symbol before it.
 */
#include "symbol_table.h"

/* How many symbols start at `offset` or before. */
static uint32_t count_up_to(const struct symbol_table *table, uint64_t offset)
{
	uint32_t low = 0, high = table->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (table->entries[middle].start <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum status symbol_table_find(const struct symbol_table *table,
			      const struct symbol_query *query,
			      struct symbol_answer *out)
{
	const char *names = (const char *)(table->entries + table->count);
	uint32_t count = count_up_to(table, query->offset);
	const struct symbol *symbol;

	if (count == 0)
		return ST_NOT_FOUND;
	symbol = &table->entries[count - 1];
	if (symbol->start < query->floor)
		return ST_NOT_FOUND;
	*out = (struct symbol_answer){
		.name = names + symbol->name,
		.distance = query->offset - symbol->start,
	};
	return ST_OK;
}
