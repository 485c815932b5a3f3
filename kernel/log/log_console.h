/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * log_console.h - text on its way to the consoles, which one CPU writes.
 *
 * The first console is the serial port; main adds the screen. No caller
 * waits for a console that another CPU writes: it leaves its text here.
 */
#ifndef KERNEL_LOG_LOG_CONSOLE_H
#define KERNEL_LOG_LOG_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include <base/text.h>

/* Shows what is queued from now on. There is room for two consoles. */
void log_add_console(struct sink *sink);

/*
 * From now on a caller with interrupts off, an interrupt handler too, leaves
 * its text to the next poll of its CPU. Before the other CPUs start.
 */
void log_console_defer(void);

/*
 * The whole line or nothing; false: it is counted, and a line will say how
 * many bytes were left out.
 * Locks: takes CONSOLE, for the time of a copy. From tasks and handlers.
 */
bool log_console_queue(const char *line, size_t bytes);
bool log_console_has_room(size_t bytes);

/*
 * Writes all that is queued, unless another CPU does or must. Text that other
 * CPUs add meanwhile is left to them. Consoles are written with interrupts as
 * the caller has them.
 */
void log_console_flush(void);

/* All of it, however long: waits for room, and meanwhile polls. Tasks only. */
void log_console_write(const char *text, size_t bytes);

/*
 * Between the two no other CPU writes to a console, so that a caller can do
 * so by itself. Waits, and polls meanwhile. From tasks only.
 */
void log_console_claim(void);
void log_console_release(void);

/*
 * Returns when all text that was queued before the call has left the machine,
 * the serial port's buffer included: a reset would cut it off. Nothing with
 * interrupts off, but for a CPU that panics. From tasks only.
 */
void log_console_drain(void);

/*
 * For a CPU that panics, the others being stopped: writes what they left,
 * even if one of them was writing, and from now on waits for none.
 */
void log_console_break(void);

#endif
