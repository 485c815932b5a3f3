// SPDX-License-Identifier: MIT OR Apache-2.0
/* Parses numbers and sizes in option values, which may be any text. */
#include <base/bits.h>

#include "options_internal.h"

bool option_digit(char byte, unsigned base, unsigned *out)
{
	if (byte >= '0' && byte <= '9')
		*out = (unsigned)(byte - '0');
	else if (byte >= 'a' && byte <= 'f')
		*out = (unsigned)(byte - 'a') + 10;
	else if (byte >= 'A' && byte <= 'F')
		*out = (unsigned)(byte - 'A') + 10;
	else
		return false;
	return *out < base;
}

bool option_parse_number(struct slice slice, uint64_t *out)
{
	unsigned base = 10;
	uint64_t number = 0;

	if (slice.bytes > 2 && slice.text[0] == '0' &&
	    (slice.text[1] == 'x' || slice.text[1] == 'X')) {
		base = 16;
		slice = slice_from(slice, 2);
	}
	for (size_t i = 0; i < slice.bytes; i++) {
		unsigned digit;

		if (!option_digit(slice.text[i], base, &digit) ||
		    number > (UINT64_MAX - digit) / base)
			return false;
		number = number * base + digit;
	}
	*out = number;
	return slice.bytes > 0;
}

bool option_parse_size(struct slice slice, uint64_t *out)
{
	static const struct {
		char small, large;
		unsigned shift;
	} suffixes[] = {
		{ 'k', 'K', 10 }, { 'm', 'M', 20 },
		{ 'g', 'G', 30 }, { 't', 'T', 40 },
	};
	unsigned shift = 0;
	uint64_t number;
	char last;

	if (slice.bytes == 0)
		return false;
	last = slice.text[slice.bytes - 1];
	for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++)
		if (last == suffixes[i].small || last == suffixes[i].large)
			shift = suffixes[i].shift;
	if (shift != 0)
		slice.bytes--;
	if (!option_parse_number(slice, &number) ||
	    number > UINT64_MAX >> shift)
		return false;
	*out = number << shift;
	return true;
}
