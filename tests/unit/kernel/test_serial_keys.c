// SPDX-License-Identifier: MIT OR Apache-2.0
/* `|` in the input is a pause without bytes. */
#include "check.h"

#include <base/bits.h>

#include <kernel/console/serial_keys.h>

#define KEYS_MAX 32

struct heard {
	unsigned count;
	struct key keys[KEYS_MAX];
};

static void hear(struct heard *heard, struct key key)
{
	if (key.code != KEY_NONE && heard->count < KEYS_MAX)
		heard->keys[heard->count++] = key;
}

static struct heard type(const char *text)
{
	struct serial_keys keys = { 0 };
	struct heard heard = { 0 };

	for (; *text != '\0'; text++)
		hear(&heard, *text == '|' ?
				     serial_keys_quiet(&keys) :
				     serial_keys_take(&keys, (uint8_t)*text));
	return heard;
}

static bool is_one(const char *text, uint16_t code, unsigned held)
{
	struct heard heard = type(text);

	return heard.count == 1 && heard.keys[0].code == code &&
	       heard.keys[0].held == held;
}

/* Plain characters and nothing else. */
static bool is_text(const char *text, const char *want)
{
	struct heard heard = type(text);

	if (heard.count != strlen(want))
		return false;
	for (unsigned i = 0; i < heard.count; i++)
		if (heard.keys[i].code != want[i] || heard.keys[i].held != 0)
			return false;
	return true;
}

CASE(serial_keys_are_characters_as_they_come)
{
	CHECK(is_text("ledger -m ~\x22", "ledger -m ~\x22"));
}

CASE(serial_keys_know_the_control_keys_by_name)
{
	CHECK(is_one("\r", KEY_ENTER, 0));
	CHECK(is_one("\n", KEY_ENTER, 0));
	CHECK(is_one("\t", KEY_TAB, 0));
	CHECK(is_one("\b", KEY_BACKSPACE, 0));
	CHECK(is_one("\x7f", KEY_BACKSPACE, 0));
	CHECK(is_one("\x01", 'a', KEY_CTRL));
	CHECK(is_one("\x15", 'u', KEY_CTRL));
	CHECK(is_one("\x1a", 'z', KEY_CTRL));
}

CASE(serial_keys_take_cr_lf_for_one_enter)
{
	CHECK(is_one("\r\n", KEY_ENTER, 0));
	CHECK(type("\r\n\r\n").count == 2);
	CHECK(type("\n\n").count == 2);
	CHECK(type("\r\r").count == 2);
	CHECK(type("\n\r").count == 2);
	/* A LF that is typed later is a key of its own. */
	CHECK(type("\r|\n").count == 2);
	CHECK(type("\ra\n").count == 3);
}

CASE(serial_keys_know_the_arrows_in_all_spellings)
{
	static const uint16_t codes[] = {
		KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT,
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(codes); i++) {
		char text[8];

		snprintf(text, sizeof(text), "\x1b[%c", 'A' + i);
		CHECK(is_one(text, codes[i], 0));
		snprintf(text, sizeof(text), "\x1bO%c", 'A' + i);
		CHECK(is_one(text, codes[i], 0));
		snprintf(text, sizeof(text), "\x1b[1;5%c", 'A' + i);
		CHECK(is_one(text, codes[i], KEY_CTRL));
		snprintf(text, sizeof(text), "\x1b[1;3%c", 'A' + i);
		CHECK(is_one(text, codes[i], KEY_ALT));
		snprintf(text, sizeof(text), "\x1b[1;2%c", 'A' + i);
		CHECK(is_one(text, codes[i], KEY_SHIFT));
		snprintf(text, sizeof(text), "\x1bO5%c", 'A' + i);
		CHECK(is_one(text, codes[i], KEY_CTRL));
		snprintf(text, sizeof(text), "\x1b[%c", 'a' + i);
		CHECK(is_one(text, codes[i], KEY_SHIFT));
		snprintf(text, sizeof(text), "\x1bO%c", 'a' + i);
		CHECK(is_one(text, codes[i], KEY_CTRL));
	}
}

CASE(serial_keys_know_home_and_end_in_all_spellings)
{
	static const char *const home[] = {
		"\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~",
	};
	static const char *const end[] = {
		"\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~",
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(home); i++) {
		CHECK(is_one(home[i], KEY_HOME, 0));
		CHECK(is_one(end[i], KEY_END, 0));
	}
}

