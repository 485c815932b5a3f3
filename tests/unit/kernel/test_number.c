// SPDX-License-Identifier: MIT OR Apache-2.0
#include "check.h"

#include <kernel/lib/number.h>

static bool hex_is(const char *text, uint64_t want)
{
	uint64_t got = ~want;

	return number_from_hex(text, &got) == ST_OK && got == want;
}

static bool decimal_is(const char *text, uint64_t want)
{
	uint64_t got = ~want;

	return number_from_decimal(text, &got) == ST_OK && got == want;
}

/* Refused, and nothing was written. */
static bool is_refused(enum status (*parse)(const char *text, uint64_t *out),
		       const char *text)
{
	uint64_t got = 42;

	return parse(text, &got) == ST_BAD_ARGUMENT && got == 42;
}

CASE(number_reads_hexadecimal_with_and_without_a_prefix)
{
	CHECK(hex_is("0", 0));
	CHECK(hex_is("10", 16));
	CHECK(hex_is("0x10", 16));
	CHECK(hex_is("0XfEe0", 0xfee0));
	CHECK(hex_is("ffffffffffffffff", UINT64_MAX));
	CHECK(hex_is("00000000000000000000001", 1));
}

CASE(number_reads_decimal)
{
	CHECK(decimal_is("0", 0));
	CHECK(decimal_is("3600", 3600));
	CHECK(decimal_is("18446744073709551615", UINT64_MAX));
}

CASE(number_refuses_what_is_none)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1k",
					   "g", "0y1", "1.5" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(is_refused(number_from_hex, bad[i]));
		CHECK(is_refused(number_from_decimal, bad[i]));
	}
	CHECK(is_refused(number_from_hex, "0x"));
	CHECK(is_refused(number_from_decimal, "0x1"));
	CHECK(is_refused(number_from_decimal, "ff"));
}

CASE(number_refuses_more_than_64_bits)
{
	CHECK(is_refused(number_from_hex, "10000000000000000"));
	CHECK(is_refused(number_from_decimal, "18446744073709551616"));
	CHECK(is_refused(number_from_decimal, "99999999999999999999"));
}
