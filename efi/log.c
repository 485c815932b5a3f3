// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Where the loader's words go: always into a log that the kernel inherits,
 * to COM1 once the options have said whether there is one, and failures
 * also to the firmware's console while it lives. Firmware often mirrors its
 * console on the same serial port, so ordinary lines stay off it.
 */
#include "loader.h"

#include <arch/tsc_rate.h>
#include <arch/uart.h>
#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>
#include <base/text.h>

#define LOG_BYTES	8192
#define LINE_BYTES	256
#define RESET_PORT	0xcf9
#define RESET_HARD	0x06

static struct {
	EFI_SYSTEM_TABLE *system;
	uint64_t start_tsc, ticks_per_us;
	bool console_open;
	uint16_t port;			/* 0 = no serial (yet)               */
	char log[LOG_BYTES];
	size_t log_bytes;
} log_state;

void log_init(EFI_SYSTEM_TABLE *system, uint64_t start_tsc)
{
	log_state.system = system;
	log_state.start_tsc = start_tsc;
	log_state.ticks_per_us = tsc_rate();
	log_state.console_open = true;
}

void log_open_console(void)
{
	log_state.console_open = true;
}

void log_close_console(void)
{
	log_state.console_open = false;
}

static void serial_put(char byte)
{
	if (log_state.port != 0 && !uart_put(log_state.port, (uint8_t)byte))
		log_state.port = 0;	/* stuck: never wait for it again */
}

static void serial_write(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes && log_state.port != 0; i++) {
		if (text[i] == '\n')
			serial_put('\r');
		serial_put(text[i]);
	}
}

void log_open_serial(const struct options *options)
{
	uint16_t port = (uint16_t)options->serial_port;

	if (!options->serial || !uart_start(port, options->serial_baud))
		return;
	log_state.port = port;
	serial_write("\n", 1);	/* the firmware may have left half a line */
	serial_write(log_state.log, log_state.log_bytes);
}

static void console_write(const char *text, size_t bytes)
{
	CHAR16 line[LINE_BYTES + 2];
	size_t used = 0;

	if (!log_state.console_open || log_state.system->ConOut == NULL)
		return;
	for (size_t i = 0; i < bytes && used < LINE_BYTES; i++) {
		if (text[i] == '\n')
			line[used++] = '\r';
		line[used++] = (CHAR16)(unsigned char)text[i];
	}
	line[used] = 0;
	log_state.system->ConOut->OutputString(log_state.system->ConOut, line);
}

static void keep(const char *text, size_t bytes)
{
	size_t room = LOG_BYTES - log_state.log_bytes;

	if (bytes > room)
		bytes = room;
	memcpy(log_state.log + log_state.log_bytes, text, bytes);
	log_state.log_bytes += bytes;
	crash_log_write(text, bytes);
}

static size_t make_line(char *line, char level, const char *format,
			va_list arguments)
{
	uint64_t us = (read_tsc() - log_state.start_tsc) /
		      log_state.ticks_per_us;
	size_t used = text_print(line, LINE_BYTES, "[%lu.%06lu] %c ",
				 us / 1000000, us % 1000000, level);

	used += text_vprint(line + used, LINE_BYTES - 1 - used, format,
			    arguments);
	line[used++] = '\n';
	return used;
}

void log_line(char level, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;
	size_t bytes;

	va_start(arguments, format);
	bytes = make_line(line, level, format, arguments);
	va_end(arguments);
	keep(line, bytes);
	serial_write(line, bytes);
}

EFI_STATUS log_error(EFI_STATUS status, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;
	size_t bytes;

	va_start(arguments, format);
	bytes = make_line(line, 'E', format, arguments);
	va_end(arguments);
	bytes += text_print(line + bytes - 1, LINE_BYTES - bytes + 1,
			    " status=0x%lx\n", (uint64_t)status) - 1;
	keep(line, bytes);
	serial_write(line, bytes);
	console_write(line, bytes);
	return status;
}

void fatal(const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;
	size_t bytes;

	va_start(arguments, format);
	bytes = make_line(line, 'E', format, arguments);
	va_end(arguments);
	keep(line, bytes);
	line[bytes - 1] = '\0';
	crash_log_fault(line);
	line[bytes - 1] = '\n';
	serial_write(line, bytes);
	if (log_state.console_open && log_state.system->ConOut != NULL)
		console_write(line, bytes);
	else
		framebuffer_print(line, bytes);
	log_line('E', "loader: stop action=reset");
	log_state.system->RuntimeServices->ResetSystem(
		EfiResetWarm, EFI_ABORTED, 0, NULL);
	out8(RESET_PORT, RESET_HARD);
	for (;;)
		__asm__ volatile("cli; hlt");
}

uint64_t log_ticks_per_us(void)
{
	return log_state.ticks_per_us;
}

const char *log_text(size_t *bytes)
{
	*bytes = log_state.log_bytes;
	return log_state.log;
}

void assert_failed(const char *file, int line, const char *text)
{
	fatal("loader: assertion failed at=%s:%d text=\"%s\"", file, line,
	      text);
}
