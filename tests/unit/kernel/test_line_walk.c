// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Random keys. After each, the row on a terminal, painted with backspaces and
 * spaces, is compared with a model that has neither windows nor painting.
 */
#include "check.h"

#include <base/bits.h>

#include <kernel/console/line_editor.h>
#include <kernel/console/row_painter.h>

#include "fake_terminal.h"

#define PROMPT		"bulldog> "
#define WALK_KEYS	6000

static const char *const names[] = {
	"help", "ledger", "log", "layout", "memmap", "meminfo", "lead",
};

static const char *names_of(const char *before, size_t bytes, unsigned index)
{
	(void)before;
	if (bytes > 0 || index >= ARRAY_LENGTH(names))
		return NULL;
	return names[index];
}

/* --- a model of the text: whole new strings, by the book ----------------- */

struct model {
	char text[LINE_EDITOR_BYTES];
	size_t at;
	char past[4 * LINE_EDITOR_HISTORY][LINE_EDITOR_BYTES];
	unsigned past_count, shown;	/* shown == past_count: the draft    */
	char draft[LINE_EDITOR_BYTES];
};

/* text[0..keep_left) + middle + text[from..], with the cursor after middle. */
static void model_join(struct model *model, size_t keep_left,
		       const char *middle, size_t from)
{
	char joined[3 * LINE_EDITOR_BYTES];

	snprintf(joined, sizeof(joined), "%.*s%s%s", (int)keep_left,
		 model->text, middle, model->text + from);
	if (strlen(joined) >= LINE_EDITOR_BYTES)
		return;
	strcpy(model->text, joined);
	model->at = keep_left + strlen(middle);
}

static size_t model_word_left(const struct model *model)
{
	size_t at = model->at;

	for (; at > 0; at--)
		if (at < model->at && model->text[at - 1] == ' ' &&
		    model->text[at] != ' ')
			return at;
	return 0;
}

static size_t model_word_right(const struct model *model)
{
	size_t length = strlen(model->text);
	size_t at = model->at;

	for (; at < length; at++)
		if (at > model->at && model->text[at] == ' ' &&
		    model->text[at - 1] != ' ')
			return at;
	return length;
}

static void model_show(struct model *model, unsigned which)
{
	if (which > model->past_count ||
	    which + LINE_EDITOR_HISTORY < model->past_count)
		return;
	if (model->shown == model->past_count)
		strcpy(model->draft, model->text);
	model->shown = which;
	strcpy(model->text, which == model->past_count ? model->draft :
							 model->past[which]);
	model->at = strlen(model->text);
}

static void model_done(struct model *model)
{
	unsigned count = model->past_count;

	if (strspn(model->text, " ") != strlen(model->text) &&
	    (count == 0 || strcmp(model->past[count - 1], model->text) != 0))
		strcpy(model->past[model->past_count++], model->text);
}

static void model_begin(struct model *model)
{
	model->text[0] = '\0';
	model->at = 0;
	model->shown = model->past_count;
}

/* Only the plain case: one word at the end of which the cursor stands. */
static void model_tab(struct model *model)
{
	char word[LINE_EDITOR_BYTES];
	size_t typed = model->at, fits = 0, length;
	const char *first = NULL;

	if (memchr(model->text, ' ', typed) != NULL)
		return;
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		if (strncmp(names[i], model->text, typed) != 0)
			continue;
		if (fits++ == 0)
			strcpy(word, first = names[i]);
		for (length = strlen(word);
		     strncmp(names[i], word, length) != 0;)
			word[--length] = '\0';
	}
	if (fits == 0)
		return;
	if (strlen(word) > typed)
		model_join(model, typed, word + typed, typed);
	if (fits == 1 && model->text[model->at] != ' ')
		model_join(model, model->at, " ", model->at);
}

static void model_swap(struct model *model)
{
	size_t length = strlen(model->text);
	size_t at = model->at == length ? model->at - 1 : model->at;
	char pair[3];

	if (length < 2 || model->at == 0)
		return;
	sprintf(pair, "%c%c", model->text[at], model->text[at - 1]);
	model_join(model, at - 1, pair, at + 1);
}

static void model_ctrl(struct model *model, char letter)
{
	size_t length = strlen(model->text), at = model->at;

	if (letter == 'a')
		model->at = 0;
	if (letter == 'e')
		model->at = length;
	if (letter == 'b' && at > 0)
		model->at--;
	if (letter == 'f' && at < length)
		model->at++;
	if (letter == 'd' && at < length)
		model_join(model, at, "", at + 1);
	if (letter == 'k')
		model_join(model, at, "", length);
	if (letter == 'u')
		model_join(model, 0, "", at);
	if (letter == 'w')
		model_join(model, model_word_left(model), "", at);
	if (letter == 't')
		model_swap(model);
	if (letter == 'p')
		model_show(model, model->shown - 1);
	if (letter == 'n')
		model_show(model, model->shown + 1);
}

