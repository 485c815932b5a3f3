/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * fake_terminal.h - what a person sees on the plainest terminal there is.
 *
 * Knows printable bytes, backspace, CR and LF (which, as our serial line
 * sends CR LF for it, also returns). Anything else, a backspace in the first
 * column and a character in the last one are counted as strange: terminals
 * do not agree on them.
 */
#ifndef TESTS_FAKE_TERMINAL_H
#define TESTS_FAKE_TERMINAL_H

#include <stddef.h>

#include <base/text.h>

#define TERMINAL_ROWS		8
#define TERMINAL_COLUMNS_MAX	256

struct fake_terminal {
	struct sink sink;
	unsigned columns;
	unsigned row, column;
	/* Blank where nothing was written; a NUL behind the last column. */
	char rows[TERMINAL_ROWS][TERMINAL_COLUMNS_MAX + 1];
	unsigned strange;
	size_t bytes;		/* that were sent, ever                      */
	size_t controls;	/* of them, backspaces and CRs               */
};

void fake_terminal_init(struct fake_terminal *terminal, unsigned columns);

#endif
