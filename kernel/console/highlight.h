/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * highlight.h - which ink each byte of the console's text is shown in.
 *
 * Takes: what is printed, in pieces of any size.
 * Gives: an ink for each byte, from the line's own form: log lines by their
 *        level, the prompt, what is typed behind it, everything else plain.
 */
#ifndef KERNEL_CONSOLE_HIGHLIGHT_H
#define KERNEL_CONSOLE_HIGHLIGHT_H

#include <stddef.h>
#include <stdint.h>

enum ink {
	INK_TEXT,
	INK_DIM,			/* time stamps, debug lines          */
	INK_ROOM,			/* who says it                       */
	INK_WARNING,
	INK_ERROR,
	INK_PROMPT,
	INK_TYPED,
	INK_CURSOR,
	/* These no line has; they are for the areas around the text. */
	INK_HEADER_NAME,
	INK_HEADER,
	INK_HEADER_DIM,
	INK_CAUSE,
	INK_TODO,
	INK_COUNT,
};

#define HIGHLIGHT_PROMPT "bulldog> "

/* All zero is the start of a line. */
struct highlight {
	uint8_t part;			/* of a line; the .c says which      */
	uint8_t ink;			/* of the rest of the line           */
	uint16_t left;			/* bytes of this part                */
};

/*
 * The ink of text[0]; `bytes` bytes are known, that one included. A prompt,
 * or the stamp and level of a log line, is known by its first piece only.
 */
enum ink highlight_next(struct highlight *highlight, const char *text,
			size_t bytes);

#endif
