// SPDX-License-Identifier: MIT OR Apache-2.0
#include "cursor.h"

bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

/* The value of a digit, or 16 for anything else. */
static unsigned digit_value(char byte)
{
	char small = lower(byte);

	if (small >= '0' && small <= '9')
		return (unsigned)(small - '0');
	if (small >= 'a' && small <= 'f')
		return (unsigned)(small - 'a') + 10;
	return 16;
}

bool is_word_byte(char byte)
{
	char small = lower(byte);

	return (small >= 'a' && small <= 'z') ||
	       (small >= '0' && small <= '9') || small == '_';
}

void skip_blanks(struct cursor *cursor)
{
	while (cursor->at < cursor->end && is_blank(*cursor->at))
		cursor->at++;
}

void skip_word(struct cursor *cursor)
{
	skip_blanks(cursor);
	while (cursor->at < cursor->end && is_word_byte(*cursor->at))
		cursor->at++;
}

bool at_end(const struct cursor *cursor)
{
	struct cursor rest = *cursor;

	skip_blanks(&rest);
	return rest.at == rest.end;
}

bool take_text(struct cursor *cursor, const char *text)
{
	struct cursor rest = *cursor;

	skip_blanks(&rest);
	for (; *text != '\0'; text++, rest.at++)
		if (rest.at == rest.end || lower(*rest.at) != lower(*text))
			return false;
	*cursor = rest;
	return true;
}

bool take_word(struct cursor *cursor, const char *word)
{
	struct cursor rest = *cursor;

	if (!take_text(&rest, word))
		return false;
	if (rest.at < rest.end && is_word_byte(*rest.at))
		return false;
	*cursor = rest;
	return true;
}

static bool take_digits(struct cursor *cursor, uint64_t base,
			struct number *out)
{
	struct number number = { .value = 0 };
	const char *first = cursor->at;

	for (; cursor->at < cursor->end; cursor->at++) {
		unsigned digit = digit_value(*cursor->at);

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(number.value, base, &number.value) ||
		    __builtin_add_overflow(number.value, digit, &number.value))
			number.too_large = true;
	}
	*out = number;
	if (cursor->at < cursor->end && is_word_byte(*cursor->at))
		return false;
	return cursor->at > first;
}

bool take_hex_number(struct cursor *cursor, struct number *out)
{
	struct cursor rest = *cursor;

	skip_blanks(&rest);
	if (rest.end - rest.at > 2 && rest.at[0] == '0' &&
	    lower(rest.at[1]) == 'x')
		rest.at += 2;
	if (!take_digits(&rest, 16, out))
		return false;
	*cursor = rest;
	return true;
}

bool take_hex(struct cursor *cursor, uint64_t *out)
{
	struct cursor rest = *cursor;
	struct number number;

	if (!take_hex_number(&rest, &number) || number.too_large)
		return false;
	*out = number.value;
	*cursor = rest;
	return true;
}

bool take_decimal(struct cursor *cursor, uint64_t *out)
{
	struct cursor rest = *cursor;
	struct number number;

	skip_blanks(&rest);
	if (!take_digits(&rest, 10, &number) || number.too_large)
		return false;
	*out = number.value;
	*cursor = rest;
	return true;
}

bool skip_past(struct cursor *cursor, const char *text)
{
	struct cursor rest = *cursor;

	for (; rest.at < rest.end; rest.at++) {
		struct cursor behind = rest;

		if (!is_blank(*rest.at) && take_text(&behind, text)) {
			*cursor = behind;
			return true;
		}
	}
	return false;
}

bool take_number_before_word(struct cursor *cursor, uint64_t *out)
{
	struct cursor rest = *cursor;
	struct number number;

	skip_blanks(&rest);
	(void)take_digits(&rest, 10, &number);
	if (rest.at == rest.end || rest.at == cursor->at || number.too_large ||
	    digit_value(rest.at[-1]) > 9 || !is_word_byte(*rest.at))
		return false;
	*out = number.value;
	*cursor = rest;
	return true;
}

bool stands_next(struct cursor cursor, const char *text)
{
	return take_text(&cursor, text);
}

bool skip_past_xen(struct cursor *cursor)
{
	struct cursor rest = *cursor, stamp;

	if (!skip_past(&rest, "(XEN)"))
		return false;
	stamp = rest;
	if (take_text(&stamp, "[") && skip_past(&stamp, "]")) {
		struct cursor inside = rest;

		/* `[0, 9fff]` is a range, `[00:00:01.5]` a stamp. */
		inside.end = stamp.at;
		if (!skip_past(&inside, ","))
			rest = stamp;
	}
	*cursor = rest;
	return true;
}
