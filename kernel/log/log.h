/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * log.h - the log, one line an event: `[s.micros] L room: event key=value`.
 *
 * Every line goes into a ring in memory; `loglevel=` decides which lines also
 * reach the console.
 */
#ifndef KERNEL_LOG_LOG_H
#define KERNEL_LOG_LOG_H

#include <stddef.h>
#include <stdint.h>

#include <base/text.h>

/* The numbers are Linux's, so that `loglevel=` means what people expect. */
enum log_level {
	LOG_ERROR = 3,
	LOG_WARNING = 4,
	LOG_INFO = 6,
	LOG_DEBUG = 7,
};

/* Lines of a level up to `level` also reach the console. */
void log_set_level(unsigned level);

/* Adds text that is printed and formatted already: the log of the loader. */
void log_keep(const char *text, size_t bytes);

/*
 * `format` starts with "room: event". One line; the newline is added. Called
 * by a task with interrupts on, it returns when the line is on the consoles,
 * unless another CPU is writing to them: then that CPU writes the line too.
 * Locks: takes LOG. From tasks and interrupt handlers.
 */
void log_line(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * For a CPU that panics: breaks the locks, which a stopped CPU may hold, and
 * writes the text that such a CPU had not yet written to the consoles.
 */
void log_break_locks(void);

/* Everything that the ring still holds, oldest line first. */
void log_replay(struct sink *sink);

/* Where the ring is now, and what was logged since it was there. */
uint64_t log_position(void);
void log_replay_from(struct sink *sink, uint64_t position);

/* Where commands print: the console, without the ring. */
struct sink *console_sink(void);

#endif
