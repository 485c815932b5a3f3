/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * highlight.h - which colour each byte of the console's text is shown in.
 *
 * Takes: what is printed, in pieces of any size.
 * Gives: a colour for each byte, from the line's own form: log lines by their
 *        level, the prompt, what is typed behind it, everything else plain.
 */
#ifndef KERNEL_CONSOLE_HIGHLIGHT_H
#define KERNEL_CONSOLE_HIGHLIGHT_H

#include <stddef.h>
#include <stdint.h>

enum colour {
	COLOUR_TEXT,
	COLOUR_DIM,			/* time stamps, debug lines          */
	COLOUR_ROOM,			/* the room of the line              */
	COLOUR_WARNING,
	COLOUR_ERROR,
	COLOUR_PROMPT,
	COLOUR_TYPED,
	COLOUR_CURSOR,
	/* These no line has; they are for the areas around the text. */
	COLOUR_HEADER_NAME,
	COLOUR_HEADER,
	COLOUR_HEADER_DIM,
	COLOUR_CAUSE,
	COLOUR_TODO,
	COLOUR_COUNT,
};

#define HIGHLIGHT_PROMPT "bulldog> "

/* All zero is the start of a line. */
struct highlight {
	uint8_t part;			/* of a line; the .c says which      */
	uint8_t colour;			/* of the rest of the line           */
	uint16_t left;			/* bytes of this part                */
};

/*
 * The colour of text[0]; `bytes` bytes are known, that one included. A prompt,
 * or the stamp and level of a log line, is known by its first piece only.
 */
enum colour highlight_next(struct highlight *highlight, const char *text,
			size_t bytes);

#endif
