/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * text_grid.h - lines of coloured characters, and the visible rows.
 *
 * Takes: bytes of text, each in a colour.
 * Gives: the rows that must be redrawn, each with the wanted cells and those
 *        on the screen.
 *
 * Invariants: (G1) the cursor is in a row of the grid, its column at most
 *             one beyond the last; (G2) a row that is not marked as changed is
 *             on the screen as wanted, apart from the cursor.
 */
#ifndef KERNEL_CONSOLE_TEXT_GRID_H
#define KERNEL_CONSOLE_TEXT_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cell.h"

#define GRID_ROWS_MAX	256
#define GRID_COLUMNS_MAX 512
#define GRID_TAB	8

/* Draws the cells of a row that differ, and makes `have` equal. */
struct grid_painter {
	void (*draw)(struct grid_painter *painter,
		     const struct cell_row *row);
};

struct text_grid {
	uint32_t columns, rows;
	uint32_t row, column;		/* of the cursor                     */
	struct cell blank;
	struct cell cursor;		/* glyph 0: there is none            */
	struct cell *want;		/* lines, of which `top` is row 0    */
	struct cell *have;		/* rows                              */
	uint32_t top;
	uint32_t cursor_row;		/* its row on the screen             */
	bool changed[GRID_ROWS_MAX];	/* by row                            */
	bool goes_on[GRID_ROWS_MAX];	/* by line: continues the last one   */
};

/* Cells that a grid of this size needs. */
size_t grid_cells(uint32_t columns, uint32_t rows);

/*
 * Makes an empty grid with the cursor at its start; `shown` is the current
 * content of every cell. Columns and rows are at least 1 and at most
 * GRID_COLUMNS_MAX and GRID_ROWS_MAX.
 */
struct grid_request {
	uint32_t columns, rows;
	struct cell *cells;		/* grid_cells(columns, rows)         */
	struct cell blank, shown;
};
void grid_start(struct text_grid *grid, const struct grid_request *request);

/*
 * \n starts a line, scrolling when there is none left; \r and \t move the
 * cursor; \b moves it back, from the start of a continued line to the end of
 * the one before. A character beyond the last column starts a line by itself.
 * Other control bytes and bytes from 128 on become `box`.
 */
struct grid_text {
	const char *text;
	size_t bytes;
	uint8_t colour;
	uint8_t box;			/* the glyph                         */
};
void grid_write(struct text_grid *grid, const struct grid_text *text);

/*
 * True when the word at the start of `text` does not fit in the rest of the
 * cursor's row, but fits in a new row after `indent` blanks.
 */
struct grid_word {
	const char *text;
	size_t bytes;			/* length of `text`                  */
	uint32_t indent;
};
bool grid_cuts_word(const struct text_grid *grid,
		    const struct grid_word *word);

/* Moves the cursor within its row, at most to the last column. */
void grid_go_to(struct text_grid *grid, uint32_t column);

/* Blanks the row of the cursor, or everything; the cursor goes to its start. */
void grid_clear_row(struct text_grid *grid);
void grid_clear(struct text_grid *grid);

/* From now on the cursor is drawn as this cell; glyph 0 hides it. */
void grid_set_cursor(struct text_grid *grid, struct cell cursor);

/* Draws what has changed; afterwards the screen is as wanted. */
void grid_redraw(struct text_grid *grid, struct grid_painter *painter);

/* The wanted content of a row: `columns` cells. */
const struct cell *grid_row(const struct text_grid *grid, uint32_t row);

bool grid_audit(const struct text_grid *grid);	/* G1, G2 */

#endif
