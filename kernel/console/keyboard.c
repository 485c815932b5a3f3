// SPDX-License-Identifier: MIT OR Apache-2.0
#include "keyboard.h"

#include <arch/instructions.h>

#include <kernel/arch/clock.h>

#include "scancodes.h"

/* More than any key sends; bounds the loop for a stuck controller. */
#define BYTES_PER_POLL 8

static struct {
	enum i8042_found found;
	struct scancodes codes;
} keyboard;

static uint8_t port_read(struct i8042_ports *ports, uint16_t port)
{
	(void)ports;
	return in8(port);
}

static void port_write(struct i8042_ports *ports, uint16_t port,
		       uint8_t value)
{
	(void)ports;
	out8(port, value);
}

static uint64_t port_now_us(struct i8042_ports *ports)
{
	(void)ports;
	return clock_microseconds();
}

static struct i8042_ports real_ports = {
	.read = port_read,
	.write = port_write,
	.now_us = port_now_us,
};

enum i8042_found keyboard_start(void)
{
	keyboard.found = i8042_start(&real_ports);
	return keyboard.found;
}

struct key keyboard_poll(void)
{
	struct key key = { KEY_NONE, 0 };

	if (keyboard.found == I8042_NONE)
		return key;
	for (unsigned i = 0; i < BYTES_PER_POLL && key.code == KEY_NONE; i++) {
		int byte = i8042_poll(&real_ports);

		if (byte < 0)
			break;
		key = scancodes_take(&keyboard.codes, (uint8_t)byte);
	}
	return key;
}
