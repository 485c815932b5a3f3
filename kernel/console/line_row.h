/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* line_row.h - one row of text with a cursor, and the displays that show it. */
#ifndef KERNEL_CONSOLE_LINE_ROW_H
#define KERNEL_CONSOLE_LINE_ROW_H

#include <stddef.h>

/* Displays with more columns use this many of them. */
#define LINE_ROW_COLUMNS_MAX	256
/* Displays with fewer are treated as if they had these. */
#define LINE_ROW_COLUMNS_MIN	20

/* Printable ASCII, no NUL at the end. */
struct line_row {
	char text[LINE_ROW_COLUMNS_MAX];
	size_t length;
	size_t cursor;		/* a column, 0 to length                     */
};

/* A display of the edited row: a terminal, the screen. */
struct line_display {
	size_t columns;
	/* Makes the current row look like `row`, from its first column on. */
	void (*show)(struct line_display *display, const struct line_row *row);
	/* Ends the row: later text begins below it. */
	void (*leave)(struct line_display *display);
	/* Clears the display; NULL: this display cannot. */
	void (*clear)(struct line_display *display);
};

#endif
