// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The edit distance between every prefix of one word and every prefix of the
 * other, a row at a time; a swap needs the row before the last one. Source:
 * Damerau 1964, in the restricted form: no letter is edited twice.
 */
#include "nearest_name.h"

#include <base/bits.h>
#include <base/string.h>

#include <stddef.h>

#define SLIPS_MAX 2

/* Row i is row[i % 3]: this one, the last, and the one before that. */
struct rows {
	unsigned row[3][NEAREST_NAME_BYTES + 1];
};

static char small(char letter)
{
	return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter;
}

static bool same(char a, char b)
{
	return small(a) == small(b);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Row `i` of the distances between `a` and `b`, i > 0. */
static void fill_row(struct rows *rows, const char *a, const char *b, size_t i)
{
	const unsigned *two_ago = rows->row[(i + 1) % 3];
	const unsigned *ago = rows->row[(i + 2) % 3];
	unsigned *now = rows->row[i % 3];

	now[0] = i;
	for (size_t j = 1; b[j - 1] != '\0'; j++) {
		unsigned best = ago[j - 1] + !same(a[i - 1], b[j - 1]);

		best = least(best, ago[j] + 1);
		best = least(best, now[j - 1] + 1);
		if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
		    same(a[i - 2], b[j - 1]))
			best = least(best, two_ago[j - 2] + 1);
		now[j] = best;
	}
}

static unsigned distance(const char *a, const char *b)
{
	size_t a_bytes = strlen(a), b_bytes = strlen(b);
	struct rows rows;

	for (size_t j = 0; j <= b_bytes; j++)
		rows.row[0][j] = j;
	for (size_t i = 1; i <= a_bytes; i++)
		fill_row(&rows, a, b, i);
	return rows.row[a_bytes % 3][b_bytes];
}

const char *nearest_name(const char *typed, nearest_names *names)
{
	size_t typed_bytes = strlen(typed);
	unsigned best = SLIPS_MAX + 1;
	const char *nearest = NULL;
	const char *name;

	for (unsigned i = 0; (name = names(i)) != NULL; i++) {
		size_t bytes = strlen(name);
		unsigned slips;

		if (bytes > NEAREST_NAME_BYTES)
			continue;
		slips = distance(typed, name);
		if (slips < best && slips <= max_u64(typed_bytes, bytes) / 2) {
			best = slips;
			nearest = name;
		}
	}
	return nearest;
}
