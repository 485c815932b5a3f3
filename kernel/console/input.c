// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Serial line and keyboard are polled. The UART holds 16 bytes, which arrive
 * in 1.4 ms; to paint a long row takes longer. So each write to the serial
 * line also reads the bytes that have arrived, and a pasted line is complete.
 * A row is painted when no further key is waiting.
 */
#include "input.h"

#include <base/bits.h>

#include <kernel/arch/clock.h>
#include <kernel/arch/lapic.h>
#include <kernel/log/log.h>
#include <kernel/log/log_console.h>
#include <kernel/log/serial.h>
#include <kernel/sync/pending.h>

#include "keyboard.h"
#include "row_painter.h"
#include "serial_keys.h"

#define NAP_US	500
#define AHEAD_BYTES	256	/* a power of two                            */
#define KEYS_HELD	16	/* from the keyboard, during a command       */
#define CTRL_C		3
/* The width of a terminal is unknown; all have at least this. */
#define SERIAL_COLUMNS	80

static struct {
	enum i8042_found keyboard;
	struct serial_keys serial;
	uint64_t heard_us;		/* when the last serial byte came    */
	bool quiet;			/* and no byte since, for long       */
	uint8_t ahead[AHEAD_BYTES];	/* bytes that came and wait          */
	unsigned come, taken;		/* counts of those bytes             */
	struct key kept[KEYS_HELD];	/* from the keyboard, likewise       */
	unsigned keys_come, keys_taken;
	struct line_editor editor;
	struct row_painter painter;
} input;

static void serial_listen(void)
{
	while (input.come - input.taken < AHEAD_BYTES) {
		int byte = serial_read();

		if (byte < 0)
			break;
		input.ahead[input.come++ % AHEAD_BYTES] = (uint8_t)byte;
	}
}

static void serial_put(struct sink *sink, const char *text, size_t bytes)
{
	(void)sink;
	for (size_t i = 0; i < bytes; i++) {
		serial_write(&text[i], 1);
		serial_listen();
	}
}

static struct sink serial_sink = { .put = serial_put };

static const char *keyboard_word(enum i8042_found found)
{
	switch (found) {
	case I8042_KEYBOARD:
		return "ps2";
	case I8042_SILENT:
		return "silent";
	case I8042_NONE:
		break;
	}
	return "none";
}

void input_start(void)
{
	row_painter_init(&input.painter, &serial_sink, SERIAL_COLUMNS);
	input.keyboard = keyboard_start();
	log_line(LOG_INFO, "input: found serial=%s keyboard=%s",
		 serial_is_open() ? "yes" : "no",
		 keyboard_word(input.keyboard));
}

bool input_is_possible(void)
{
	return serial_is_open() || input.keyboard != I8042_NONE;
}

static struct key poll_serial(void)
{
	serial_listen();
	if (input.taken != input.come) {
		uint8_t byte = input.ahead[input.taken++ % AHEAD_BYTES];

		input.heard_us = clock_microseconds();
		input.quiet = false;
		return serial_keys_take(&input.serial, byte);
	}
	if (!input.quiet &&
	    clock_microseconds() - input.heard_us > SERIAL_KEYS_QUIET_US) {
		input.quiet = true;
		return serial_keys_quiet(&input.serial);
	}
	return (struct key){ KEY_NONE, 0 };
}

struct key input_poll_key(void)
{
	struct key key = poll_serial();

	if (key.code != KEY_NONE)
		return key;
	if (input.keys_taken != input.keys_come)
		return input.kept[input.keys_taken++ % KEYS_HELD];
	return keyboard_poll();
}

/* --- Ctrl-C during a command --------------------------------------------- */

/* Reads a bounded number of bytes: a broken port has always one more. */
static bool serial_cancels(void)
{
	serial_listen();
	for (unsigned at = input.taken; at != input.come; at++) {
		if (input.ahead[at % AHEAD_BYTES] != CTRL_C)
			continue;
		input.taken = at + 1;
		return true;
	}
	if (input.come - input.taken < AHEAD_BYTES)
		return false;
	/* No room: the UART would lose these, too. */
	for (unsigned i = 0; i < AHEAD_BYTES; i++) {
		int byte = serial_read();

		if (byte < 0)
			break;
		if (byte != CTRL_C)
			continue;
		input.taken = input.come;
		return true;
	}
	return false;
}

static bool keyboard_cancels(void)
{
	for (unsigned i = 0; i < KEYS_HELD; i++) {
		struct key key = keyboard_poll();

		if (key.code == KEY_NONE)
			break;
		if (key.code == 'c' && key.held == KEY_CTRL) {
			input.keys_taken = input.keys_come;
			return true;
		}
		if (input.keys_come - input.keys_taken < KEYS_HELD)
			input.kept[input.keys_come++ % KEYS_HELD] = key;
	}
	return false;
}

bool input_take_cancel(void)
{
	return serial_cancels() || keyboard_cancels();
}

struct key input_read_key(void)
{
	for (;;) {
		struct key key = input_poll_key();

		if (key.code != KEY_NONE)
			return key;
		pending_poll();
		/* Shorter than the time in which a UART's 16 bytes fill up. */
		lapic_nap(NAP_US);
	}
}

/* --- a line -------------------------------------------------------------- */

/* Both displays of a line; the second may be missing. */
struct displays {
	struct line_display *each[2];
};

static void show(const struct displays *displays)
{
	log_console_claim();
	for (unsigned i = 0; i < 2 && displays->each[i] != NULL; i++) {
		struct line_display *display = displays->each[i];
		struct line_row row;

		line_editor_row(&input.editor, display->columns, &row);
		display->show(display, &row);
	}
	log_console_release();
}

static void leave(const struct displays *displays)
{
	log_console_claim();
	for (unsigned i = 0; i < 2 && displays->each[i] != NULL; i++)
		displays->each[i]->leave(displays->each[i]);
	log_console_release();
}

static size_t narrowest(const struct displays *displays)
{
	size_t columns = SERIAL_COLUMNS;

	if (displays->each[1] != NULL)
		columns = min_u64(columns, displays->each[1]->columns);
	return columns;
}

static void clear(const struct displays *displays)
{
	log_console_claim();
	for (unsigned i = 0; i < 2 && displays->each[i] != NULL; i++) {
		struct line_display *display = displays->each[i];

		if (display->clear != NULL)
			display->clear(display);
		else
			display->leave(display);
	}
	log_console_release();
}

/* The effect of a key, other than repainting the row. */
static void answer(const struct displays *displays, enum line_event event,
		   struct sink *out)
{
	switch (event) {
	case LINE_EDITED:
		return;
	case LINE_CLEAR:
		clear(displays);
		return;
	case LINE_LIST:
	case LINE_DONE:
	case LINE_CANCELLED:
		break;
	}
	show(displays);
	leave(displays);
	if (event == LINE_LIST)
		line_editor_list(&input.editor, narrowest(displays), out);
}

const char *input_read_line(const struct input_line_request *request)
{
	struct displays displays = {
		{ &input.painter.display, request->screen },
	};
	enum line_event event = LINE_EDITED;

	input.editor.names = request->names;
	line_editor_begin(&input.editor, request->prompt);
	show(&displays);
	while (event != LINE_DONE && event != LINE_CANCELLED) {
		struct key key = input_poll_key();

		if (key.code == KEY_NONE) {
			show(&displays);
			key = input_read_key();
		}
		event = line_editor_take(&input.editor, key);
		answer(&displays, event, request->out);
	}
	return event == LINE_DONE ? input.editor.text : "";
}
