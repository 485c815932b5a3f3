/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* serial_keys.h - bytes from a terminal become keys: VT100 to xterm. */
#ifndef KERNEL_CONSOLE_SERIAL_KEYS_H
#define KERNEL_CONSOLE_SERIAL_KEYS_H

#include "keys.h"

enum serial_keys_state {
	SERIAL_PLAIN,
	SERIAL_ESCAPE,		/* after ESC                                 */
	SERIAL_SHIFT,		/* after ESC O                               */
	SERIAL_CONTROL,		/* after ESC [                               */
	SERIAL_FUNCTION,	/* after ESC [ [, the Linux console's F keys */
};

/* All zero: no byte yet. */
struct serial_keys {
	enum serial_keys_state state;
	unsigned bytes;		/* of the sequence, after its start          */
	unsigned number[2];
	unsigned numbers;	/* semicolons seen                           */
	bool unknown;		/* well formed, but no key of ours           */
	bool after_return;	/* a LF now belongs to the CR before it      */
};

/* One byte from the line; the key that it completes, or KEY_NONE. */
struct key serial_keys_take(struct serial_keys *keys, uint8_t byte);

/*
 * Call when no byte came for SERIAL_KEYS_QUIET_US. A lone ESC was the Esc key;
 * any other unfinished sequence was noise.
 */
struct key serial_keys_quiet(struct serial_keys *keys);

/*
 * At 300 baud a byte takes 33 ms; two typed keys are further apart than this.
 */
#define SERIAL_KEYS_QUIET_US 100000

#endif
