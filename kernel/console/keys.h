/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * keys.h - a key, independent of the device that it came from.
 *
 * A keyboard and a terminal encode the same key differently; scancodes and
 * serial_keys translate both to these.
 */
#ifndef KERNEL_CONSOLE_KEYS_H
#define KERNEL_CONSOLE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

/* From ' ' to '~' a code is the character itself, Shift already applied. */
enum key_code {
	KEY_NONE = 0,
	KEY_ENTER = 0x100,
	KEY_TAB,
	KEY_BACKSPACE,
	KEY_ESCAPE,
	KEY_INSERT,
	KEY_DELETE,
	KEY_HOME,
	KEY_END,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_UP,
	KEY_DOWN,
	KEY_LEFT,
	KEY_RIGHT,
};

/* The bits of xterm's modifier parameter minus one. */
enum key_held {
	KEY_SHIFT = 1,		/* only with keys that are no character      */
	KEY_ALT = 2,
	KEY_CTRL = 4,
};

struct key {
	uint16_t code;
	uint8_t held;
};

static inline bool key_is_character(struct key key)
{
	return key.code >= ' ' && key.code <= '~' &&
	       (key.held & (KEY_ALT | KEY_CTRL)) == 0;
}

/*
 * The key that an ASCII control byte stands for, by its own name where it
 * has one, else as a small letter with Ctrl. KEY_NONE for 0 and 0x1c-0x1f.
 */
static inline struct key key_from_control(uint8_t byte)
{
	switch (byte) {
	case '\b':
	case 0x7f:
		return (struct key){ KEY_BACKSPACE, 0 };
	case '\t':
		return (struct key){ KEY_TAB, 0 };
	case '\n':
	case '\r':
		return (struct key){ KEY_ENTER, 0 };
	case 0x1b:
		return (struct key){ KEY_ESCAPE, 0 };
	}
	if (byte >= 1 && byte <= 26)
		return (struct key){ (uint16_t)('a' + byte - 1), KEY_CTRL };
	return (struct key){ KEY_NONE, 0 };
}

#endif
