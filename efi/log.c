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
} speech;

void say_start(EFI_SYSTEM_TABLE *system, uint64_t start_tsc)
{
	speech.system = system;
	speech.start_tsc = start_tsc;
	speech.ticks_per_us = tsc_rate();
	speech.console_open = true;
}

void say_open_console(void)
{
	speech.console_open = true;
}

void say_close_console(void)
{
	speech.console_open = false;
}

static void serial_put(char byte)
{
	if (speech.port != 0 && !uart_put(speech.port, (uint8_t)byte))
		speech.port = 0;	/* stuck: never wait for it again */
}

static void serial_write(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes && speech.port != 0; i++) {
		if (text[i] == '\n')
			serial_put('\r');
		serial_put(text[i]);
	}
}

void say_configure(const struct options *options)
{
	uint16_t port = (uint16_t)options->serial_port;

	if (!options->serial || !uart_start(port, options->serial_baud))
		return;
	speech.port = port;
	serial_write("\n", 1);	/* the firmware may have left half a line */
	serial_write(speech.log, speech.log_bytes);
}

static void console_write(const char *text, size_t bytes)
{
	CHAR16 line[LINE_BYTES + 2];
	size_t used = 0;

	if (!speech.console_open || speech.system->ConOut == NULL)
		return;
	for (size_t i = 0; i < bytes && used < LINE_BYTES; i++) {
		if (text[i] == '\n')
			line[used++] = '\r';
		line[used++] = (CHAR16)(unsigned char)text[i];
	}
	line[used] = 0;
	speech.system->ConOut->OutputString(speech.system->ConOut, line);
}

static void keep(const char *text, size_t bytes)
{
	size_t room = LOG_BYTES - speech.log_bytes;

	if (bytes > room)
		bytes = room;
	memcpy(speech.log + speech.log_bytes, text, bytes);
	speech.log_bytes += bytes;
	evidence_append(text, bytes);
}

static size_t make_line(char *line, char level, const char *format,
			va_list arguments)
{
	uint64_t us = (read_tsc() - speech.start_tsc) / speech.ticks_per_us;
	size_t used = text_print(line, LINE_BYTES, "[%lu.%06lu] %c ",
				 us / 1000000, us % 1000000, level);

	used += text_vprint(line + used, LINE_BYTES - 1 - used, format,
			    arguments);
	line[used++] = '\n';
	return used;
}

void say(char level, const char *format, ...)
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

EFI_STATUS refuse(EFI_STATUS status, const char *format, ...)
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

void give_up(const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;
	size_t bytes;

	va_start(arguments, format);
	bytes = make_line(line, 'E', format, arguments);
	va_end(arguments);
	keep(line, bytes);
	line[bytes - 1] = '\0';
	evidence_note_fault(line);
	line[bytes - 1] = '\n';
	serial_write(line, bytes);
	if (speech.console_open && speech.system->ConOut != NULL)
		console_write(line, bytes);
	else
		screen_say(line, bytes);
	say('E', "loader: stop action=reset");
	speech.system->RuntimeServices->ResetSystem(EfiResetWarm, EFI_ABORTED,
						    0, NULL);
	out8(RESET_PORT, RESET_HARD);
	for (;;)
		__asm__ volatile("cli; hlt");
}

uint64_t say_ticks_per_us(void)
{
	return speech.ticks_per_us;
}

const char *say_log(size_t *bytes)
{
	*bytes = speech.log_bytes;
	return speech.log;
}

void assert_failed(const char *file, int line, const char *text)
{
	give_up("loader: assertion failed at=%s:%d text=\"%s\"", file, line,
		text);
}
