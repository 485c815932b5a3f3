/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * uart.h - a 16550 on an I/O port, polled, every wait bounded.
 *
 * Without a UART its ports read 0xff; uart_start returns false then.
 */
#ifndef ARCH_UART_H
#define ARCH_UART_H

#include <stdbool.h>
#include <stdint.h>

#include <arch/instructions.h>

enum uart_register {
	UART_DATA = 0,
	UART_INTERRUPTS = 1,
	UART_FIFO = 2,
	UART_LINE = 3,
	UART_MODEM = 4,
	UART_STATUS = 5,
	UART_SCRATCH = 7,
};

#define UART_HAS_BYTE	0x01
#define UART_CAN_SEND	0x20
#define UART_ALL_SENT	0x40	/* its shift register is empty, too          */
/* A byte takes 87 us at 115200 baud, a port read about one. */
#define UART_PATIENCE	10000

/* Sets 8N1 at `baud`. False when there is no UART at `port`. */
static inline bool uart_start(uint16_t port, uint32_t baud)
{
	uint16_t divisor = (uint16_t)(115200 / baud);

	out8(port + UART_SCRATCH, 0x5a);
	if (in8(port + UART_SCRATCH) != 0x5a)
		return false;
	out8(port + UART_INTERRUPTS, 0);
	out8(port + UART_LINE, 0x80);
	out8(port + UART_DATA, divisor & 0xff);
	out8(port + UART_INTERRUPTS, divisor >> 8);
	out8(port + UART_LINE, 0x03);
	out8(port + UART_FIFO, 0x07);
	out8(port + UART_MODEM, 0x03);
	return true;
}

static inline bool uart_can_send(uint16_t port)
{
	return (in8(port + UART_STATUS) & UART_CAN_SEND) != 0;
}

/* After uart_start: true for a 16550A, whose enabled buffers work. */
static inline bool uart_has_fifo(uint16_t port)
{
	return (in8(port + UART_FIFO) & 0xc0) == 0xc0;
}

/* Waits until the last `bytes` are sent. False: treat the UART as gone. */
static inline bool uart_wait(uint16_t port, unsigned bytes)
{
	for (unsigned i = 0; i < UART_PATIENCE * bytes; i++)
		if (uart_can_send(port))
			return true;
	return false;
}

/* Waits until none of `bytes` is left in the UART; false as uart_wait. */
static inline bool uart_wait_sent(uint16_t port, unsigned bytes)
{
	for (unsigned i = 0; i < UART_PATIENCE * bytes; i++)
		if ((in8(port + UART_STATUS) & UART_ALL_SENT) != 0)
			return true;
	return false;
}

/* False when the UART did not become ready: treat it as gone. */
static inline bool uart_put(uint16_t port, uint8_t byte)
{
	for (unsigned i = 0; i < UART_PATIENCE; i++) {
		if (uart_can_send(port)) {
			out8(port + UART_DATA, byte);
			return true;
		}
	}
	return false;
}

/* The next byte received, or -1. Never waits. */
static inline int uart_get(uint16_t port)
{
	uint8_t status = in8(port + UART_STATUS);

	if (status == 0xff || (status & UART_HAS_BYTE) == 0)
		return -1;
	return in8(port + UART_DATA);
}

#endif
