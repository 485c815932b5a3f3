// SPDX-License-Identifier: MIT OR Apache-2.0
#include <base/text.h>

#include <base/string.h>

#include <stdbool.h>

#define STB_SPRINTF_IMPLEMENTATION
#define STB_SPRINTF_STATIC
#define STB_SPRINTF_NOFLOAT
#define STB_SPRINTF_NOUNALIGNED
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_sprintf.h>
#pragma GCC diagnostic pop

size_t text_vprint(char *to, size_t bytes, const char *format,
		   va_list arguments)
{
	int wanted;

	if (bytes == 0)
		return 0;
	wanted = stbsp_vsnprintf(to, (int)bytes, format, arguments);
	if (wanted < 0)
		return 0;
	return (size_t)wanted < bytes ? (size_t)wanted : bytes - 1;
}

size_t text_print(char *to, size_t bytes, const char *format, ...)
{
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = text_vprint(to, bytes, format, arguments);
	va_end(arguments);
	return length;
}

void sink_vprint(struct sink *sink, const char *format, va_list arguments)
{
	char line[SINK_LINE_BYTES];
	size_t length = text_vprint(line, sizeof(line), format, arguments);

	sink->put(sink, line, length);
}

void sink_print(struct sink *sink, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	sink_vprint(sink, format, arguments);
	va_end(arguments);
}

static bool is_plain(char byte)
{
	return byte > ' ' && byte < 0x7f && byte != '"' && byte != '\\';
}

void sink_print_value(struct sink *sink, const char *text, size_t bytes)
{
	bool plain = bytes > 0;

	for (size_t i = 0; i < bytes; i++)
		plain = plain && is_plain(text[i]);
	if (plain) {
		sink->put(sink, text, bytes);
		return;
	}
	sink->put(sink, "\"", 1);
	for (size_t i = 0; i < bytes; i++) {
		if (is_plain(text[i]) || text[i] == ' ')
			sink->put(sink, &text[i], 1);
		else
			sink_print(sink, "\\x%02x", (unsigned char)text[i]);
	}
	sink->put(sink, "\"", 1);
}
