/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* input.h - what people type, on the serial line and on the keyboard. */
#ifndef KERNEL_CONSOLE_INPUT_H
#define KERNEL_CONSOLE_INPUT_H

#include <base/text.h>

#include <stdbool.h>

#include "keys.h"
#include "line_editor.h"

/*
 * Looks for a keyboard and logs what there is:
 *	input: found serial=yes|no keyboard=ps2|silent|none
 * After serial_start. Cost: about a second at worst; see i8042_start.
 */
void input_start(void);

/* True when there is a way in at all, a silent keyboard included. */
bool input_is_possible(void);

/* The next key, KEY_NONE when there is none yet. Never waits. */
struct key input_poll_key(void);
/* The next key. Waits for ever. */
struct key input_read_key(void);

/*
 * Whether Ctrl-C was pressed; for commands that take long. Input before it is
 * dropped, as the line would be; other input is kept for the next line. Never
 * waits.
 */
bool input_take_cancel(void);

struct input_line_request {
	const char *prompt;
	line_names *names;		/* for Tab; NULL: none               */
	struct sink *out;		/* console: lists of names go there  */
	struct line_display *screen;	/* NULL: there is none               */
};

/*
 * One edited line, without its end; empty after Ctrl-C. Good until the next
 * call. The row is shown on the serial line and on the screen.
 */
const char *input_read_line(const struct input_line_request *request);

#endif