static void model_take(struct model *model, struct key key)
{
	char text[2] = { (char)key.code, '\0' };

	if (key.code == KEY_ENTER)
		model_done(model);
	else if (key.code == KEY_TAB)
		model_tab(model);
	else if (key.code == KEY_BACKSPACE && model->at > 0)
		model_join(model, model->at - 1, "", model->at);
	else if (key.held == KEY_ALT && key.code == 'b')
		model->at = model_word_left(model);
	else if (key.held == KEY_ALT && key.code == 'f')
		model->at = model_word_right(model);
	else if (key.held == KEY_ALT && key.code == 'd')
		model_join(model, model->at, "", model_word_right(model));
	else if (key.held == KEY_CTRL)
		model_ctrl(model, (char)key.code);
	else if (key.held == 0 && key.code <= '~')
		model_join(model, model->at, text, model->at);
}

/* --- what may be seen ---------------------------------------------------- */

/* The cell that the row must have in column `i` of the line's part. */
static char column_wanted(const struct model *model, size_t first, size_t room,
			  size_t i)
{
	size_t length = strlen(model->text);

	if (i == 0 && first > 0)
		return '<';
	if (i == room - 1 && first + room < length)
		return '>';
	return first + i < length ? model->text[first + i] : ' ';
}

/*
 * The prompt; then a part of the line with the cursor in its place, the whole
 * line if it fits, with marks where text is missing; then blanks.
 */
static void check_row(const struct fake_terminal *terminal,
		      const struct model *model)
{
	const char *row = terminal->rows[terminal->row];
	size_t prompt = strlen(PROMPT);
	size_t room = terminal->columns - 1 - prompt;
	size_t column = terminal->column - prompt;
	size_t first = model->at - column;
	bool fits = strlen(model->text) < room;

	CHECK(memcmp(row, PROMPT, prompt) == 0);
	CHECK(terminal->column >= prompt);
	CHECK(column < room);
	CHECK(first <= model->at);
	CHECK(!fits || first == 0);
	CHECK(first == 0 || column > 0);
	CHECK(column < room - 1 || first + room >= strlen(model->text));
	for (size_t i = 0; i < room; i++)
		CHECK(row[prompt + i] ==
		      column_wanted(model, first, room, i));
	CHECK(row[terminal->columns - 1] == ' ');
}

static void check_text(const struct line_editor *editor,
		       const struct model *model)
{
	CHECK(strcmp(editor->text, model->text) == 0);
	CHECK(editor->length == strlen(model->text));
	CHECK(editor->cursor == model->at);
}

/* Rows above the edited one must not change. */
static void check_rows_above(const struct fake_terminal *terminal,
			     const struct fake_terminal *before)
{
	for (unsigned row = 0; row < terminal->row; row++)
		CHECK(strcmp(terminal->rows[row], before->rows[row]) == 0);
}

/* --- the walk ------------------------------------------------------------ */

static struct key random_character(uint64_t *random)
{
	return (struct key){ ' ' + (check_random(random) >> 20) % 95, 0 };
}

static struct key random_key(uint64_t *random)
{
	static const char ctrls[] = "aabbbddeefffttkuwnp";
	static const char alts[] = "bfd";
	uint64_t number = check_random(random) >> 20;
	uint64_t pick = number >> 8;

	switch (number % 16) {
	case 0:
	case 1:
		return (struct key){ KEY_BACKSPACE, 0 };
	case 2:
		return (struct key){ KEY_TAB, 0 };
	case 3:
	case 4:
	case 5:
		return (struct key){ (uint8_t)ctrls[pick %
						    (sizeof(ctrls) - 1)],
				     KEY_CTRL };
	case 6:
		return (struct key){ (uint8_t)alts[pick % 3], KEY_ALT };
	case 7:
		return (struct key){ ' ', 0 };
	case 8:
	case 9:
		return (struct key){ (uint8_t)"lmh"[pick % 3], 0 };
	case 10:
		if (pick % 5 == 0)
			return (struct key){ KEY_ENTER, 0 };
	}
	return random_character(random);
}

struct walk {
	struct line_editor editor;
	struct row_painter painter;
	struct fake_terminal terminal;
	struct model model;
};

