// SPDX-License-Identifier: MIT OR Apache-2.0
#include "number.h"

#define NO_DIGIT 16

static unsigned digit_of(char byte)
{
	char lower = byte | 0x20;

	if (byte >= '0' && byte <= '9')
		return (unsigned)(byte - '0');
	if (lower >= 'a' && lower <= 'f')
		return (unsigned)(lower - 'a') + 10;
	return NO_DIGIT;
}

static enum status number_from(const char *text, unsigned base, uint64_t *out)
{
	uint64_t value = 0;

	if (*text == '\0')
		return ST_BAD_ARGUMENT;
	for (; *text != '\0'; text++) {
		unsigned digit = digit_of(*text);

		if (digit >= base || value > (UINT64_MAX - digit) / base)
			return ST_BAD_ARGUMENT;
		value = value * base + digit;
	}
	*out = value;
	return ST_OK;
}

enum status number_from_hex(const char *text, uint64_t *out)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	return number_from(text, 16, out);
}

enum status number_from_decimal(const char *text, uint64_t *out)
{
	return number_from(text, 10, out);
}
