/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* keyboard.h - the PS/2 keyboard, or one that the firmware emulates. */
#ifndef KERNEL_CONSOLE_KEYBOARD_H
#define KERNEL_CONSOLE_KEYBOARD_H

#include "i8042.h"
#include "keys.h"

/* Cost: about a second at worst; see i8042_start. */
enum i8042_found keyboard_start(void);

/* The next key, or KEY_NONE. Never waits; reads a few bytes at most. */
struct key keyboard_poll(void);

#endif
