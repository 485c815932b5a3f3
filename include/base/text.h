/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * text.h - formatted text, into a buffer or through a sink.
 *
 * A sink consumes lines: the serial port, the log, a file on the host, a buffer
 * in a test. Text about memory is printed through one, so that the kernel and
 * the host tool print the same text in the same way.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

struct sink {
	/* Takes `bytes` bytes of text; never fails, may drop them. */
	void (*put)(struct sink *sink, const char *text, size_t bytes);
};

/*
 * printf without floating point, through stb_sprintf.
 * A line longer than SINK_LINE_BYTES - 1 is cut there.
 */
#define SINK_LINE_BYTES 512
void sink_print(struct sink *sink, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sink_vprint(struct sink *sink, const char *format, va_list arguments);

/*
 * Always ends `to` with a NUL when `bytes` > 0; returns the length written,
 * which is at most `bytes` - 1.
 */
size_t text_print(char *to, size_t bytes, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t text_vprint(char *to, size_t bytes, const char *format,
		   va_list arguments);

/*
 * The value of a record (docs/monitor.md): unchanged when it has no space,
 * quote, backslash or unprintable byte; else in double quotes with \xHH.
 */
void sink_print_value(struct sink *sink, const char *text, size_t bytes);

/* The same of a text into a buffer, which TEXT_VALUE_BYTES of it suffice. */
#define TEXT_VALUE_BYTES(length) (4 * (length) + sizeof("\"\""))
size_t text_print_value(char *to, size_t bytes, const char *text);

#endif
