/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * panic.h - stops the machine with a report: the cause first, the remedy last.
 *
 * Exceptions, failed assertions and panics all end in panic_stop, which
 * does what `panic=` says: wait, reboot after some seconds, or exit QEMU.
 */
#ifndef KERNEL_DEBUG_PANIC_H
#define KERNEL_DEBUG_PANIC_H

#include <stdbool.h>
#include <stdint.h>

/* `format` starts with "room: event", like that of log_line. */
_Noreturn void panic(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* A fault, as the report of a second one shows it. */
struct panic_cause {
	const char *name;
	uint64_t rip, cr2;
};

/*
 * Call before the first line of a report: stops all other CPUs. It returns
 * once, on the first CPU that calls it. Called again by that CPU, it logs one
 * short line and stops.
 */
void panic_begin(const struct panic_cause *cause);
/*
 * States the cause in one sentence, for the crash log and the screen. Call it
 * after the cause was logged; the lines logged from here on explain it.
 */
void panic_note_cause(const char *text);
bool panic_is_under_way(void);
/* True on the CPU that reports. */
bool panic_is_ours(void);

/* Logs the last line, and stops. */
_Noreturn void panic_stop(void);

#endif
