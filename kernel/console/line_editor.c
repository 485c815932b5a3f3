// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The line is shown in one row, however long it is: without escape sequences
 * the cursor of a terminal cannot move up to the row above, so a wrapped line
 * could not be edited. Of a longer line a window is shown. The start of the
 * window is computed from the cursor each time, in steps of half its width: it
 * moves rarely, and no state can become wrong.
 *
 * Invariants:
 *   (E1) cursor <= length < LINE_EDITOR_BYTES, text[length] is a NUL;
 *   (E2) the text is printable ASCII;
 *   (E3) history entries are written when a line is done, never while one is
 *        edited: an entry that is recalled is copied;
 *   (E4) no two neighbours in the history are equal, none is blank.
 */
#include "line_editor.h"

#include <base/bits.h>
#include <base/string.h>

#define MORE_LEFT	'<'
#define MORE_RIGHT	'>'
/* Between the names of a list. */
#define LIST_GAP	2

void line_editor_begin(struct line_editor *editor, const char *prompt)
{
	editor->prompt = prompt;
	editor->text[0] = '\0';
	editor->length = 0;
	editor->cursor = 0;
	editor->back = 0;
	editor->tab_before = false;
}

/* --- the text ------------------------------------------------------------ */

static void insert(struct line_editor *editor, const char *text, size_t bytes)
{
	char *at = editor->text + editor->cursor;

	if (bytes >= LINE_EDITOR_BYTES - editor->length)
		return;
	memmove(at + bytes, at, editor->length - editor->cursor + 1);
	memcpy(at, text, bytes);
	editor->length += bytes;
	editor->cursor += bytes;
}

/* Removes [from..to); the cursor ends at `from`. */
static void cut(struct line_editor *editor, size_t from, size_t to)
{
	memmove(editor->text + from, editor->text + to,
		editor->length - to + 1);
	editor->length -= to - from;
	editor->cursor = from;
}

static void replace(struct line_editor *editor, const char *text)
{
	editor->length = strlen(text);
	memcpy(editor->text, text, editor->length + 1);
	editor->cursor = editor->length;
}

/* Words end at spaces, as they do in the monitor. */
static size_t word_start(const struct line_editor *editor)
{
	size_t at = editor->cursor;

	while (at > 0 && editor->text[at - 1] == ' ')
		at--;
	while (at > 0 && editor->text[at - 1] != ' ')
		at--;
	return at;
}

static size_t word_end(const struct line_editor *editor)
{
	size_t at = editor->cursor;

	while (at < editor->length && editor->text[at] == ' ')
		at++;
	while (at < editor->length && editor->text[at] != ' ')
		at++;
	return at;
}

static void move(struct line_editor *editor, int columns)
{
	if (columns < 0 && editor->cursor > 0)
		editor->cursor--;
	if (columns > 0 && editor->cursor < editor->length)
		editor->cursor++;
}

static void delete_here(struct line_editor *editor)
{
	if (editor->cursor < editor->length)
		cut(editor, editor->cursor, editor->cursor + 1);
}

static void delete_before(struct line_editor *editor)
{
	if (editor->cursor > 0)
		cut(editor, editor->cursor - 1, editor->cursor);
}

/* Swaps the characters before and at the cursor. */
static void swap(struct line_editor *editor)
{
	char *text = editor->text;
	char before;

	if (editor->length < 2 || editor->cursor == 0)
		return;
	if (editor->cursor == editor->length)
		editor->cursor--;
	before = text[editor->cursor - 1];
	text[editor->cursor - 1] = text[editor->cursor];
	text[editor->cursor++] = before;
}

/* --- history ------------------------------------------------------------- */

/* The line entered `back` lines ago; 1 is the last one. */
static char *history_entry(struct line_editor *editor, unsigned back)
{
	unsigned index = (editor->remembered - back) % LINE_EDITOR_HISTORY;

	return editor->history[index];
}

