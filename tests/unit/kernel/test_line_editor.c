// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Keys are written as a terminal sends them; the visible row is written with a
 * `|` at the cursor.
 */
#include "check.h"

#include <base/bits.h>

#include <kernel/console/line_editor.h>
#include <kernel/console/serial_keys.h>

#include "fake_terminal.h"

#define WIDE		200
#define UP		"\x1b[A"
#define DOWN		"\x1b[B"
#define RIGHT		"\x1b[C"
#define LEFT		"\x1b[D"
#define HOME		"\x1b[H"
#define END		"\x1b[F"
#define DELETE		"\x1b[3~"
#define ALT		"\x1b"

static const char *words_of(const char *before, size_t bytes, unsigned index)
{
	static const char *const commands[] = {
		"help", "ledger", "log", "layout", "memmap", "meminfo", "pt",
	};
	static const char *const of_pt[] = { "dump", "audit", "find" };

	if (bytes == 0)
		return index < ARRAY_LENGTH(commands) ? commands[index] :
							NULL;
	if (bytes == 3 && memcmp(before, "pt ", 3) == 0)
		return index < ARRAY_LENGTH(of_pt) ? of_pt[index] : NULL;
	return NULL;
}

/* Begins a new line after each finished one; returns the last event. */
static enum line_event type(struct line_editor *editor, const char *text)
{
	struct serial_keys keys = { 0 };
	enum line_event event = LINE_EDITED;

	for (; *text != '\0'; text++) {
		struct key key = serial_keys_take(&keys, (uint8_t)*text);

		if (key.code == KEY_NONE)
			continue;
		event = line_editor_take(editor, key);
		if (event == LINE_DONE || event == LINE_CANCELLED)
			line_editor_begin(editor, "> ");
	}
	return event;
}

static struct line_editor *fresh_editor(void)
{
	static struct line_editor editor;

	editor = (struct line_editor){ .names = words_of };
	line_editor_begin(&editor, "> ");
	return &editor;
}

static bool looks(const struct line_editor *editor, size_t columns,
		  const char *want)
{
	char got[LINE_ROW_COLUMNS_MAX + 2];
	struct line_row row;

	line_editor_row(editor, columns, &row);
	memcpy(got, row.text, row.cursor);
	got[row.cursor] = '|';
	memcpy(got + row.cursor + 1, row.text + row.cursor,
	       row.length - row.cursor);
	got[row.length + 1] = '\0';
	if (strcmp(got, want) != 0)
		printf("# \"%s\", not \"%s\"\n", got, want);
	return strcmp(got, want) == 0;
}

/* The line of a fresh editor after these keys. */
static bool gives(const char *keys, const char *want)
{
	struct line_editor *editor = fresh_editor();

	type(editor, keys);
	return looks(editor, WIDE, want);
}

CASE(line_editor_inserts_where_the_cursor_is)
{
	CHECK(gives("", "> |"));
	CHECK(gives("pt", "> pt|"));
	CHECK(gives("pt" LEFT "x", "> px|t"));
	CHECK(gives("pt" HOME "x", "> x|pt"));
	CHECK(gives("pt" HOME "x" END "y", "> xpty|"));
}

CASE(line_editor_moves_and_stops_at_both_ends)
{
	CHECK(gives("ab" LEFT, "> a|b"));
	CHECK(gives("ab" LEFT LEFT LEFT LEFT, "> |ab"));
	CHECK(gives("ab" HOME RIGHT, "> a|b"));
	CHECK(gives("ab" RIGHT, "> ab|"));
	CHECK(gives("ab\x02", "> a|b"));
	CHECK(gives("ab\x01", "> |ab"));
	CHECK(gives("ab\x01\x06", "> a|b"));
	CHECK(gives("ab\x01\x05", "> ab|"));
}

