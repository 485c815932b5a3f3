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

struct buffer_sink {
	struct sink base;
	char *to;
	size_t used, room;
};

static void put_in_buffer(struct sink *sink, const char *text, size_t bytes)
{
	struct buffer_sink *buffer = (struct buffer_sink *)sink;

	for (size_t i = 0; i < bytes && buffer->used < buffer->room; i++)
		buffer->to[buffer->used++] = text[i];
}

size_t text_print_value(char *to, size_t bytes, const char *text)
{
	struct buffer_sink buffer = { { put_in_buffer }, to, 0, 0 };

	if (bytes == 0)
		return 0;
	buffer.room = bytes - 1;
	sink_print_value(&buffer.base, text, strlen(text));
	to[buffer.used] = '\0';
	return buffer.used;
}
