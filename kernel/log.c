// SPDX-License-Identifier: MIT OR Apache-2.0
#include "log.h"

#include <base/string.h>

#include "clock.h"
#include "evidence.h"
#include "serial.h"

#define RING_BYTES (64 * 1024)	/* a power of two */
#define LINE_BYTES 512

static struct {
	char ring[RING_BYTES];
	uint64_t written;	/* bytes ever; the ring has the last ones */
} journal;

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
	char line[LINE_BYTES];
	va_list arguments;
	size_t used;

	used = text_print(line, sizeof(line), "[%lu.%06lu] %c ", us / 1000000,
			  us % 1000000, level_letter(level));
	va_start(arguments, format);
	used += text_vprint(line + used, sizeof(line) - 1 - used, format,
			    arguments);
	va_end(arguments);
	line[used++] = '\n';
	log_keep(line, used);
	evidence_append(line, used);
	if (level <= console_level)
		serial_write(line, used);
}

void log_replay(struct sink *sink)
{
	uint64_t at = journal.written > RING_BYTES ?
			      journal.written - RING_BYTES : 0;

	/* A ring that has wrapped starts in the middle of a line: skip it. */
	while (at > 0 && at < journal.written &&
	       journal.ring[(at - 1) % RING_BYTES] != '\n')
		at++;
	for (; at < journal.written; at++)
		sink->put(sink, &journal.ring[at % RING_BYTES], 1);
}

static void console_put(struct sink *sink, const char *text, size_t bytes)
{
	(void)sink;
	serial_write(text, bytes);
}

struct sink *console_sink(void)
{
	static struct sink sink = { .put = console_put };

	return &sink;
}
