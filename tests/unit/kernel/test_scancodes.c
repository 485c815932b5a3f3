// SPDX-License-Identifier: MIT OR Apache-2.0
/* Scan codes are written as a keyboard sends them, in hexadecimal. */
#include "check.h"

#include <base/text.h>

#include <kernel/console/scancodes.h>

#define TEXT_BYTES 256

/* The name of a key: a, C-a, M-x, S-Up, C-M-Left. */
static size_t key_name(struct key key, char *to, size_t bytes)
{
	static const char *const names[] = {
		"Enter", "Tab",	 "Backspace", "Escape", "Insert", "Delete",
		"Home",	 "End",	 "PageUp",    "PageDown", "Up",	  "Down",
		"Left",	 "Right",
	};
	char character[2] = { (char)key.code, '\0' };

	return text_print(to, bytes, "%s%s%s%s",
			  (key.held & KEY_CTRL) != 0 ? "C-" : "",
			  (key.held & KEY_ALT) != 0 ? "M-" : "",
			  (key.held & KEY_SHIFT) != 0 ? "S-" : "",
			  key.code >= KEY_ENTER ? names[key.code - KEY_ENTER] :
						  character);
}

/* Feeds codes like "2a 1e aa"; the keys that come, with blanks between. */
static const char *type_into(struct scancodes *codes, const char *bytes)
{
	static char text[TEXT_BYTES];
	size_t used = 0;

	text[0] = '\0';
	while (*bytes != '\0') {
		char *end;
		struct key key = scancodes_take(
			codes, (uint8_t)strtoul(bytes, &end, 16));

		bytes = end;
		if (key.code == KEY_NONE)
			continue;
		if (used > 0)
			used += text_print(text + used, TEXT_BYTES - used,
					   " ");
		used += key_name(key, text + used, TEXT_BYTES - used);
	}
	return text;
}

static bool gives(const char *bytes, const char *want)
{
	struct scancodes codes = { 0 };
	const char *got = type_into(&codes, bytes);

	if (strcmp(got, want) != 0)
		printf("# %s gives \"%s\", not \"%s\"\n", bytes, got, want);
	return strcmp(got, want) == 0;
}

/* All characters of the US layout, each at its place on the keyboard. */
static void check_row(uint8_t first, const char *plain, const char *shifted)
{
	for (uint8_t i = 0; plain[i] != '\0'; i++) {
		struct scancodes codes = { 0 };

		CHECK(scancodes_take(&codes, first + i).code == plain[i]);
		CHECK(scancodes_take(&codes, (first + i) | 0x80).code ==
		      KEY_NONE);
		scancodes_take(&codes, 0x36);
		CHECK(scancodes_take(&codes, first + i).code == shifted[i]);
	}
}

