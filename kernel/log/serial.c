// SPDX-License-Identifier: MIT OR Apache-2.0
#include "serial.h"

#include <arch/uart.h>

static uint16_t open_port;
static bool stuck;
static unsigned fifo_bytes = 1;

bool serial_start(const struct options *options)
{
	uint16_t port = (uint16_t)options->serial_port;

	if (options->serial && uart_start(port, options->serial_baud))
		open_port = port;
	if (open_port != 0 && uart_has_fifo(open_port))
		fifo_bytes = SERIAL_FIFO_BYTES;
	return open_port != 0;
}

/* Bytes that the port takes before it must be asked again; 0: stuck. */
static unsigned wait_for_room(void)
{
	/* The other end does not read: no wait until it does again. */
	if (stuck && !uart_can_send(open_port))
		return 0;
	stuck = !uart_wait(open_port, fifo_bytes);
	return stuck ? 0 : fifo_bytes;
}

static void put(char byte, unsigned *room)
{
	if (*room == 0)
		*room = wait_for_room();
	if (*room == 0)
		return;
	out8(open_port + UART_DATA, (uint8_t)byte);
	--*room;
}

void serial_write(const char *text, size_t bytes)
{
	unsigned room = 0;

	for (size_t i = 0; i < bytes && open_port != 0; i++) {
		if (text[i] == '\n')
			put('\r', &room);
		put(text[i], &room);
	}
}

void serial_wait_sent(void)
{
	if (open_port != 0 && !stuck)
		stuck = !uart_wait_sent(open_port, fifo_bytes + 1);
}

int serial_read(void)
{
	return open_port != 0 ? uart_get(open_port) : -1;
}

bool serial_is_open(void)
{
	return open_port != 0;
}
