/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * i8042.h - the PC's keyboard controller, polled, every wait bounded.
 *
 * All port accesses go through `struct i8042_ports`: the host tests supply
 * controllers that are absent, stuck, slow, silent or flooded.
 */
#ifndef KERNEL_CONSOLE_I8042_H
#define KERNEL_CONSOLE_I8042_H

#include <stdint.h>

#define I8042_DATA	0x60
#define I8042_STATUS	0x64	/* read  */
#define I8042_COMMAND	0x64	/* write */

struct i8042_ports {
	uint8_t (*read)(struct i8042_ports *ports, uint16_t port);
	void (*write)(struct i8042_ports *ports, uint16_t port,
		      uint8_t value);
	uint64_t (*now_us)(struct i8042_ports *ports);
};

enum i8042_found {
	I8042_NONE,		/* nothing there that behaves like one       */
	I8042_SILENT,		/* a controller; no keyboard has answered    */
	I8042_KEYBOARD,
};

/*
 * Finds the controller and initialises it: scan code set 1, no interrupts, the
 * mouse off, the keyboard on. Keys typed before are dropped. A silent keyboard
 * is worth polling: it may answer late or be plugged in later.
 * Cost:  about a second with a controller that never answers, else 2 ms.
 */
enum i8042_found i8042_start(struct i8042_ports *ports);

/*
 * The next byte from the keyboard, or -1. Never waits; drops at most a few
 * bytes of the mouse.
 */
int i8042_poll(struct i8042_ports *ports);

#endif
