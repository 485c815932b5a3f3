// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The start of a line determines its colours, and log lines and prompts are
 * always printed in one call, so the start is complete. So the text is parsed
 * once, at the start of a line; after that only bytes are counted.
 *
 * A log line is `[seconds.micros] L room: event key=value`.
 */
#include "highlight.h"

#include <base/string.h>

enum part {
	PART_START,			/* of a line */
	PART_STAMP,			/* `left` bytes of it */
	PART_LEVEL,			/* its letter and a space */
	PART_ROOM,			/* up to and with the colon */
	PART_REST,
	PART_PROMPT,
};

#define LEVEL_BYTES 2

static void enter(struct highlight *highlight, enum part part, size_t left)
{
	highlight->part = part;
	highlight->left = (uint16_t)left;
}

/* COLOUR_COUNT for a letter that is no log level. */
static enum colour colour_of_level(char letter)
{
	switch (letter) {
	case 'E':
		return COLOUR_ERROR;
	case 'W':
		return COLOUR_WARNING;
	case 'I':
		return COLOUR_TEXT;
	case 'D':
		return COLOUR_DIM;
	default:
		return COLOUR_COUNT;
	}
}

/* Bytes of "[seconds.micros] " at the start of a log line, else 0. */
static size_t stamp_bytes(const char *text, size_t bytes)
{
	size_t at = 1;

	if (*text != '[')
		return 0;
	while (at < bytes && ((text[at] >= '0' && text[at] <= '9') ||
			      text[at] == '.' || text[at] == ' '))
		at++;
	if (at + 3 >= bytes || text[at] != ']' || text[at + 1] != ' ' ||
	    colour_of_level(text[at + 2]) == COLOUR_COUNT ||
	    text[at + 3] != ' ')
		return 0;
	return at + 2;
}

static void start_line(struct highlight *highlight, const char *text,
		       size_t bytes)
{
	size_t prompt_bytes = strlen(HIGHLIGHT_PROMPT);
	size_t stamp = stamp_bytes(text, bytes);

	highlight->colour = COLOUR_TEXT;
	if (stamp > 0) {
		highlight->colour = (uint8_t)colour_of_level(text[stamp]);
		enter(highlight, PART_STAMP, stamp);
	} else if (bytes >= prompt_bytes &&
		   memcmp(text, HIGHLIGHT_PROMPT, prompt_bytes) == 0) {
		highlight->colour = COLOUR_TYPED;
		enter(highlight, PART_PROMPT, prompt_bytes);
	} else {
		enter(highlight, PART_REST, 0);
	}
}

/* Counts a byte of a part; after the last one the next part begins. */
static void count_down(struct highlight *highlight)
{
	enum part next = PART_REST;

	if (--highlight->left > 0)
		return;
	if (highlight->part == PART_STAMP)
		next = PART_LEVEL;
	else if (highlight->part == PART_LEVEL &&
		 highlight->colour == COLOUR_TEXT)
		next = PART_ROOM;
	enter(highlight, next, next == PART_LEVEL ? LEVEL_BYTES : 0);
}

enum colour highlight_next(struct highlight *highlight, const char *text,
			size_t bytes)
{
	enum colour rest;

	if (*text == '\n') {
		enter(highlight, PART_START, 0);
		return COLOUR_TEXT;
	}
	if (highlight->part == PART_START)
		start_line(highlight, text, bytes);
	rest = (enum colour)highlight->colour;
	switch ((enum part)highlight->part) {
	case PART_STAMP:
		count_down(highlight);
		return COLOUR_DIM;
	case PART_LEVEL:
		count_down(highlight);
		return rest == COLOUR_TEXT ? COLOUR_DIM : rest;
	case PART_PROMPT:
		count_down(highlight);
		return COLOUR_PROMPT;
	case PART_ROOM:
		if (*text == ':')
			enter(highlight, PART_REST, 0);
		return COLOUR_ROOM;
	case PART_START:
	case PART_REST:
		break;
	}
	return rest;
}
