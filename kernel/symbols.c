// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Twelve bytes for a name of three letters: two words for each symbol, its
 * distance from KERNEL_BASE and where its name is, and all names after them.
 * A symbol reaches to the next one or to the end of its segment; the table
 * has no sizes, so padding counts to the symbol before it.
 */
#include "symbols.h"

#include <base/bits.h>
#include <boot/layout.h>

struct symbol {
	uint32_t start;			/* from KERNEL_BASE                  */
	uint32_t name;			/* from the end of the entries       */
};

/* In .symbols, by scripts/symbols.awk: entries by address, then names. */
struct symbol_table {
	uint32_t count;
	struct symbol entries[];
};

extern const struct symbol_table symbol_table;

/* By the linker script: where the segments' contents end. */
extern const char text_end[], rodata_end[], data_end[];

struct segment {
	const char *name;
	uint64_t start, end;
};

static bool find_segment(vaddr_t address, struct segment *out)
{
	const struct {
		const char *name;
		const char *end;
	} segments[] = {
		{ "text", text_end },
		{ "rodata", rodata_end },
		{ "data", data_end },
	};
	uint64_t start = KERNEL_BASE;

	for (size_t i = 0; i < ARRAY_LENGTH(segments); i++) {
		uint64_t end = (uint64_t)segments[i].end;

		if (address.raw >= start && address.raw < end) {
			*out = (struct segment){ segments[i].name, start, end };
			return true;
		}
		start = align_up(end, SIZE_2M);
	}
	return false;
}

const char *symbols_segment(vaddr_t address)
{
	struct segment segment;

	return find_segment(address, &segment) ? segment.name : NULL;
}

bool symbols_is_text(vaddr_t address)
{
	return address.raw >= KERNEL_BASE && address.raw < (uint64_t)text_end;
}

/* How many symbols start at `offset` or before. */
static uint32_t count_up_to(uint64_t offset)
{
	uint32_t low = 0, high = symbol_table.count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (symbol_table.entries[middle].start <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum status symbol_find(vaddr_t address, const char **name, uint64_t *offset)
{
	const char *names =
		(const char *)&symbol_table.entries[symbol_table.count];
	const struct symbol *symbol;
	struct segment segment;
	uint32_t count;

	if (!find_segment(address, &segment))
		return ST_NOT_FOUND;
	count = count_up_to(address.raw - KERNEL_BASE);
	if (count == 0)
		return ST_NOT_FOUND;
	symbol = &symbol_table.entries[count - 1];
	if (KERNEL_BASE + symbol->start < segment.start)
		return ST_NOT_FOUND;
	*name = names + symbol->name;
	*offset = address.raw - KERNEL_BASE - symbol->start;
	return ST_OK;
}