/* `back` may be one too large, or one below 0, which wraps: no change then. */
static void history_go(struct line_editor *editor, unsigned back)
{
	if (back > min_u64(editor->remembered, LINE_EDITOR_HISTORY))
		return;
	if (editor->back == 0)
		memcpy(editor->draft, editor->text, editor->length + 1);
	editor->back = back;
	replace(editor, back == 0 ? editor->draft :
				    history_entry(editor, back));
}

static void history_remember(struct line_editor *editor)
{
	size_t at = 0;

	while (editor->text[at] == ' ')
		at++;
	if (at == editor->length)
		return;
	if (editor->remembered > 0 &&
	    strcmp(history_entry(editor, 1), editor->text) == 0)
		return;
	memcpy(editor->history[editor->remembered % LINE_EDITOR_HISTORY],
	       editor->text, editor->length + 1);
	editor->remembered++;
}

/* --- completion ---------------------------------------------------------- */

/* The text to complete, and how much of it is known. */
struct completion {
	size_t start;		/* of the word, in the text                  */
	size_t typed;		/* bytes of it before the cursor             */
	unsigned count;		/* names that match                          */
	const char *first;
	size_t common;		/* length of their common prefix             */
};

/* The next matching name from `*index` on, or NULL. */
static const char *next_fit(const struct line_editor *editor,
			    const struct completion *word, unsigned *index)
{
	const char *text = editor->text;
	const char *name;

	if (editor->names == NULL)
		return NULL;
	while ((name = editor->names(text, word->start, (*index)++)) != NULL)
		if (strncmp(name, text + word->start, word->typed) == 0)
			return name;
	return NULL;
}

static size_t common_bytes(const char *a, const char *b, size_t limit)
{
	size_t bytes = 0;

	while (bytes < limit && a[bytes] == b[bytes])
		bytes++;
	return bytes;
}

static struct completion complete(const struct line_editor *editor)
{
	struct completion word = { .start = editor->cursor };
	unsigned index = 0;
	const char *name;

	while (word.start > 0 && editor->text[word.start - 1] != ' ')
		word.start--;
	word.typed = editor->cursor - word.start;
	while ((name = next_fit(editor, &word, &index)) != NULL) {
		if (word.count++ == 0) {
			word.first = name;
			word.common = strlen(name);
		}
		word.common = common_bytes(word.first, name, word.common);
	}
	return word;
}

static enum line_event tab(struct line_editor *editor)
{
	struct completion word = complete(editor);
	bool again = editor->tab_before;

	if (word.count == 0)
		return LINE_EDITED;
	editor->tab_before = word.count > 1;
	if (word.common > word.typed)
		insert(editor, word.first + word.typed,
		       word.common - word.typed);
	else if (word.count > 1)
		return again ? LINE_LIST : LINE_EDITED;
	if (word.count == 1 && editor->text[editor->cursor] != ' ')
		insert(editor, " ", 1);
	return LINE_EDITED;
}

/* The column of the next name when `used` columns are taken. */
static size_t align_to_column(size_t used, size_t width)
{
	return (used + width - 1) / width * width;
}

void line_editor_list(const struct line_editor *editor, size_t columns,
		      struct sink *out)
{
	struct completion word = complete(editor);
	size_t widest = 0, used = 0;
	unsigned index = 0;
	const char *name;

	while ((name = next_fit(editor, &word, &index)) != NULL)
		widest = max_u64(widest, strlen(name));
	index = 0;
	while ((name = next_fit(editor, &word, &index)) != NULL) {
		size_t column = align_to_column(used, widest + LIST_GAP);

		if (column > 0 && column + widest >= columns) {
			sink_print(out, "\n");
			column = used = 0;
		}
		/* Spaces go before a name: no line ends in them. */
		sink_print(out, "%*s%s", (int)(column - used), "", name);
		used = column + strlen(name);
	}
	if (used > 0)
		sink_print(out, "\n");
}

/* --- keys ---------------------------------------------------------------- */

static void take_alt(struct line_editor *editor, uint16_t code)
{
	switch (code) {
	case 'b':
	case KEY_LEFT:
		editor->cursor = word_start(editor);
		break;
	case 'f':
	case KEY_RIGHT:
		editor->cursor = word_end(editor);
		break;
	case 'd':
	case KEY_DELETE:
		cut(editor, editor->cursor, word_end(editor));
		break;
	case KEY_BACKSPACE:
		cut(editor, word_start(editor), editor->cursor);
		break;
	}
}

