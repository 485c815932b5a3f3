// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The kernel's own memcpy and friends, under other names: hosted builds
 * have the C library's, which is the reference here.
 */
#include "check.h"

#define memcpy bulldog_memcpy
#define memmove bulldog_memmove
#define memset bulldog_memset
#define memcmp bulldog_memcmp
#define strlen bulldog_strlen
#define strcmp bulldog_strcmp
#define strncmp bulldog_strncmp
#define strchr bulldog_strchr
#include <mm/base/string.c>
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp
#undef strchr

#define ROOM 640

#define LENGTHS_END 600

/* All short lengths, then those around where whole cache lines begin. */
static size_t next_length(size_t length)
{
	return length == 70 ? 240 : length == 340 ? 500 : length + 1;
}

static void fill(unsigned char *bytes, size_t count, unsigned char first)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (unsigned char)(first + i * 7);
}

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

CASE(string_memcpy_copies_every_length_at_every_alignment)
{
	for (size_t length = 0; length < LENGTHS_END;
	     length = next_length(length)) {
		for (size_t shift = 0; shift < 64; shift++) {
			size_t from_at = shift % 8, to_at = shift / 8;
			unsigned char from[ROOM], to[ROOM], want[ROOM];

			fill(from, ROOM, 1);
			fill(to, ROOM, 101);
			memcpy(want, to, ROOM);
			for (size_t i = 0; i < length; i++)
				want[to_at + i] = from[from_at + i];
			CHECK(bulldog_memcpy(to + to_at, from + from_at,
					     length) == to + to_at);
			CHECK(memcmp(to, want, ROOM) == 0);
		}
	}
}

/* Blocks of the exact size: the sanitizer reports a byte too many. */
CASE(string_memcpy_and_memset_stay_inside_their_blocks)
{
	for (size_t length = 0; length < LENGTHS_END;
	     length = next_length(length)) {
		unsigned char *from = malloc(length + 1);
		unsigned char *to = malloc(length + 1);

		fill(from, length + 1, 3);
		bulldog_memcpy(to + 1, from + 1, length);
		CHECK(memcmp(to + 1, from + 1, length) == 0);
		bulldog_memmove(to + 1, from + 1, length);
		CHECK(bulldog_memcmp(to + 1, from + 1, length) == 0);
		bulldog_memset(to + 1, 0, length);
		free(from);
		free(to);
	}
}

CASE(string_memmove_survives_every_overlap)
{
	for (size_t length = 0; length < 40; length++) {
		for (size_t from = 0; from < 40; from++) {
			for (size_t to = 0; to < 40; to++) {
				unsigned char got[ROOM], want[ROOM];

				fill(got, ROOM, 5);
				memcpy(want, got, ROOM);
				memmove(want + to, want + from, length);
				CHECK(bulldog_memmove(got + to, got + from,
						      length) == got + to);
				CHECK(memcmp(got, want, ROOM) == 0);
			}
		}
	}
}

CASE(string_memset_takes_the_low_byte)
{
	static const int values[] = { 0, 1, 0x7f, 0x80, 0xff, -1, 0x1234 };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		for (size_t length = 0; length < LENGTHS_END;
		     length = next_length(length)) {
			unsigned char got[ROOM], want[ROOM];
			size_t at = length % 8;

			fill(got, ROOM, 9);
			memcpy(want, got, ROOM);
			memset(want + at, values[i], length);
			CHECK(bulldog_memset(got + at, values[i], length) ==
			      got + at);
			CHECK(memcmp(got, want, ROOM) == 0);
		}
	}
}

CASE(string_memcmp_compares_bytes_as_unsigned)
{
	CHECK(bulldog_memcmp("abc", "abd", 2) == 0);
	CHECK(bulldog_memcmp("abc", "abd", 3) < 0);
	CHECK(bulldog_memcmp("\xff", "\x01", 1) > 0);
	CHECK(bulldog_memcmp("a\0b", "a\0c", 3) < 0);
	CHECK(bulldog_memcmp("x", "y", 0) == 0);
}

CASE(string_strings_are_compared_as_unsigned)
{
	CHECK(bulldog_strcmp("", "") == 0);
	CHECK(bulldog_strcmp("a", "") > 0);
	CHECK(bulldog_strcmp("", "a") < 0);
	CHECK(bulldog_strcmp("abc", "abd") < 0);
	CHECK(bulldog_strcmp("\xe9", "z") > 0);
	CHECK(bulldog_strncmp("abc", "abd", 2) == 0);
	CHECK(bulldog_strncmp("abc", "abd", 3) < 0);
	CHECK(bulldog_strncmp("a", "b", 0) == 0);
	CHECK(bulldog_strncmp("ab\0x", "ab\0y", 4) == 0);
}

CASE(string_strlen_and_strchr_find_the_end)
{
	static const char text[] = "bulldog";

	CHECK(bulldog_strlen("") == 0);
	CHECK(bulldog_strlen(text) == 7);
	CHECK(bulldog_strchr(text, 'l') == text + 2);
	CHECK(bulldog_strchr(text, 'g') == text + 6);
	CHECK(bulldog_strchr(text, 'x') == NULL);
	CHECK(bulldog_strchr(text, '\0') == text + 7);
	CHECK(bulldog_strchr(text, 'b' + 256) == text);
	CHECK(bulldog_strchr("\xe9", 0xe9) != NULL);
}

CASE(string_agrees_with_the_c_library_on_random_text)
{
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 20000; round++) {
		char a[20], b[20];
		size_t limit = check_random(&seed) % sizeof(a);
		/* Few letters, so that prefixes and ends are often equal. */
		char wanted = "ab\xff"[check_random(&seed) % 3];

		for (size_t i = 0; i < sizeof(a); i++) {
			a[i] = "ab\xff\0"[check_random(&seed) % 4];
			b[i] = check_random(&seed) % 4 ? a[i] : 'b';
		}
		a[sizeof(a) - 1] = b[sizeof(b) - 1] = '\0';
		CHECK(sign(bulldog_strcmp(a, b)) == sign(strcmp(a, b)));
		CHECK(sign(bulldog_strncmp(a, b, limit)) ==
		      sign(strncmp(a, b, limit)));
		CHECK(sign(bulldog_memcmp(a, b, limit)) ==
		      sign(memcmp(a, b, limit)));
		CHECK(bulldog_strlen(a) == strlen(a));
		CHECK(bulldog_strchr(a, wanted) == strchr(a, wanted));
	}
}
