// SPDX-License-Identifier: MIT OR Apache-2.0
#include "log.h"

#include <base/bits.h>
#include <base/string.h>

#include <kernel/arch/clock.h>
#include <kernel/arch/interrupts.h>
#include <kernel/sync/lock.h>

#include "crash_log.h"
#include "log_console.h"

#define RING_BYTES (64 * 1024)	/* a power of two */
#define LINE_BYTES 512

static struct {
	char ring[RING_BYTES];
	uint64_t written;	/* bytes in all; the ring has the last */
} journal;

static struct lock log_lock = { .rank = RANK_LOG };
static unsigned console_level = LOG_INFO;

void log_set_level(unsigned level)
{
	console_level = level;
}

void log_keep(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		journal.ring[journal.written++ % RING_BYTES] = text[i];
}

static char level_letter(enum log_level level)
{
	switch (level) {
	case LOG_ERROR:
		return 'E';
	case LOG_WARNING:
		return 'W';
	case LOG_INFO:
		return 'I';
	case LOG_DEBUG:
		return 'D';
	}
	return '?';
}

void log_line(enum log_level level, const char *format, ...)
{
	uint64_t us = clock_microseconds();
	bool shown = level <= console_level;
	char line[LINE_BYTES];
	va_list arguments;
	uint64_t flags;
	size_t used;

	used = text_print(line, sizeof(line), "[%lu.%06lu] %c ", us / 1000000,
			  us % 1000000, level_letter(level));
	va_start(arguments, format);
	used += text_vprint(line + used, sizeof(line) - 1 - used, format,
			    arguments);
	va_end(arguments);
	line[used++] = '\n';
	if (shown && !log_console_has_room(used))
		log_console_flush();
	flags = interrupts_off();
	lock_acquire(&log_lock);
	log_keep(line, used);
	crash_log_keep(line, used);
	if (shown)
		log_console_queue(line, used);
	lock_release(&log_lock);
	interrupts_restore(flags);
	if (shown)
		log_console_flush();
}

void log_break_locks(void)
{
	lock_break(&log_lock);
	crash_log_break_lock();
	log_console_break();
}

uint64_t log_position(void)
{
	return journal.written;
}

void log_replay_from(struct sink *sink, uint64_t position)
{
	uint64_t oldest = journal.written > RING_BYTES ?
				  journal.written - RING_BYTES : 0;
	uint64_t at = position;

	if (at < oldest) {
		/* The oldest byte is inside a line: skip that line. */
		at = oldest;
		while (at < journal.written &&
		       journal.ring[(at - 1) % RING_BYTES] != '\n')
			at++;
	}
	while (at < journal.written) {
		size_t start = at % RING_BYTES;
		size_t bytes = min_u64(journal.written - at,
				       RING_BYTES - start);

		sink->put(sink, &journal.ring[start], bytes);
		at += bytes;
	}
}

void log_replay(struct sink *sink)
{
	log_replay_from(sink, 0);
}

static void console_put(struct sink *sink, const char *text, size_t bytes)
{
	(void)sink;
	log_console_write(text, bytes);
}

struct sink *console_sink(void)
{
	static struct sink sink = { .put = console_put };

	return &sink;
}
