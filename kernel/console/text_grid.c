// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two layers of cells: the wanted ones, and those on the screen. Writing
 * changes the wanted cells and marks the row; redrawing compares both, draws
 * the cells that differ, and makes the others equal. So ten lines written at
 * once scroll once, and scrolling costs only the cells that differ. The wanted
 * lines are a ring: scrolling moves its first line, not the text.
 *
 * The cursor is not in the wanted cells. It replaces its cell while the row is
 * drawn, so the cells on the screen have it, and the next redraw of that row
 * removes it like any other difference.
 */
#include "text_grid.h"

#include <base/assert.h>

static struct cell *line_at(const struct text_grid *grid, uint32_t row)
{
	uint32_t line = grid->top + row;

	if (line >= grid->rows)
		line -= grid->rows;
	return grid->want + (size_t)line * grid->columns;
}

static bool *goes_on_at(struct text_grid *grid, uint32_t row)
{
	uint32_t line = grid->top + row;

	return &grid->goes_on[line >= grid->rows ? line - grid->rows : line];
}

size_t grid_cells(uint32_t columns, uint32_t rows)
{
	return 2 * (size_t)columns * rows;
}

void grid_start(struct text_grid *grid, const struct grid_request *request)
{
	size_t count = (size_t)request->columns * request->rows;

	ASSERT(request->columns > 0 && request->columns <= GRID_COLUMNS_MAX);
	ASSERT(request->rows > 0 && request->rows <= GRID_ROWS_MAX);
	*grid = (struct text_grid){
		.columns = request->columns,
		.rows = request->rows,
		.blank = request->blank,
		.want = request->cells,
		.have = request->cells + count,
	};
	for (size_t i = 0; i < count; i++) {
		grid->want[i] = request->blank;
		grid->have[i] = request->shown;
	}
	for (uint32_t row = 0; row < grid->rows; row++)
		grid->changed[row] = !cell_is(request->blank, request->shown);
}

static void scroll(struct text_grid *grid)
{
	grid->top = grid->top + 1 == grid->rows ? 0 : grid->top + 1;
	for (uint32_t row = 0; row < grid->rows; row++)
		grid->changed[row] = true;
}

static void blank_row(struct text_grid *grid, uint32_t row)
{
	struct cell *line = line_at(grid, row);

	for (uint32_t i = 0; i < grid->columns; i++)
		line[i] = grid->blank;
	grid->changed[row] = true;
	*goes_on_at(grid, row) = false;
}

static void start_line(struct text_grid *grid)
{
	grid->column = 0;
	if (grid->row + 1 < grid->rows)
		grid->row++;
	else
		scroll(grid);
	blank_row(grid, grid->row);
}

/* A full line ends when the next character is put, not before. */
static void put(struct text_grid *grid, uint8_t glyph, uint8_t colour)
{
	struct cell cell = { glyph, colour };

	if (grid->column == grid->columns) {
		start_line(grid);
		*goes_on_at(grid, grid->row) = true;
	}
	/* A space looks the same in any colour: it is not drawn again. */
	if (glyph == grid->blank.glyph)
		cell = grid->blank;
	line_at(grid, grid->row)[grid->column++] = cell;
	grid->changed[grid->row] = true;
}

static void step_back(struct text_grid *grid)
{
	if (grid->column > 0) {
		grid->column--;
	} else if (grid->row > 0 && *goes_on_at(grid, grid->row)) {
		grid->row--;
		grid->column = grid->columns - 1;
	}
}

void grid_go_to(struct text_grid *grid, uint32_t column)
{
	grid->column = column < grid->columns ? column : grid->columns;
}

static void tabulate(struct text_grid *grid)
{
	grid_go_to(grid, (grid->column / GRID_TAB + 1) * GRID_TAB);
}

void grid_write(struct text_grid *grid, const struct grid_text *text)
{
	for (size_t i = 0; i < text->bytes; i++) {
		uint8_t byte = (uint8_t)text->text[i];

		switch (byte) {
		case '\n':
			start_line(grid);
			break;
		case '\r':
			grid->column = 0;
			break;
		case '\b':
			step_back(grid);
			break;
		case '\t':
			tabulate(grid);
			break;
		default:
			if (byte < ' ' || byte > '~')
				byte = text->box;
			put(grid, byte, text->colour);
			break;
		}
	}
}

bool grid_cuts_word(const struct text_grid *grid, const struct grid_word *word)
{
	size_t limit = word->bytes, length = 0;

	if (limit > grid->columns)
		limit = grid->columns;
	while (length < limit && word->text[length] > ' ')
		length++;
	return length > 0 && length > grid->columns - grid->column &&
	       length + word->indent <= grid->columns;
}

void grid_clear_row(struct text_grid *grid)
{
	bool goes_on = *goes_on_at(grid, grid->row);

	blank_row(grid, grid->row);
	*goes_on_at(grid, grid->row) = goes_on;
	grid->column = 0;
}

void grid_clear(struct text_grid *grid)
{
	for (uint32_t row = 0; row < grid->rows; row++)
		blank_row(grid, row);
	grid->row = 0;
	grid->column = 0;
}

void grid_set_cursor(struct text_grid *grid, struct cell cursor)
{
	grid->cursor = cursor;
}

static uint32_t cursor_column(const struct text_grid *grid)
{
	return grid->column < grid->columns ? grid->column : grid->column - 1;
}

static void redraw_row(struct text_grid *grid, struct grid_painter *painter,
		       uint32_t row)
{
	painter->draw(painter, &(struct cell_row){
		.row = row,
		.columns = grid->columns,
		.want = line_at(grid, row),
		.have = grid->have + (size_t)row * grid->columns,
	});
	grid->changed[row] = false;
}

/* Draws the row with the cursor in place of its character. */
static void redraw_cursor_row(struct text_grid *grid,
			      struct grid_painter *painter)
{
	struct cell *covered = line_at(grid, grid->row) + cursor_column(grid);
	struct cell saved = *covered;

	if (grid->cursor.glyph != 0) {
		covered->colour = grid->cursor.colour;
		if (covered->glyph == grid->blank.glyph)
			covered->glyph = grid->cursor.glyph;
	}
	redraw_row(grid, painter, grid->row);
	*covered = saved;
}

void grid_redraw(struct text_grid *grid, struct grid_painter *painter)
{
	/* The cursor leaves its old row and enters its new one. */
	grid->changed[grid->cursor_row] = true;
	grid->changed[grid->row] = false;
	for (uint32_t row = 0; row < grid->rows; row++)
		if (grid->changed[row])
			redraw_row(grid, painter, row);
	redraw_cursor_row(grid, painter);
	grid->cursor_row = grid->row;
}

const struct cell *grid_row(const struct text_grid *grid, uint32_t row)
{
	return line_at(grid, row);
}

static bool row_is_seen(const struct text_grid *grid, uint32_t row)
{
	const struct cell *line = line_at(grid, row);
	const struct cell *have = grid->have +
				       (size_t)row * grid->columns;
	uint32_t differences = 0;

	for (uint32_t i = 0; i < grid->columns; i++)
		differences += !cell_is(line[i], have[i]);
	return differences <= (row == grid->cursor_row);
}

bool grid_audit(const struct text_grid *grid)
{
	if (grid->row >= grid->rows || grid->column > grid->columns ||
	    grid->top >= grid->rows)
		return false;
	for (uint32_t row = 0; row < grid->rows; row++)
		if (!grid->changed[row] && !row_is_seen(grid, row))
			return false;
	return true;
}
