// SPDX-License-Identifier: MIT OR Apache-2.0
#include "decode.h"

#include <stdbool.h>
#include <string.h>

#define ESCAPE '\x1b'

enum encoding {
	BYTES,
	LITTLE_ENDIAN_16,
	BIG_ENDIAN_16,
};

/* Pairs of bytes at the beginning by which UTF-16 without a mark is known. */
#define PAIRS_MOST 64

/* A text of ASCII has a NUL in each pair, and always at the same place. */
static enum encoding guess(const char *text, size_t bytes)
{
	size_t pairs = bytes / 2 < PAIRS_MOST ? bytes / 2 : PAIRS_MOST;
	size_t first = 0, second = 0;

	for (size_t i = 0; i < pairs; i++) {
		first += text[2 * i] == 0 && text[2 * i + 1] != 0;
		second += text[2 * i] != 0 && text[2 * i + 1] == 0;
	}
	if (pairs > 1 && 4 * second > 3 * pairs)
		return LITTLE_ENDIAN_16;
	return pairs > 1 && 4 * first > 3 * pairs ? BIG_ENDIAN_16 : BYTES;
}

/* The encoding, and the bytes of its mark. */
static enum encoding encoding_of(const char *text, size_t bytes, size_t *mark)
{
	*mark = 2;
	if (bytes >= 2 && memcmp(text, "\xff\xfe", 2) == 0)
		return LITTLE_ENDIAN_16;
	if (bytes >= 2 && memcmp(text, "\xfe\xff", 2) == 0)
		return BIG_ENDIAN_16;
	*mark = bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	return *mark == 3 ? BYTES : guess(text, bytes);
}

static size_t narrow(char *text, size_t bytes)
{
	size_t mark, used = 0;
	enum encoding encoding = encoding_of(text, bytes, &mark);
	size_t low = encoding == BIG_ENDIAN_16;

	if (encoding == BYTES) {
		memmove(text, text + mark, bytes - mark);
		return bytes - mark;
	}
	for (size_t i = mark; i + 1 < bytes; i += 2)
		text[used++] = text[i + 1 - low] == 0 ? text[i + low] : '?';
	return used;
}

/* Behind a sequence `ESC [ ... letter`, or behind the ESC alone. */
static size_t end_of_escape(const char *text, size_t at, size_t bytes)
{
	if (++at == bytes || text[at] != '[')
		return at;
	for (at++; at < bytes; at++) {
		if (text[at] >= '@' && text[at] <= '~')
			return at + 1;
		if (text[at] < ' ')
			break;
	}
	return at;
}

static bool is_wide_blank(const char *text, size_t at, size_t bytes)
{
	/* U+00A0, as pages of the web have it. */
	return at + 1 < bytes && memcmp(text + at, "\xc2\xa0", 2) == 0;
}

size_t decode_text(char *text, size_t bytes)
{
	size_t used = 0, at = 0;

	bytes = narrow(text, bytes);
	while (bytes > 0 && text[bytes - 1] == 0)
		bytes--;
	while (at < bytes) {
		char byte = text[at];

		if (byte == ESCAPE) {
			at = end_of_escape(text, at, bytes);
			continue;
		}
		if (is_wide_blank(text, at, bytes)) {
			byte = ' ';
			at++;
		} else if (byte == '\r') {
			byte = '\n';
			at += at + 1 < bytes && text[at + 1] == '\n';
		}
		text[used++] = byte;
		at++;
	}
	return used;
}
