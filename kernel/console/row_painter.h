/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * row_painter.h - shows a row on a terminal, without escape sequences.
 *
 * Sends printable bytes, spaces, backspace (08), CR and, when the row is left,
 * LF. A byte typed at the end of the line is echoed, and nothing else is sent.
 */
#ifndef KERNEL_CONSOLE_ROW_PAINTER_H
#define KERNEL_CONSOLE_ROW_PAINTER_H

#include <base/text.h>

#include "line_row.h"

struct row_painter {
	struct line_display display;
	struct sink *out;
	struct line_row shown;		/* the row on the terminal           */
};

/* The terminal's cursor is in the first column of an empty row. */
void row_painter_init(struct row_painter *painter, struct sink *out,
		      size_t columns);

#endif
