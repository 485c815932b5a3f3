/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * row_painter.h - a row on a terminal, without escape sequences.
 *
 * Sends printable bytes, spaces, backspace (08), CR and, when the row is
 * left, LF. Somebody who types at the end of the line is sent back what was
 * typed and not a byte more.
 */
#ifndef KERNEL_CONSOLE_ROW_PAINTER_H
#define KERNEL_CONSOLE_ROW_PAINTER_H

#include <base/text.h>

#include "line_row.h"

struct row_painter {
	struct line_display display;
	struct sink *out;
	struct line_row shown;		/* what the terminal has             */
};

/* The terminal's cursor is in the first column of an empty row. */
void row_painter_init(struct row_painter *painter, struct sink *out,
		      size_t columns);

#endif
