// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Each symbol has two 32-bit words, its distance from KERNEL_BASE and the
 * offset of its name; all names follow. So a name of three letters costs
 * twelve bytes. The table has no sizes: a symbol ends where the next one or
 * the segment does, so padding belongs to the symbol before it.
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
