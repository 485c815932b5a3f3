/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * command_line.h - one typed line, or one command of `run=`, in words.
 *
 * Words are separated by blanks; double quotes keep blanks in a word. `-m`
 * anywhere asks for records and is no word.
 */
#ifndef KERNEL_LIB_COMMAND_LINE_H
#define KERNEL_LIB_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include <base/status.h>

#define COMMAND_LINE_BYTES	512
#define COMMAND_WORDS_MAX	16

struct command_line {
	char text[COMMAND_LINE_BYTES];	/* the words, each with its NUL      */
	bool records;
	unsigned count;
	const char *words[COMMAND_WORDS_MAX];
};

/*
 * Fails: ST_FULL (line or words), ST_BAD_ARGUMENT (a quote is not closed);
 *        count is 0 then.
 */
enum status command_line_split(struct command_line *line, const char *text);

/*
 * The next command of a list with ';' between (not inside quotes), copied
 * to `to`; NULL when there is none, else where to go on.
 * A command that does not fit is cut, and then does not split or run.
 */
const char *command_line_next(const char *list, char *to, size_t bytes);

#endif
