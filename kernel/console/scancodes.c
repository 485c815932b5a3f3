// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A code means that a key is pressed; the same code with its top bit set, that
 * it is released. E0 before it means another key with the same code: the grey
 * arrows have the codes of the keypad's. E1 begins the only longer sequence,
 * Pause, which has no release and is ignored.
 *
 * Bytes get lost: the controller holds one, and firmware or a switch box may
 * read some. So no lost byte may have a lasting effect. If a release is lost,
 * Shift stays held until it is next released; a keyboard that reports an
 * overrun (00 or FF) clears all held keys; E1 skips two bytes and no more.
 *
 * The state of the Num Lock lamp is unknown: the firmware set it. The keypad
 * begins with digits, because keyboards with a keypad have separate arrows. E0
 * 2A and E0 36 are Shifts that keyboards insert around grey keys: as codes
 * after E0 they differ from the real Shifts here, and are ignored.
 * Source: IBM PS/2 keyboard and auxiliary device controller reference.
 */
#include "scancodes.h"

#include <base/bits.h>

#include <stddef.h>

#define BYTE_EXTENDED	0xe0
#define BYTE_PAUSE	0xe1
#define BYTES_OF_PAUSE	2	/* after E1; a release comes with its own */
#define RELEASED	0x80
/* The top bit of a press is 0, so it can hold the E0. */
#define EXTENDED	0x80
#define KEYPAD_FIRST	0x47
#define KEYPAD_LAST	0x53
#define KEY_102ND	0x56	/* beside the left Shift, outside the USA */

enum down {
	DOWN_LEFT_SHIFT = 1 << 0,
	DOWN_RIGHT_SHIFT = 1 << 1,
	DOWN_LEFT_CTRL = 1 << 2,
	DOWN_RIGHT_CTRL = 1 << 3,
	DOWN_LEFT_ALT = 1 << 4,
	DOWN_RIGHT_ALT = 1 << 5,
	DOWN_CAPS_LOCK = 1 << 6,
	DOWN_NUM_LOCK = 1 << 7,
};

#define SHIFTS	(DOWN_LEFT_SHIFT | DOWN_RIGHT_SHIFT)
#define CTRLS	(DOWN_LEFT_CTRL | DOWN_RIGHT_CTRL)
#define ALTS	(DOWN_LEFT_ALT | DOWN_RIGHT_ALT)

/* From code 0 on; NUL for keys without a character. */
static const char plain[] = "\0\033" "1234567890-=\b\t"
			    "qwertyuiop[]\r\0"
			    "asdfghjkl;'`\0"
			    "\\zxcvbnm,./\0"
			    "*\0 ";
static const char shifted[] = "\0\033" "!@#$%^&*()_+\b\t"
			      "QWERTYUIOP{}\r\0"
			      "ASDFGHJKL:\"~\0"
			      "|ZXCVBNM<>?\0"
			      "*\0 ";

static const char keypad_digits[] = "789-456+1230.";
static const uint16_t keypad_moves[] = {
	KEY_HOME, KEY_UP, KEY_PAGE_UP, KEY_NONE,
	KEY_LEFT, KEY_NONE, KEY_RIGHT, KEY_NONE,
	KEY_END, KEY_DOWN, KEY_PAGE_DOWN, KEY_INSERT, KEY_DELETE,
};

static const struct key no_key = { KEY_NONE, 0 };

static uint16_t down_bit(unsigned place)
{
	switch (place) {
	case 0x2a:
		return DOWN_LEFT_SHIFT;
	case 0x36:
		return DOWN_RIGHT_SHIFT;
	case 0x1d:
		return DOWN_LEFT_CTRL;
	case EXTENDED | 0x1d:
		return DOWN_RIGHT_CTRL;
	case 0x38:
		return DOWN_LEFT_ALT;
	case EXTENDED | 0x38:
		return DOWN_RIGHT_ALT;
	case 0x3a:
		return DOWN_CAPS_LOCK;
	case 0x45:
		return DOWN_NUM_LOCK;
	}
	return 0;
}

/* A held key repeats; a lock must change only with the first press. */
static void press(struct scancodes *codes, uint16_t bit)
{
	if ((codes->down & bit) == 0) {
		codes->capitals ^= bit == DOWN_CAPS_LOCK;
		codes->arrows ^= bit == DOWN_NUM_LOCK;
	}
	codes->down |= bit;
}

static bool is_letter(char character)
{
	return character >= 'a' && character <= 'z';
}

static char character_at(const struct scancodes *codes, unsigned place)
{
	bool shift = (codes->down & SHIFTS) != 0;

	if (place == (EXTENDED | 0x1c))
		return '\r';
	if (place == (EXTENDED | 0x35))
		return '/';
	if (place == KEY_102ND)
		return shift ? '>' : '<';
	if (place >= KEYPAD_FIRST && place <= KEYPAD_LAST)
		return keypad_digits[place - KEYPAD_FIRST];
	if (place >= sizeof(plain) - 1)
		return '\0';
	if (is_letter(plain[place]))
		shift ^= codes->capitals;
	return shift ? shifted[place] : plain[place];
}

static uint16_t move_at(const struct scancodes *codes, unsigned place)
{
	if (place >= KEYPAD_FIRST && place <= KEYPAD_LAST)
		return codes->arrows ? keypad_moves[place - KEYPAD_FIRST] :
				       KEY_NONE;
	place -= EXTENDED;
	if (place >= KEYPAD_FIRST && place <= KEYPAD_LAST)
		return keypad_moves[place - KEYPAD_FIRST];
	return KEY_NONE;
}

static uint8_t held(const struct scancodes *codes)
{
	return ((codes->down & ALTS) != 0 ? KEY_ALT : 0) |
	       ((codes->down & CTRLS) != 0 ? KEY_CTRL : 0);
}

static struct key key_of_character(const struct scancodes *codes,
				   char character)
{
	struct key key = { (uint8_t)character, held(codes) };

	if (character < ' ') {
		key.code = key_from_control((uint8_t)character).code;
		if ((codes->down & SHIFTS) != 0)
			key.held |= KEY_SHIFT;
	} else if ((key.held & KEY_CTRL) != 0 && character >= '@') {
		/* As a terminal sends it: Ctrl-M is Enter. */
		uint8_t alt = key.held & KEY_ALT;

		key = key_from_control(character & 0x1f);
		key.held |= alt;
	}
	return key;
}

static struct key key_at(const struct scancodes *codes, unsigned place)
{
	uint16_t move = move_at(codes, place);
	char character;

	if (move != KEY_NONE)
		return (struct key){
			move,
			held(codes) |
				((codes->down & SHIFTS) != 0 ? KEY_SHIFT : 0),
		};
	character = character_at(codes, place);
	return character != '\0' ? key_of_character(codes, character) : no_key;
}

struct key scancodes_take(struct scancodes *codes, uint8_t byte)
{
	unsigned place = (byte & (RELEASED - 1)) | codes->prefix;
	uint16_t bit = down_bit(place);

	if (codes->skip > 0) {
		codes->skip--;
		return no_key;
	}
	codes->prefix = 0;
	switch (byte) {
	case BYTE_EXTENDED:
		codes->prefix = EXTENDED;
		return no_key;
	case BYTE_PAUSE:
		codes->skip = BYTES_OF_PAUSE;
		return no_key;
	case 0x00:
	case 0xff:
		codes->down = 0;
		return no_key;
	}
	if ((byte & RELEASED) != 0) {
		codes->down &= ~bit;
		return no_key;
	}
	if (bit != 0) {
		press(codes, bit);
		return no_key;
	}
	return key_at(codes, place);
}