static void show(struct walk *walk)
{
	struct line_row row;

	line_editor_row(&walk->editor, walk->painter.display.columns, &row);
	walk->painter.display.show(&walk->painter.display, &row);
}

static void walk_begin(struct walk *walk, unsigned columns)
{
	memset(walk, 0, sizeof(*walk));
	walk->editor.names = names_of;
	fake_terminal_init(&walk->terminal, columns);
	row_painter_init(&walk->painter, &walk->terminal.sink, columns);
	line_editor_begin(&walk->editor, PROMPT);
	model_begin(&walk->model);
	show(walk);
}

static void walk_key(struct walk *walk, struct key key)
{
	enum line_event event = line_editor_take(&walk->editor, key);

	model_take(&walk->model, key);
	check_text(&walk->editor, &walk->model);
	if (event != LINE_DONE)
		return;
	show(walk);
	walk->painter.display.leave(&walk->painter.display);
	line_editor_begin(&walk->editor, PROMPT);
	model_begin(&walk->model);
}

/*
 * Mostly one key; sometimes eight, pasted, before the row is read. Half of the
 * time almost only characters, so that lines get long.
 */
static void walk_some(struct walk *walk, unsigned step, uint64_t *random)
{
	unsigned keys = 1 + check_random(random) % 32 / 31 * 7;

	while (keys-- > 0) {
		bool plain = step % 1024 < 512 &&
			     check_random(random) % 8 != 0;

		walk_key(walk, plain ? random_character(random) :
				       random_key(random));
	}
}

/* Returns how often a line was longer than its window. */
static unsigned walk_far(unsigned columns, uint64_t *random)
{
	static struct walk walk;
	static struct fake_terminal before;
	unsigned long_lines = 0;

	walk_begin(&walk, columns);
	for (unsigned i = 0; i < WALK_KEYS; i++) {
		before = walk.terminal;
		walk_some(&walk, i, random);
		show(&walk);
		check_row(&walk.terminal, &walk.model);
		if (walk.terminal.row == before.row &&
		    walk.terminal.row < TERMINAL_ROWS - 1)
			check_rows_above(&walk.terminal, &before);
		CHECK(walk.terminal.strange == 0);
		long_lines += strlen(walk.model.text) >= columns;
		if (walk.model.past_count > 3 * LINE_EDITOR_HISTORY)
			walk_begin(&walk, columns);
	}
	return long_lines;
}

CASE(line_walk_shows_what_was_typed_whatever_is_typed)
{
	static const unsigned widths[] = { 20, 21, 27, 40, 79, 80, 132, 256 };
	uint64_t random = check_seed();

	for (unsigned i = 0; i < ARRAY_LENGTH(widths); i++) {
		unsigned long_lines = walk_far(widths[i], &random);

		/* Else no window was tested: see random_key. */
		CHECK(long_lines > 100 || widths[i] > 80);
	}
}

static void type(struct walk *walk, const char *text)
{
	for (; *text != '\0'; text++) {
		walk_key(walk, (struct key){ (uint8_t)*text, 0 });
		show(walk);
	}
}

CASE(line_walk_sends_back_what_is_typed_and_nothing_more)
{
	static struct walk walk;
	size_t bytes;

	walk_begin(&walk, 80);
	type(&walk, "ledger -m");
	walk_key(&walk, (struct key){ KEY_ENTER, 0 });
	show(&walk);
	CHECK(walk.terminal.bytes == strlen(PROMPT "ledger -m\n" PROMPT));
	CHECK(walk.terminal.controls == 0);
	/* Nothing typed, nothing sent. */
	bytes = walk.terminal.bytes;
	show(&walk);
	CHECK(walk.terminal.bytes == bytes);
}

CASE(line_walk_erases_with_a_backspace_a_space_and_a_backspace)
{
	static struct walk walk;
	size_t bytes;

	walk_begin(&walk, 80);
	type(&walk, "abc");
	bytes = walk.terminal.bytes;
	walk_key(&walk, (struct key){ KEY_BACKSPACE, 0 });
	show(&walk);
	CHECK(walk.terminal.bytes == bytes + 3);
	/* A whole line is erased the shorter way, not byte by byte. */
	type(&walk, "defghijklmnopqrstuvwxyz0123456789");
	bytes = walk.terminal.bytes;
	walk_key(&walk, (struct key){ 'a', KEY_CTRL });
	show(&walk);
	CHECK(walk.terminal.bytes == bytes + strlen("\r" PROMPT));
	check_row(&walk.terminal, &walk.model);
}
