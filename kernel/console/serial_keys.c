// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Terminals agree on the form of their sequences (ECMA-48 section 5.4), not on
 * their meaning: Home has five sequences. So the form is parsed first, then a
 * table gives the key. All of an unknown sequence is dropped, so that no part
 * of it appears in the line.
 *
 * Noise can have that form too. A sequence ends at a control byte, at a byte
 * beyond ASCII, after SEQUENCE_BYTES, or when no byte comes for a while; then
 * the next byte starts anew.
 * Source: ECMA-48; XTerm Control Sequences, "PC-Style Function Keys".
 */
#include "serial_keys.h"

#include <base/bits.h>

#include <stddef.h>

#define ESCAPE		0x1b
#define SEQUENCE_BYTES	16
#define NUMBER_MAX	999

static const struct key no_key = { KEY_NONE, 0 };

struct meaning {
	char final;
	uint8_t held;
	uint16_t code;
};

static const struct meaning final_meanings[] = {
	{ 'A', 0, KEY_UP },	    { 'B', 0, KEY_DOWN },
	{ 'C', 0, KEY_RIGHT },	    { 'D', 0, KEY_LEFT },
	{ 'H', 0, KEY_HOME },	    { 'F', 0, KEY_END },
	{ 'Z', KEY_SHIFT, KEY_TAB },
};

/* rxvt: small letters are arrows, with Shift after [, with Ctrl after O. */
static const uint16_t rxvt_arrows[] = {
	KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT,
};

static const uint16_t number_meanings[] = {
	[1] = KEY_HOME, [2] = KEY_INSERT,  [3] = KEY_DELETE,
	[4] = KEY_END,	[5] = KEY_PAGE_UP, [6] = KEY_PAGE_DOWN,
	[7] = KEY_HOME, [8] = KEY_END,
};

static void begin(struct serial_keys *keys, enum serial_keys_state state)
{
	*keys = (struct serial_keys){ .state = state };
}

static struct key with(struct key key, unsigned held)
{
	if (key.code != KEY_NONE)
		key.held |= (uint8_t)held;
	return key;
}

static struct key final_meaning(char final)
{
	for (size_t i = 0; i < ARRAY_LENGTH(final_meanings); i++)
		if (final_meanings[i].final == final)
			return (struct key){ final_meanings[i].code,
					     final_meanings[i].held };
	return no_key;
}

static struct key number_meaning(unsigned number)
{
	if (number >= ARRAY_LENGTH(number_meanings))
		return no_key;
	return (struct key){ number_meanings[number], 0 };
}

/* xterm: 1 plus the sum of the modifiers that are held. */
static unsigned held_by_number(unsigned number)
{
	return number >= 2 && number <= 8 ? number - 1 : 0;
}

static void add_digit(struct serial_keys *keys, uint8_t byte)
{
	unsigned *number;

	if (keys->numbers >= ARRAY_LENGTH(keys->number))
		return;
	number = &keys->number[keys->numbers];
	if (*number <= NUMBER_MAX)
		*number = *number * 10 + (byte - '0');
}

static struct key end_control(struct serial_keys *keys, char final)
{
	struct serial_keys seen = *keys;
	struct key key = no_key;

	begin(keys, SERIAL_PLAIN);
	if (seen.unknown)
		return no_key;
	if (final == '~')
		key = number_meaning(seen.number[0]);
	else if (final == '^')
		key = with(number_meaning(seen.number[0]), KEY_CTRL);
	else if (final >= 'a' && final <= 'd')
		key = (struct key){ rxvt_arrows[final - 'a'], KEY_SHIFT };
	else
		key = final_meaning(final);
	return with(key, held_by_number(seen.number[1]));
}

static struct key take_control(struct serial_keys *keys, uint8_t byte)
{
	if (keys->bytes == 0 && byte == '[') {
		begin(keys, SERIAL_FUNCTION);
		return no_key;
	}
	if (byte >= '@')
		return end_control(keys, (char)byte);
	if (byte >= '0' && byte <= '9')
		add_digit(keys, byte);
	else if (byte == ';')
		keys->numbers++;
	else
		keys->unknown = true;
	if (++keys->bytes == SEQUENCE_BYTES)
		begin(keys, SERIAL_PLAIN);
	return no_key;
}

/* In keypad mode the characters are 0x40 higher. */
static struct key take_shift(struct serial_keys *keys, uint8_t byte)
{
	unsigned held = held_by_number(keys->number[0]);
	struct key key = final_meaning((char)byte);

	if (byte >= '0' && byte <= '9' && keys->bytes == 0) {
		add_digit(keys, byte);
		keys->bytes++;
		return no_key;
	}
	begin(keys, SERIAL_PLAIN);
	if (byte == 'M')
		key.code = KEY_ENTER;
	else if (byte >= 'a' && byte <= 'd')
		key = (struct key){ rxvt_arrows[byte - 'a'], KEY_CTRL };
	else if (byte >= 'j' && byte <= 'y')
		key.code = byte - 0x40;
	return with(key, held);
}

static struct key take_escape(struct serial_keys *keys, uint8_t byte)
{
	switch (byte) {
	case '[':
		begin(keys, SERIAL_CONTROL);
		return no_key;
	case 'O':
		begin(keys, SERIAL_SHIFT);
		return no_key;
	case ESCAPE:
		return (struct key){ KEY_ESCAPE, 0 };
	}
	begin(keys, SERIAL_PLAIN);
	keys->after_return = byte == '\r';
	if (byte > 0x7f)
		return (struct key){ KEY_ESCAPE, 0 };
	if (byte < ' ' || byte == 0x7f)
		return with(key_from_control(byte), KEY_ALT);
	return (struct key){ byte, KEY_ALT };
}

static struct key take_plain(struct serial_keys *keys, uint8_t byte)
{
	bool after_return = keys->after_return;

	begin(keys, byte == ESCAPE ? SERIAL_ESCAPE : SERIAL_PLAIN);
	if (byte == ESCAPE || byte > 0x7f || (byte == '\n' && after_return))
		return no_key;
	keys->after_return = byte == '\r';
	if (byte < ' ' || byte == 0x7f)
		return key_from_control(byte);
	return (struct key){ byte, 0 };
}

struct key serial_keys_take(struct serial_keys *keys, uint8_t byte)
{
	bool fits = byte >= ' ' && byte <= '~';

	if (keys->state == SERIAL_ESCAPE)
		return take_escape(keys, byte);
	if (keys->state == SERIAL_PLAIN || !fits)
		return take_plain(keys, byte);
	if (keys->state == SERIAL_CONTROL)
		return take_control(keys, byte);
	if (keys->state == SERIAL_SHIFT)
		return take_shift(keys, byte);
	begin(keys, SERIAL_PLAIN);
	return no_key;
}

struct key serial_keys_quiet(struct serial_keys *keys)
{
	struct serial_keys seen = *keys;

	begin(keys, SERIAL_PLAIN);
	if (seen.state == SERIAL_ESCAPE)
		return (struct key){ KEY_ESCAPE, 0 };
	if (seen.state == SERIAL_CONTROL && seen.bytes == 0)
		return (struct key){ '[', KEY_ALT };
	if (seen.state == SERIAL_SHIFT && seen.bytes == 0)
		return (struct key){ 'O', KEY_ALT };
	return no_key;
}
