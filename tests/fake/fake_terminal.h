/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * fake_terminal.h - the rows of a minimal terminal.
 *
 * It shows printable bytes, backspace, CR and LF (which also returns, since
 * our serial line sends CR LF for it). Any other byte, a backspace in the
 * first column and a character in the last column are counted as strange,
 * because terminals do not agree on them.
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
	/* Blank where no character was written; a NUL after the last column. */
	char rows[TERMINAL_ROWS][TERMINAL_COLUMNS_MAX + 1];
	unsigned strange;
	size_t bytes;		/* sent in all                               */
	size_t controls;	/* of them, backspaces and CRs               */
};

void fake_terminal_init(struct fake_terminal *terminal, unsigned columns);

#endif
