/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* input.h - keys and lines from the serial line and the keyboard. */
#ifndef KERNEL_CONSOLE_INPUT_H
#define KERNEL_CONSOLE_INPUT_H

#include <base/text.h>

#include <stdbool.h>

#include "keys.h"
#include "line_editor.h"

/*
 * Probes for a keyboard and logs the result: input: found serial=yes|no
 * keyboard=ps2|silent|none
 * After serial_start. Cost: about a second at worst; see i8042_start.
 */
void input_start(void);

/* True when there is an input device; a silent keyboard counts. */
bool input_is_possible(void);

/* The next key, KEY_NONE when there is none yet. Never waits. */
struct key input_poll_key(void);
/* Waits for the next key. */
struct key input_read_key(void);

/*
 * True when Ctrl-C was pressed; for commands that take long. Input before it
 * is dropped; other input is kept for the next line. Never waits.
 */
bool input_take_cancel(void);

struct input_line_request {
	const char *prompt;
	line_names *names;		/* for Tab; NULL: nothing            */
	struct sink *out;		/* console: lists of names go there  */
	struct line_display *screen;	/* NULL: there is none               */
};

/*
 * One edited line, without its end; empty after Ctrl-C. Good until the next
 * call. The row is shown on the serial line and on the screen.
 */
const char *input_read_line(const struct input_line_request *request);

#endif