CASE(line_editor_moves_by_words)
{
	CHECK(gives("pt  find 12" ALT "b", "> pt  find |12"));
	CHECK(gives("pt  find 12" ALT "b" ALT "b", "> pt  |find 12"));
	CHECK(gives("pt  find" ALT "b" ALT "b" ALT "b", "> |pt  find"));
	CHECK(gives("pt  find\x01" ALT "f", "> pt|  find"));
	CHECK(gives("pt  find\x01" ALT "f" ALT "f", "> pt  find|"));
	CHECK(gives("pt find\x1b[1;5D", "> pt |find"));
	CHECK(gives("pt find\x01\x1b[1;5C", "> pt| find"));
	CHECK(gives("pt find\x1b[1;3D", "> pt |find"));
}

CASE(line_editor_deletes_characters)
{
	CHECK(gives("abc\b", "> ab|"));
	CHECK(gives("abc\x7f\x7f\x7f\x7f", "> |"));
	CHECK(gives("abc" LEFT "\b", "> a|c"));
	CHECK(gives("abc" HOME DELETE, "> |bc"));
	CHECK(gives("abc" HOME "\x04", "> |bc"));
	CHECK(gives("abc" DELETE "\x04", "> abc|"));
	CHECK(gives("\x04\b" DELETE, "> |"));
}

CASE(line_editor_deletes_words_and_ends)
{
	CHECK(gives("pt find 12\x17", "> pt find |"));
	CHECK(gives("pt find  \x17", "> pt |"));
	CHECK(gives("pt find" LEFT "\x17", "> pt |d"));
	CHECK(gives("pt find\x17\x17\x17", "> |"));
	CHECK(gives("pt find 12" ALT "\x7f", "> pt find |"));
	CHECK(gives("pt find 12\x01" ALT "d", "> | find 12"));
	CHECK(gives("pt find" LEFT LEFT "\x0b", "> pt fi|"));
	CHECK(gives("pt find" LEFT LEFT "\x15", "> |nd"));
}

CASE(line_editor_swaps_neighbours)
{
	CHECK(gives("abc\x14", "> acb|"));
	CHECK(gives("abc" LEFT "\x14", "> acb|"));
	CHECK(gives("abc" LEFT LEFT "\x14", "> ba|c"));
	CHECK(gives("abc\x01\x14", "> |abc"));
	CHECK(gives("a\x14", "> a|"));
	CHECK(gives("\x14", "> |"));
}

CASE(line_editor_ignores_keys_without_a_meaning)
{
	CHECK(gives("ab\x1b[5~\x1b[6~\x1b[2~\x07\x1a\x13" ALT "x",
		    "> ab|"));
	CHECK(gives("ab\x1b[1;5A\x1b[1;3B", "> ab|"));
}

CASE(line_editor_says_what_a_key_meant)
{
	struct line_editor *editor = fresh_editor();

	CHECK(type(editor, "ab") == LINE_EDITED);
	CHECK(type(editor, "\x0c") == LINE_CLEAR);
	CHECK(looks(editor, WIDE, "> ab|"));
	line_editor_take(editor, (struct key){ KEY_ENTER, 0 });
	CHECK(strcmp(editor->text, "ab") == 0);
	CHECK(type(editor, "\r") == LINE_DONE);
	CHECK(type(editor, "x" ALT "\r") == LINE_DONE);
	CHECK(type(editor, "no\x03") == LINE_CANCELLED);
	CHECK(looks(editor, WIDE, "> |"));
	/* A cancelled line is not in the history. */
	type(editor, UP);
	CHECK(looks(editor, WIDE, "> x|"));
}

CASE(line_editor_goes_back_in_history_and_forth_to_the_draft)
{
	CHECK(gives(UP DOWN, "> |"));
	CHECK(gives("one\rtwo\r" UP, "> two|"));
	CHECK(gives("one\rtwo\r" UP UP, "> one|"));
	CHECK(gives("one\rtwo\r" UP UP UP UP DOWN, "> two|"));
	CHECK(gives("one\rtwo\rdraft" UP UP DOWN DOWN, "> draft|"));
	CHECK(gives("one\rtwo\rdraft" UP DOWN DOWN DOWN, "> draft|"));
	CHECK(gives("one\rtwo\r\x10\x10\x0e", "> two|"));
}

