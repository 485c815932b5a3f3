// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The line being typed, in the row of the screen that the console has reached.
 * All of it is written again; the grid finds the cells that changed.
 */
#include "screen.h"

#include <base/bits.h>

#include "screen_internal.h"

static void show(struct line_display *display, const struct line_row *row)
{
	(void)display;
	if (screen.stopped)
		return;
	grid_clear_row(&screen.text.grid);
	screen.highlight = (struct highlight){ .part = 0 };
	screen_put(row->text, row->length);
	grid_go_to(&screen.text.grid, (uint32_t)row->cursor);
	screen_show();
}

static void leave(struct line_display *display)
{
	(void)display;
	screen_write("\n", 1);
}

static void clear(struct line_display *display)
{
	(void)display;
	if (screen.stopped)
		return;
	grid_clear(&screen.text.grid);
	screen_show();
}

struct line_display *screen_line_display(void)
{
	static struct line_display display = {
		.show = show,
		.leave = leave,
		.clear = clear,
	};

	if (!screen.on)
		return NULL;
	display.columns = min_u64(screen.plan.columns, LINE_ROW_COLUMNS_MAX);
	return &display;
}
