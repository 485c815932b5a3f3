/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * cursor.h - reading one line of text from left to right.
 *
 * Every take_x either takes what it names and says true, or takes nothing
 * and says false. Letters match in either case. The line need not end in a
 * NUL and may contain one.
 */
#ifndef BULLDOG_CURSOR_H
#define BULLDOG_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const char *at, *end;
};

/* A number as it was written: what does not fit 64 bits is said, not cut. */
struct number {
	uint64_t value;
	bool too_large;
};

bool at_end(const struct cursor *cursor);	/* nothing but blanks left   */
void skip_blanks(struct cursor *cursor);
/* Blanks, then letters, digits and `_`, if there are some. */
void skip_word(struct cursor *cursor);
/* Blanks, then `text`. */
bool take_text(struct cursor *cursor, const char *text);
/* As take_text, but not when a letter, digit or `_` follows. */
bool take_word(struct cursor *cursor, const char *word);
/* Blanks, an optional 0x, hexadecimal digits; no letter or `_` behind them. */
bool take_hex_number(struct cursor *cursor, struct number *out);
/* The same, and no larger than 64 bits. */
bool take_hex(struct cursor *cursor, uint64_t *out);
/* Blanks, decimal digits, no larger than 64 bits; no letter behind them. */
bool take_decimal(struct cursor *cursor, uint64_t *out);
/* As take_decimal, but a letter must follow: `64KiB`. */
bool take_number_before_word(struct cursor *cursor, uint64_t *out);
/* Moves behind the first place where `text` stands. */
bool skip_past(struct cursor *cursor, const char *text);
/* Behind `(XEN)` and a stamp in brackets, if there is one. */
bool skip_past_xen(struct cursor *cursor);
/* Whether take_text would take it. */
bool stands_next(struct cursor cursor, const char *text);
bool is_blank(char byte);
bool is_word_byte(char byte);			/* a letter, digit or `_`    */

#endif