CASE(serial_keys_know_the_editing_keys)
{
	CHECK(is_one("\x1b[2~", KEY_INSERT, 0));
	CHECK(is_one("\x1b[3~", KEY_DELETE, 0));
	CHECK(is_one("\x1b[5~", KEY_PAGE_UP, 0));
	CHECK(is_one("\x1b[6~", KEY_PAGE_DOWN, 0));
	CHECK(is_one("\x1b[3;5~", KEY_DELETE, KEY_CTRL));
	CHECK(is_one("\x1b[3^", KEY_DELETE, KEY_CTRL));
	CHECK(is_one("\x1b[Z", KEY_TAB, KEY_SHIFT));
}

CASE(serial_keys_know_the_keypad_of_a_vt100)
{
	CHECK(is_one("\x1bOM", KEY_ENTER, 0));
	CHECK(is_text("\x1bOp\x1bOy\x1bOj\x1bOk\x1bOm\x1bOn\x1bOo",
		      "09*+-./"));
}

CASE(serial_keys_take_escape_and_a_key_for_alt)
{
	CHECK(is_one("\x1b" "b", 'b', KEY_ALT));
	CHECK(is_one("\x1b" "\x7f", KEY_BACKSPACE, KEY_ALT));
	CHECK(is_one("\x1b\r\n", KEY_ENTER, KEY_ALT));
}

CASE(serial_keys_take_a_lone_escape_for_the_key)
{
	struct heard twice = type("\x1b\x1b|");

	CHECK(type("\x1b").count == 0);
	CHECK(is_one("\x1b|", KEY_ESCAPE, 0));
	CHECK(twice.count == 2 && twice.keys[0].code == KEY_ESCAPE &&
	      twice.keys[1].code == KEY_ESCAPE);
	/* The key after it is read as usual. */
	CHECK(type("\x1b|b").keys[1].code == 'b');
	CHECK(type("\x1b|b").keys[1].held == 0);
	CHECK(is_one("\x1b[|", '[', KEY_ALT));
	CHECK(is_one("\x1bO|", 'O', KEY_ALT));
	CHECK(is_one("\x1b\xc3", KEY_ESCAPE, 0));
}

CASE(serial_keys_eat_unknown_sequences_whole)
{
	static const char *const unknown[] = {
		"\x1b[15~x", "\x1b[200~x", "\x1b[99999999999~x", "\x1b[[Ax",
		"\x1b[?1;2cx", "\x1b[>0;1;2cx", "\x1b[0~x", "\x1b[~x",
		"\x1b[3;5;1;9;2Rx", "\x1b[1 qx", "\x1bOPx", "\x1b[<0;1;2Mx",
		"\x1b[=Ax", "\x1b[5;|x", "\x1b[1;5|x", "\x1bO5|x",
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(unknown); i++) {
		CHECK(is_text(unknown[i], "x"));
		if (!is_text(unknown[i], "x"))
			printf("# number %u\n", i);
	}
}

CASE(serial_keys_leave_a_sequence_that_never_ends)
{
	CHECK(is_text("\x1b[1111111111111111x", "x"));
	CHECK(is_text("\x1b[1\xff" "A", "A"));
	CHECK(is_one("\x1b[1\r", KEY_ENTER, 0));
	CHECK(is_one("\x1b[1\x1b[A", KEY_UP, 0));
	CHECK(is_one("\x1bO\x1b[A", KEY_UP, 0));
	CHECK(is_one("\x1b[[\x1b[A", KEY_UP, 0));
}

CASE(serial_keys_drop_what_is_not_ascii)
{
	CHECK(is_text("a\xc3\xa4\x80\xff" "b", "ab"));
	CHECK(type("\x1c\x1d\x1e\x1f").count == 0);
}

CASE(serial_keys_survive_any_noise)
{
	uint64_t random = check_seed();
	struct serial_keys keys = { 0 };

	for (unsigned i = 0; i < 200000; i++) {
		static const uint8_t likely[] = "\x1b[O;15~A\r\n";
		uint64_t number = check_random(&random) >> 16;
		uint8_t byte = (uint8_t)(number >> 8);
		struct key key;

		if ((number & 1) != 0)
			byte = likely[byte % (sizeof(likely) - 1)];
		key = (number & 0xf0) == 0 ? serial_keys_quiet(&keys) :
					     serial_keys_take(&keys, byte);
		CHECK(key.code == KEY_NONE ||
		      (key.code >= ' ' && key.code <= '~') ||
		      (key.code >= KEY_ENTER && key.code <= KEY_RIGHT));
	}
	serial_keys_quiet(&keys);
	CHECK(serial_keys_take(&keys, 'a').code == 'a');
}
