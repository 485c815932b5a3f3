// SPDX-License-Identifier: MIT OR Apache-2.0
#include <kernel/lib/command_line.h>

#include "check.h"

static struct command_line line;

/* The words with '|' between, or the status' number. */
static const char *split(const char *text)
{
	static char out[COMMAND_LINE_BYTES * 2];
	enum status status = command_line_split(&line, text);

	out[0] = '\0';
	if (status != ST_OK) {
		CHECK(line.count == 0);
		snprintf(out, sizeof(out), "status %d", status);
		return out;
	}
	for (unsigned i = 0; i < line.count; i++) {
		strcat(out, line.words[i]);
		strcat(out, "|");
	}
	return out;
}

static bool fails_with(const char *text, enum status status)
{
	return command_line_split(&line, text) == status && line.count == 0;
}

CASE(command_line_splits_at_blanks)
{
	CHECK(strcmp(split("pt find 0x10"), "pt|find|0x10|") == 0);
	CHECK(strcmp(split("  pt \t dump  "), "pt|dump|") == 0);
	CHECK(strcmp(split(""), "") == 0);
	CHECK(strcmp(split(" \t "), "") == 0);
}

CASE(command_line_keeps_quoted_words_together)
{
	CHECK(strcmp(split("help \"a b\" c"), "help|a b|c|") == 0);
	CHECK(strcmp(split("help \"\""), "help||") == 0);
	CHECK(strcmp(split("\"a\"b"), "a|b|") == 0);
	CHECK(fails_with("help \"open", ST_BAD_ARGUMENT));
	CHECK(fails_with("\"", ST_BAD_ARGUMENT));
}

CASE(command_line_takes_the_records_flag_out)
{
	CHECK(strcmp(split("ledger -m"), "ledger|") == 0 && line.records);
	CHECK(strcmp(split("-m pt dump"), "pt|dump|") == 0 && line.records);
	CHECK(strcmp(split("ledger -mm"), "ledger|-mm|") == 0);
	CHECK(!line.records);
}

CASE(command_line_refuses_too_much)
{
	char text[COMMAND_LINE_BYTES + 2];

	CHECK(strcmp(split("1 2 3 4 5 6 7 8 9 a b c d e f g"),
		     "1|2|3|4|5|6|7|8|9|a|b|c|d|e|f|g|") == 0);
	CHECK(fails_with("1 2 3 4 5 6 7 8 9 a b c d e f g h", ST_FULL));
	memset(text, 'x', sizeof(text));
	text[COMMAND_LINE_BYTES] = '\0';
	CHECK(fails_with(text, ST_FULL));
	text[COMMAND_LINE_BYTES - 1] = '\0';
	CHECK(command_line_split(&line, text) == ST_OK && line.count == 1);
}

CASE(command_line_next_cuts_a_list_outside_quotes)
{
	const char *list = "a; b \"c;d\";;e";
	char one[32];

	list = command_line_next(list, one, sizeof(one));
	CHECK(strcmp(one, "a") == 0);
	list = command_line_next(list, one, sizeof(one));
	CHECK(strcmp(one, " b \"c;d\"") == 0);
	list = command_line_next(list, one, sizeof(one));
	CHECK(strcmp(one, "") == 0);
	list = command_line_next(list, one, sizeof(one));
	CHECK(strcmp(one, "e") == 0);
	CHECK(command_line_next(list, one, sizeof(one)) == NULL);
}

CASE(command_line_next_cuts_what_does_not_fit)
{
	char one[4];

	CHECK(*command_line_next("abcdef;g", one, sizeof(one)) == 'g');
	CHECK(strcmp(one, "abc") == 0);
}
