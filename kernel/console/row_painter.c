// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The painter remembers the row that the terminal shows, so a new row costs
 * only the columns between the first and the last difference. The cursor moves
 * left by backspaces, or by CR and rewriting the columns up to it, whichever
 * is shorter; it moves right by rewriting columns. The last column is never
 * written (line_editor_row leaves it free), because terminals do not agree on
 * the position of the cursor after it.
 */
#include "row_painter.h"

#include <base/bits.h>

#define BACKSPACE	"\b"
#define RETURN		"\r"

static struct row_painter *painter_of(struct line_display *display)
{
	return (struct row_painter *)display;
}

/* A row is blank beyond its end. */
static char column_of(const struct line_row *row, size_t column)
{
	return column < row->length ? row->text[column] : ' ';
}

static void put(struct row_painter *painter, const char *text, size_t bytes)
{
	if (bytes > 0)
		painter->out->put(painter->out, text, bytes);
}

/* Writes the columns of `row` from the cursor to `column`, and ends there. */
static void write_to(struct row_painter *painter, const struct line_row *row,
		     size_t column)
{
	size_t from = painter->shown.cursor;
	size_t text_end = min_u64(column, max_u64(row->length, from));

	put(painter, row->text + from, text_end - from);
	for (size_t i = text_end; i < column; i++)
		put(painter, " ", 1);
	painter->shown.cursor = column;
}

static void go_to(struct row_painter *painter, const struct line_row *row,
		  size_t column)
{
	size_t from = painter->shown.cursor;

	if (column < from && from - column > column + 1) {
		put(painter, RETURN, 1);
		painter->shown.cursor = 0;
	}
	while (painter->shown.cursor > column) {
		put(painter, BACKSPACE, 1);
		painter->shown.cursor--;
	}
	write_to(painter, row, column);
}

static void show(struct line_display *display, const struct line_row *row)
{
	struct row_painter *painter = painter_of(display);
	const struct line_row *shown = &painter->shown;
	size_t first = 0, end = max_u64(shown->length, row->length);

	while (first < end && column_of(shown, first) == column_of(row, first))
		first++;
	while (end > first &&
	       column_of(shown, end - 1) == column_of(row, end - 1))
		end--;
	if (first < end) {
		go_to(painter, shown, first);
		write_to(painter, row, end);
	}
	go_to(painter, row, row->cursor);
	painter->shown = *row;
}

static void leave(struct line_display *display)
{
	struct row_painter *painter = painter_of(display);

	put(painter, "\n", 1);
	painter->shown.length = 0;
	painter->shown.cursor = 0;
}

void row_painter_init(struct row_painter *painter, struct sink *out,
		      size_t columns)
{
	*painter = (struct row_painter){
		.display = {
			.columns = columns,
			.show = show,
			.leave = leave,
		},
		.out = out,
	};
}
