// SPDX-License-Identifier: MIT OR Apache-2.0
#include "symbols.h"

#include <base/bits.h>
#include <boot/layout.h>

#include "symbol_table.h"

/* Section .symbols, written by scripts/symbols.awk. */
extern const struct symbol_table symbol_table;

/* Set by the linker script: the ends of the segments' contents. */
extern const char text_end[], rodata_end[], data_end[];

struct segment {
	const char *name;
	uint64_t start, end;
};

/* Each segment begins at the next multiple of 2 MiB after the last one. */
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

enum status symbol_find(vaddr_t address, const char **name, uint64_t *offset)
{
	struct symbol_answer answer;
	struct segment segment;
	enum status status;

	if (!find_segment(address, &segment))
		return ST_NOT_FOUND;
	status = symbol_table_find(&symbol_table, &(struct symbol_query){
		.offset = address.raw - KERNEL_BASE,
		.floor = segment.start - KERNEL_BASE,
	}, &answer);
	if (status != ST_OK)
		return status;
	*name = answer.name;
	*offset = answer.distance;
	return ST_OK;
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
