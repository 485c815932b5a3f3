/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * line_editor.h - turns keys into a line, and into the row that shows it.
 *
 * The editor prints nothing. It takes a key, returns the effect, and at any
 * time draws the visible row and the position of the cursor in it. The
 * displays (row_painter for a terminal, screen_line for the screen) find the
 * cells that changed.
 */
#ifndef KERNEL_CONSOLE_LINE_EDITOR_H
#define KERNEL_CONSOLE_LINE_EDITOR_H

#include <base/text.h>

#include <stddef.h>

#include "keys.h"
#include "line_row.h"

#define LINE_EDITOR_BYTES	256	/* of a line, its NUL included       */
#define LINE_EDITOR_HISTORY	32

/*
 * The candidates for Tab: the index-th name that can follow the `bytes` bytes
 * of `before`, which are empty for the first word and else end in a space.
 * NULL when there are no more. The editor compares them with the typed text.
 */
typedef const char *line_names(const char *before, size_t bytes,
			       unsigned index);

enum line_event {
	LINE_EDITED,		/* the row may look different now            */
	LINE_DONE,		/* Enter: the text is the line               */
	LINE_CANCELLED,		/* Ctrl-C: the line is not to be run         */
	LINE_LIST,		/* Tab twice: show line_editor_list          */
	LINE_CLEAR,		/* Ctrl-L: clear the display first           */
};

/* Zero but for `names`; then line_editor_begin for each line. */
struct line_editor {
	line_names *names;			/* NULL: nothing to complete */
	const char *prompt;
	char text[LINE_EDITOR_BYTES];		/* ends in a NUL             */
	size_t length;
	size_t cursor;				/* 0 to length               */
	char history[LINE_EDITOR_HISTORY][LINE_EDITOR_BYTES];
	unsigned remembered;			/* lines so far              */
	unsigned back;				/* lines up; 0: the draft    */
	char draft[LINE_EDITOR_BYTES];		/* while `back` is not 0     */
	bool tab_before;
};

/* An empty line behind `prompt`, which must outlive it. */
void line_editor_begin(struct line_editor *editor, const char *prompt);

/*
 * Unknown keys, and characters for which there is no room, change nothing.
 * After LINE_DONE and LINE_CANCELLED: line_editor_begin.
 */
enum line_event line_editor_take(struct line_editor *editor, struct key key);

/*
 * The row in a display of `columns` columns, of which the last stays free. A
 * line that is too long is shown in part, with `<` and `>` where it continues.
 * The result depends only on text, cursor and columns.
 */
void line_editor_row(const struct line_editor *editor, size_t columns,
		     struct line_row *row);

/* The names that match the word at the cursor, in columns, lines ended. */
void line_editor_list(const struct line_editor *editor, size_t columns,
		      struct sink *out);

#endif