CASE(line_editor_keeps_history_as_it_was_run)
{
	/* An edited entry, left and recalled again. */
	CHECK(gives("one\rtwo\r" UP "x" UP DOWN, "> two|"));
	/* Edited and run: a new line, and the old one is unchanged. */
	CHECK(gives("one\rtwo\r" UP "x\r" UP UP, "> two|"));
	CHECK(gives("one\rtwo\r" UP "x\r" UP, "> twox|"));
	CHECK(gives("one\rtwo\r" UP "x\x03" UP, "> two|"));
}

CASE(line_editor_remembers_no_line_twice_in_a_row_and_no_blank_one)
{
	CHECK(gives("one\rtwo\rtwo\rtwo\r" UP UP, "> one|"));
	CHECK(gives("one\r\r   \r" UP, "> one|"));
	CHECK(gives("one\rtwo\r" UP UP "\r" UP UP, "> two|"));
}

CASE(line_editor_forgets_the_oldest_line_first)
{
	struct line_editor *editor = fresh_editor();
	char line[32];

	for (unsigned i = 0; i < LINE_EDITOR_HISTORY + 3; i++) {
		snprintf(line, sizeof(line), "%u\r", i);
		type(editor, line);
	}
	for (unsigned i = 0; i < LINE_EDITOR_HISTORY; i++)
		type(editor, UP);
	CHECK(looks(editor, WIDE, "> 3|"));
	type(editor, UP);
	CHECK(looks(editor, WIDE, "> 3|"));
}

CASE(line_editor_refuses_what_does_not_fit)
{
	struct line_editor *editor = fresh_editor();

	for (unsigned i = 0; i < 2 * LINE_EDITOR_BYTES; i++)
		type(editor, "x");
	CHECK(editor->length == LINE_EDITOR_BYTES - 1);
	CHECK(strlen(editor->text) == LINE_EDITOR_BYTES - 1);
	type(editor, HOME "y\r" UP);
	CHECK(editor->length == LINE_EDITOR_BYTES - 1);
	CHECK(editor->text[0] == 'x');
	/* A completion that does not fit is not inserted in part. */
	type(editor, "\x15");
	for (unsigned i = 0; i < LINE_EDITOR_BYTES - 4; i++)
		type(editor, "x");
	type(editor, HOME "le \x02\t");
	CHECK(editor->length == LINE_EDITOR_BYTES - 1);
	CHECK(strncmp(editor->text, "le x", 4) == 0);
}

CASE(line_editor_completes_the_only_name)
{
	CHECK(gives("led\t", "> ledger |"));
	CHECK(gives("ledger\t", "> ledger |"));
	CHECK(gives("  he\t", ">   he|"));
	CHECK(gives("pt f\t", "> pt find |"));
	/* Before existing text. */
	CHECK(gives("led -m" HOME RIGHT RIGHT RIGHT "\t", "> ledger| -m"));
	CHECK(gives("ledx" LEFT "\t", "> ledger |x"));
}

CASE(line_editor_completes_as_far_as_names_agree)
{
	CHECK(gives("m\t", "> mem|"));
	CHECK(gives("mem\t", "> mem|"));
	CHECK(gives("memm\t", "> memmap |"));
	CHECK(gives("x\t", "> x|"));
	CHECK(gives("Led\t", "> Led|"));
	CHECK(gives("help x\t\t", "> help x|"));
}

CASE(line_editor_lists_names_at_the_second_tab)
{
	struct line_editor *editor = fresh_editor();

	CHECK(type(editor, "m\t") == LINE_EDITED);
	CHECK(type(editor, "\t") == LINE_LIST);
	CHECK(type(editor, "\t") == LINE_LIST);
	CHECK(type(editor, "i\t") == LINE_EDITED);
	CHECK(looks(editor, WIDE, "> meminfo |"));
	CHECK(type(editor, "\x15l\t") == LINE_EDITED);
	CHECK(type(editor, RIGHT "\t") == LINE_EDITED);
	CHECK(type(editor, "\t") == LINE_LIST);
	CHECK(type(editor, "\x15xx\t\t\t") == LINE_EDITED);
	editor->names = NULL;
	CHECK(type(editor, "\x15\t\t\t") == LINE_EDITED);
	CHECK(looks(editor, WIDE, "> |"));
}

