/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * screen.h - the text console on the framebuffer, or none.
 *
 * Every function may be called at any time; without a screen they do
 * nothing. Nothing here waits, takes a lock or, after screen_start, needs
 * memory. One CPU draws at a time: the caller sees to it.
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
 * clears it and shows an empty console. Needs boot_memory_init to have run, and
 * says in one log line what there is, or why there is nothing.
 * Fails: ST_NOT_FOUND (the firmware stated none), ST_UNSUPPORTED (what it
 *        stated cannot be drawn on or must not be), ST_NO_MEMORY, ST_FULL.
 */
enum status screen_start(const struct handover_framebuffer *stated);
bool screen_is_on(void);

/*
 * Text with \n \r \b \t; what is no ASCII becomes a box. The cursor is seen
 * where a line is not finished. It is drawn when this returns; many lines
 * in one call scroll once.
 */
void screen_write(const char *text, size_t bytes);
struct sink *screen_sink(void);

/* Where a line is shown while it is typed; NULL without a screen. */
struct line_display *screen_line_display(void);

/* The line at the top; the first word of `left` is shown as a name. */
void screen_set_header(const char *left, const char *right);

/*
 * A page of its own that ends everything: later screen_write calls draw
 * nothing. `report` prints the lines between the two; time stamps and
 * levels are taken off them. From any state of the kernel.
 */
struct screen_panic {
	const char *cause;		/* the first line                    */
	const char *todo;		/* the last line                     */
	void (*report)(struct sink *to); /* may be NULL                      */
};
void screen_panic_page(const struct screen_panic *panic);

#endif
