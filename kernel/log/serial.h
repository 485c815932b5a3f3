/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* serial.h - the one serial port that `console=` names, or none. */
#ifndef KERNEL_LOG_SERIAL_H
#define KERNEL_LOG_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

#include <boot/options.h>

/* False when the options want none or there is no UART. */
bool serial_start(const struct options *options);
/* The transmit buffer of a 16550A. A UART without one gets single bytes. */
#define SERIAL_FIFO_BYTES 16

/* LF becomes CR LF. Drops everything once the UART has stopped answering. */
void serial_write(const char *text, size_t bytes);
/* Waits until the UART has sent the last byte, or has stopped answering. */
void serial_wait_sent(void);
/* The next byte typed, or -1; never waits. */
int serial_read(void);
bool serial_is_open(void);

#endif
