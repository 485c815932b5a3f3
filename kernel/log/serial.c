// SPDX-License-Identifier: MIT OR Apache-2.0
#include "serial.h"

#include <arch/uart.h>

static uint16_t open_port;
static bool stuck;

bool serial_start(const struct options *options)
{
	uint16_t port = (uint16_t)options->serial_port;

	if (options->serial && uart_start(port, options->serial_baud))
		open_port = port;
	return open_port != 0;
}

static void put(char byte)
{
	/* The other end does not read: do not wait again until it does. */
	if (stuck && !uart_can_send(open_port))
		return;
	stuck = !uart_put(open_port, (uint8_t)byte);
}

void serial_write(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes && open_port != 0; i++) {
		if (text[i] == '\n')
			put('\r');
		put(text[i]);
	}
}

int serial_read(void)
{
	return open_port != 0 ? uart_get(open_port) : -1;
}

bool serial_is_open(void)
{
	return open_port != 0;
}