static bool lists(const char *keys, unsigned columns, const char *want)
{
	struct line_editor *editor = fresh_editor();
	struct fake_terminal terminal;
	char got[sizeof(terminal.rows)] = "";

	fake_terminal_init(&terminal, columns);
	type(editor, keys);
	line_editor_list(editor, columns, &terminal.sink);
	for (unsigned row = 0; row < terminal.row; row++) {
		strcat(got, terminal.rows[row]);
		while (got[0] != '\0' && got[strlen(got) - 1] == ' ')
			got[strlen(got) - 1] = '\0';
		strcat(got, "\n");
	}
	if (strcmp(got, want) != 0)
		printf("# \"%s\", not \"%s\"\n", got, want);
	return terminal.strange == 0 && terminal.column == 0 &&
	       strcmp(got, want) == 0;
}

CASE(line_editor_lists_names_in_columns)
{
	CHECK(lists("l", 80, "ledger  log     layout\n"));
	CHECK(lists("", 25, "help     ledger\n"
			    "log      layout\n"
			    "memmap   meminfo\n"
			    "pt\n"));
	CHECK(lists("", 26, "help     ledger   log\n"
			    "layout   memmap   meminfo\n"
			    "pt\n"));
	CHECK(lists("m", 8, "memmap\nmeminfo\n"));
	CHECK(lists("pt ", 80, "dump   audit  find\n"));
	CHECK(lists("x", 80, ""));
}

/* Twenty columns: the last stays free, the prompt takes two. */
CASE(line_editor_shows_a_long_line_through_a_window)
{
	struct line_editor *editor = fresh_editor();

	type(editor, "0123456789abcdef");
	CHECK(looks(editor, 20, "> 0123456789abcdef|"));
	type(editor, "g");
	CHECK(looks(editor, 20, "> <9abcdefg|"));
	type(editor, "hijklm");
	CHECK(looks(editor, 20, "> <9abcdefghijklm|"));
	type(editor, "nopqrst");
	CHECK(looks(editor, 20, "> <hijklmnopqrst|"));
	type(editor, HOME);
	CHECK(looks(editor, 20, "> |0123456789abcdef>"));
	for (unsigned i = 0; i < 15; i++)
		type(editor, RIGHT);
	CHECK(looks(editor, 20, "> 0123456789abcde|f>"));
	type(editor, RIGHT);
	CHECK(looks(editor, 20, "> <9abcdef|ghijklmn>"));
	CHECK(looks(editor, 40, "> 0123456789abcdef|ghijklmnopqrst"));
}

CASE(line_editor_never_uses_the_last_column)
{
	struct line_editor *editor = fresh_editor();

	for (size_t columns = 0; columns < 300; columns++) {
		size_t usable = columns;
		struct line_row row;

		if (usable < LINE_ROW_COLUMNS_MIN)
			usable = LINE_ROW_COLUMNS_MIN;
		if (usable > LINE_ROW_COLUMNS_MAX)
			usable = LINE_ROW_COLUMNS_MAX;
		for (size_t length = 0; length < LINE_EDITOR_BYTES; length++) {
			line_editor_row(editor, columns, &row);
			CHECK(row.length <= usable - 1);
			CHECK(row.cursor <= row.length);
			CHECK(row.cursor < usable - 1);
			type(editor, "x");
		}
		type(editor, "\x15");
	}
}

CASE(line_editor_cuts_a_prompt_that_leaves_no_room)
{
	struct line_editor *editor = fresh_editor();

	line_editor_begin(editor, "a prompt of many words> ");
	type(editor, "abcdefghij");
	CHECK(looks(editor, 20, "a prompt <ghij|"));
}
