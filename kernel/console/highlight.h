/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * highlight.h - chooses the colour of each byte of console text.
 *
 * Takes: the printed text, in pieces of any size.
 * Gives: a colour for each byte, from the form of its line: log lines by their
 *        level, the prompt, text typed after it, everything else plain.
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
	/* No text has these; they are for the areas around it. */
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
	uint8_t part;			/* of the line, see highlight.c      */
	uint8_t colour;			/* of the rest of the line           */
	uint16_t left;			/* bytes of this part                */
};

/*
 * The colour of text[0], given the first `bytes` bytes of the text. A prompt,
 * or the stamp and level of a log line, is recognised only when `text` has all
 * of it.
 */
enum colour highlight_next(struct highlight *highlight, const char *text,
			size_t bytes);

#endif
