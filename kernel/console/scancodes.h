/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* scancodes.h - bytes of scan code set 1 become keys, US layout. */
#ifndef KERNEL_CONSOLE_SCANCODES_H
#define KERNEL_CONSOLE_SCANCODES_H

#include "keys.h"

/* All zero: no key held, Caps Lock off, digits on the keypad. */
struct scancodes {
	uint8_t prefix;		/* the last byte was E0                      */
	uint8_t skip;		/* bytes left of a sequence after E1         */
	uint16_t down;		/* modifiers and locks that are held         */
	bool capitals;		/* Caps Lock                                 */
	bool arrows;		/* Num Lock, pressed: the keypad moves       */
};

/*
 * One byte from the keyboard; the key that it completes, or KEY_NONE.
 * Unknown codes are KEY_NONE, answers to commands (FA, FE, EE) too.
 */
struct key scancodes_take(struct scancodes *codes, uint8_t byte);

#endif
