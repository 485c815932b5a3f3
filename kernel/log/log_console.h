/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * log_console.h - queued text, and the one CPU that writes it to the consoles.
 *
 * The first console is the serial port; main adds the screen. No caller waits
 * for a console to which another CPU writes: it leaves its text in the queue.
 */
#ifndef KERNEL_LOG_LOG_CONSOLE_H
#define KERNEL_LOG_LOG_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include <base/text.h>

/* The console shows all text that is queued from now on. At most two. */
void log_add_console(struct sink *sink);

/*
 * From now on a caller with interrupts off, an interrupt handler too, leaves
 * its text to the next poll of its CPU. Before the other CPUs start.
 */
void log_console_defer(void);

/*
 * Queues the whole line or nothing. False: there was no room; its bytes are
 * counted, and a note will say how many were left out.
 * Locks: takes CONSOLE, for the time of a copy. From tasks and handlers.
 */
bool log_console_queue(const char *line, size_t bytes);
bool log_console_has_room(size_t bytes);

/*
 * Writes all queued text, unless another CPU is the owner or this call has to
 * be deferred. Text that other CPUs add meanwhile is left to them. Interrupts
 * stay as the caller has them.
 */
void log_console_flush(void);

/* Writes text of any length: waits for room, and polls. From tasks only. */
void log_console_write(const char *text, size_t bytes);

/*
 * Between the two calls no other CPU writes to a console, so the caller may
 * write to one directly. Waits, and polls meanwhile. From tasks only.
 */
void log_console_claim(void);
void log_console_release(void);

/*
 * Returns when all text that was queued before the call has been sent, the
 * serial port's buffer included: a reset would lose it. With interrupts off it
 * does nothing, unless this CPU panics. From tasks only.
 */
void log_console_drain(void);

/*
 * For a CPU that panics, after the others were stopped: writes the text that
 * they left, even if one of them was the owner, and waits for no other CPU
 * from now on.
 */
void log_console_break(void);

#endif
