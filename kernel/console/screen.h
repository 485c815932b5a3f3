/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * screen.h - the text console on the framebuffer, or none.
 *
 * Every function may be called at any time; without a screen it does nothing.
 * No function waits or takes a lock, and only screen_start allocates. The
 * caller ensures that one CPU draws at a time.
 */
#ifndef KERNEL_CONSOLE_SCREEN_H
#define KERNEL_CONSOLE_SCREEN_H

#include <base/status.h>
#include <base/text.h>
#include <boot/handover.h>

#include <stdbool.h>
#include <stddef.h>

#include "line_row.h"

/*
 * Maps the framebuffer at its slot, write-combining where the processor can,
 * clears it and shows an empty console. After boot_memory_init. Logs one line:
 * the mode, or the reason why there is no screen.
 * Fails: ST_NOT_FOUND (the firmware stated none), ST_UNSUPPORTED (it cannot or
 *        must not be drawn on), ST_NO_MEMORY, ST_FULL.
 */
enum status screen_start(const struct handover_framebuffer *stated);
bool screen_is_on(void);

/*
 * Text with \n \r \b \t; bytes that are no ASCII become a box. The cursor is
 * shown in a line that is not finished. All is drawn when this returns; many
 * lines in one call scroll once.
 */
void screen_write(const char *text, size_t bytes);
struct sink *screen_sink(void);

/* The display of the line being typed; NULL without a screen. */
struct line_display *screen_line_display(void);

/* The line at the top; the first word of `left` is shown as a name. */
void screen_set_header(const char *left, const char *right);

/*
 * Shows the panic page; later calls of screen_write draw nothing. `report`
 * prints the lines between cause and todo; their time stamps and levels are
 * removed. From any state of the kernel.
 */
struct screen_panic {
	const char *cause;		/* the first line                    */
	const char *todo;		/* the last line                     */
	void (*report)(struct sink *to); /* may be NULL                      */
};
void screen_panic_page(const struct screen_panic *panic);

#endif