static void take_ctrl(struct line_editor *editor, uint16_t code)
{
	switch (code) {
	case 'a':
		editor->cursor = 0;
		break;
	case 'b':
		move(editor, -1);
		break;
	case 'd':
		delete_here(editor);
		break;
	case 'e':
		editor->cursor = editor->length;
		break;
	case 'f':
		move(editor, 1);
		break;
	case 'k':
		cut(editor, editor->cursor, editor->length);
		break;
	case 'n':
		history_go(editor, editor->back - 1);
		break;
	case 'p':
		history_go(editor, editor->back + 1);
		break;
	case 't':
		swap(editor);
		break;
	case 'u':
		cut(editor, 0, editor->cursor);
		break;
	case 'w':
		cut(editor, word_start(editor), editor->cursor);
		break;
	default:
		take_alt(editor, code >= KEY_ENTER ? code : KEY_NONE);
	}
}

static void take_plain(struct line_editor *editor, uint16_t code)
{
	char character = (char)code;

	switch (code) {
	case KEY_BACKSPACE:
		delete_before(editor);
		break;
	case KEY_DELETE:
		delete_here(editor);
		break;
	case KEY_HOME:
		editor->cursor = 0;
		break;
	case KEY_END:
		editor->cursor = editor->length;
		break;
	case KEY_LEFT:
		move(editor, -1);
		break;
	case KEY_RIGHT:
		move(editor, 1);
		break;
	case KEY_UP:
		history_go(editor, editor->back + 1);
		break;
	case KEY_DOWN:
		history_go(editor, editor->back - 1);
		break;
	default:
		if (code >= ' ' && code <= '~')
			insert(editor, &character, 1);
	}
}

enum line_event line_editor_take(struct line_editor *editor, struct key key)
{
	if (key.code == KEY_TAB)
		return tab(editor);
	editor->tab_before = false;
	if (key.code == KEY_ENTER) {
		history_remember(editor);
		return LINE_DONE;
	}
	if ((key.held & KEY_CTRL) != 0) {
		if (key.code == 'l')
			return LINE_CLEAR;
		if (key.code == 'c')
			return LINE_CANCELLED;
		take_ctrl(editor, key.code);
	} else if ((key.held & KEY_ALT) != 0) {
		take_alt(editor, key.code);
	} else {
		take_plain(editor, key.code);
	}
	return LINE_EDITED;
}

/* --- the picture --------------------------------------------------------- */

/* The visible part of the line: `columns` of it, from `first` on. */
struct view {
	size_t first;
	size_t columns;
};

/*
 * The cursor is never on a marker: it is after `<` and before `>`. At the end
 * of the line it needs a column of its own.
 */
static struct view view_of(const struct line_editor *editor, size_t columns)
{
	struct view view = { 0, columns };
	size_t step = columns / 2;

	if (editor->length < columns)
		return view;
	while (editor->cursor - view.first > columns - 2)
		view.first += step;
	return view;
}

void line_editor_row(const struct line_editor *editor, size_t columns,
		     struct line_row *row)
{
	size_t prompt = strlen(editor->prompt);
	struct view view;
	size_t shown;

	columns = max_u64(columns, LINE_ROW_COLUMNS_MIN);
	columns = min_u64(columns, LINE_ROW_COLUMNS_MAX) - 1;
	/* At least half of the row is for the line. */
	prompt = min_u64(prompt, columns / 2);
	view = view_of(editor, columns - prompt);
	shown = min_u64(editor->length - view.first, view.columns);
	memcpy(row->text, editor->prompt, prompt);
	memcpy(row->text + prompt, editor->text + view.first, shown);
	row->length = prompt + shown;
	row->cursor = prompt + editor->cursor - view.first;
	if (view.first > 0)
		row->text[prompt] = MORE_LEFT;
	if (view.first + shown < editor->length)
		row->text[row->length - 1] = MORE_RIGHT;
}