CASE(scancodes_are_the_us_layout)
{
	check_row(0x02, "1234567890-=", "!@#$%^&*()_+");
	check_row(0x10, "qwertyuiop[]", "QWERTYUIOP{}");
	check_row(0x1e, "asdfghjkl;'`", "ASDFGHJKL:\"~");
	check_row(0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?");
	check_row(0x56, "<", ">");
	CHECK(gives("39 1c 0f 0e 01", "  Enter Tab Backspace Escape"));
}

CASE(scancodes_shift_holds_until_it_is_released)
{
	CHECK(gives("2a 1e 9e 30 b0 aa 1e", "A B a"));
	CHECK(gives("36 1e 9e 30 b0 b6 1e", "A B a"));
	/* Both Shifts, one released: the other still counts. */
	CHECK(gives("2a 36 aa 1e b6 1e", "A a"));
	/* Its release was lost: the next release counts. */
	CHECK(gives("2a 1e 2a aa 1e", "A a"));
}

CASE(scancodes_caps_lock_is_for_letters_only)
{
	CHECK(gives("3a ba 1e 02 2a 1e 02 aa 3a ba 1e", "A 1 a ! a"));
	/* Held down, it repeats. */
	CHECK(gives("3a 3a 3a ba 1e", "A"));
	CHECK(gives("3a 3a ba 1e", "A"));
	CHECK(gives("3a 3a ba 3a ba 1e", "a"));
}

CASE(scancodes_ctrl_says_what_a_terminal_sends)
{
	CHECK(gives("1d 1e 2e 9d 1e", "C-a C-c a"));
	CHECK(gives("e0 1d 1e e0 9d 1e", "C-a a"));
	/* Shift and Caps Lock do not matter. */
	CHECK(gives("1d 2a 1e 3a ba 1e", "C-a C-a"));
	CHECK(gives("1d 23 17 24 32 1a", "Backspace Tab Enter Enter Escape"));
	CHECK(gives("1d e0 4b 0e", "C-Left C-Backspace"));
	CHECK(gives("1d 38 1e", "C-M-a"));
}

CASE(scancodes_alt_marks_keys_left_and_right)
{
	CHECK(gives("38 30 b8 30", "M-b b"));
	CHECK(gives("e0 38 21 e0 b8 21", "M-f f"));
	CHECK(gives("38 0e e0 4d", "M-Backspace M-Right"));
	CHECK(gives("38 2a 34", "M->"));
}

CASE(scancodes_extended_keys_are_the_grey_ones)
{
	CHECK(gives("e0 48 e0 50 e0 4b e0 4d", "Up Down Left Right"));
	CHECK(gives("e0 47 e0 4f e0 49 e0 51", "Home End PageUp PageDown"));
	CHECK(gives("e0 52 e0 53 e0 1c e0 35", "Insert Delete Enter /"));
	CHECK(gives("e0 c8 e0 d0", ""));
	/* E0 is for one code only. */
	CHECK(gives("e0 48 48", "Up 8"));
	CHECK(gives("2a e0 49", "S-PageUp"));
}

CASE(scancodes_made_up_shifts_are_ignored)
{
	CHECK(gives("e0 2a e0 4b 1e e0 aa 1e", "Left a a"));
	/* With Shift held, a keyboard releases it around a grey key. */
	CHECK(gives("2a e0 aa e0 4b e0 2a 1e aa 1e", "S-Left A a"));
}

CASE(scancodes_keypad_has_digits_until_num_lock_is_pressed)
{
	CHECK(gives("47 48 49 4a 4b 4c 4d 4e 4f 50 51 52 53 37",
		    "7 8 9 - 4 5 6 + 1 2 3 0 . *"));
	CHECK(gives("45 c5 47 48 49 4a 4b 4c 4d 4e 4f 50 51 52 53",
		    "Home Up PageUp - Left 5 Right + End Down PageDown "
		    "Insert Delete"));
	CHECK(gives("45 45 c5 45 c5 48", "8"));
}

CASE(scancodes_pause_is_eaten_whole)
{
	CHECK(gives("e1 1d 45 e1 9d c5 1e 48", "a 8"));
	CHECK(gives("e0 46 e0 c6 1e", "a"));
}

CASE(scancodes_unknown_codes_and_answers_are_ignored)
{
	CHECK(gives("54 57 58 59 5f 70 7f 46 3b 44", ""));
	CHECK(gives("e0 37 e0 5b e0 5c e0 5d e0 10 e0 6b", ""));
	CHECK(gives("fa fe ee aa 1e", "a"));
}

CASE(scancodes_forget_what_is_held_when_the_keyboard_loses_count)
{
	CHECK(gives("2a 1d 38 ff 1e", "a"));
	CHECK(gives("2a 00 1e", "a"));
	CHECK(gives("3a ba ff 1e", "A"));
}

CASE(scancodes_survive_any_noise)
{
	uint64_t random = check_seed();
	struct scancodes codes = { 0 };

	for (unsigned i = 0; i < 200000; i++) {
		uint8_t byte = (uint8_t)(check_random(&random) >> 32);
		struct key key = scancodes_take(&codes, byte);

		CHECK(key.code == KEY_NONE ||
		      (key.code >= ' ' && key.code <= '~') ||
		      (key.code >= KEY_ENTER && key.code <= KEY_RIGHT));
	}
	/* Two bytes that E1 may still skip, and all keys released. */
	type_into(&codes, "1e 1e ff");
	codes.capitals = false;
	CHECK(strcmp(type_into(&codes, "1e"), "a") == 0);
}
