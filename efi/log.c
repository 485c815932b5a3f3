// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Log lines. Each is stored in the text for the kernel and in the crash log,
 * and is sent to the serial port once the options have named one. An error is
 * also printed on the firmware's console while that exists, afterwards
 * directly into the framebuffer. Other lines are not printed on that console,
 * because firmware often mirrors it on the same serial port.
 */
#include "loader.h"

#include <arch/instructions.h>
#include <arch/uart.h>
#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>
#include <base/text.h>

#define LINE_BYTES	256
#define RESET_PORT	0xcf9
#define RESET_HARD	0x06

static struct loader *loader;

void log_init(struct loader *the_loader)
{
	loader = the_loader;
}

static void serial_put(char byte)
{
	if (loader->log_port != 0 && !uart_put(loader->log_port, (uint8_t)byte))
		loader->log_port = 0;	/* stuck: never wait for it again */
}

static void serial_write(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes && loader->log_port != 0; i++) {
		if (text[i] == '\n')
			serial_put('\r');
		serial_put(text[i]);
	}
}

void log_open_serial(void)
{
	uint16_t port = (uint16_t)loader->options.serial_port;

	if (!loader->options.serial ||
	    !uart_start(port, loader->options.serial_baud))
		return;
	loader->log_port = port;
	serial_write("\n", 1);	/* the firmware may have left half a line */
	serial_write(loader->log_text, loader->log_bytes);
}

static void console_write(const char *line, size_t bytes)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *console = loader->system->ConOut;
	CHAR16 text[LINE_BYTES + 2];
	size_t used = 0;

	for (size_t i = 0; i < bytes; i++) {
		if (line[i] == '\n')
			text[used++] = '\r';
		text[used++] = (CHAR16)(unsigned char)line[i];
	}
	text[used] = 0;
	console->OutputString(console, text);
}

static void keep(const char *line, size_t bytes)
{
	crash_log_write(line, bytes);
	bytes = min_u64(bytes, LOG_BYTES - loader->log_bytes);
	memcpy(loader->log_text + loader->log_bytes, line, bytes);
	loader->log_bytes += bytes;
}

EFI_STATUS log_print(enum log_level level, EFI_STATUS status,
		     const char *format, ...)
{
	uint64_t us = (read_tsc() - loader->start_tsc) / loader->ticks_per_us;
	char line[LINE_BYTES];
	size_t room = LINE_BYTES - 1;	/* one byte less for the newline */
	size_t used = text_print(line, room, "[%lu.%06lu] %c ", us / 1000000,
				 us % 1000000, LOG_LETTERS[level]);
	va_list arguments;

	va_start(arguments, format);
	used += text_vprint(line + used, room - used, format, arguments);
	va_end(arguments);
	if (status != EFI_SUCCESS)
		used += text_print(line + used, room - used, " status=0x%lx",
				   (uint64_t)status);
	if (level == LOG_FATAL)
		crash_log_fault(line);
	line[used++] = '\n';
	keep(line, used);
	serial_write(line, used);
	if (level >= LOG_ERROR && loader->console_open &&
	    loader->system->ConOut != NULL)
		console_write(line, used);
	else if (level == LOG_FATAL && loader->handover != NULL)
		framebuffer_print(&loader->handover->framebuffer, line, used);
	return status;
}

void reset_hard(void)
{
	out8(RESET_PORT, RESET_HARD);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void log_stop(void)
{
	log_print(LOG_STOP, EFI_SUCCESS, "loader: stop action=reset");
	loader->system->RuntimeServices->ResetSystem(
		EfiResetWarm, EFI_ABORTED, 0, NULL);
	reset_hard();
}

void assert_failed(const char *file, int line, const char *text)
{
	fatal("loader: assertion failed at=%s:%d text=\"%s\"", file, line,
	      text);
}
