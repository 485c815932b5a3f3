/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* cell.h - one character position of a console, and how it is drawn. */
#ifndef KERNEL_CONSOLE_CELL_H
#define KERNEL_CONSOLE_CELL_H

#include <stdbool.h>
#include <stdint.h>

struct cell {
	uint8_t glyph;
	uint8_t colour;
};

/* The cell as one number: a scrolling screen compares all its cells. */
static inline uint16_t cell_number(struct cell cell)
{
	return (uint16_t)(cell.colour << 8 | cell.glyph);
}

static inline bool cell_is(struct cell a, struct cell b)
{
	return cell_number(a) == cell_number(b);
}

/* Four cells as one number: most cells in a row are blank. */
static inline uint64_t four_cells(const struct cell *cells)
{
	uint64_t number;

	__builtin_memcpy(&number, cells, sizeof(number));
	return number;
}

/*
 * A row of cells: the wanted ones, and those on the screen. The function that
 * draws the row makes both equal and may skip cells that are equal already.
 */
struct cell_row {
	uint32_t row, columns;
	const struct cell *want;
	struct cell *have;
};

#endif
