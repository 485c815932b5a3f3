// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The page that the screen shows after a panic: the cause first, in a
 * sentence, the remedy last, and between them the report, as much as fits,
 * which can be photographed. The page is drawn over any content and needs only
 * the state that screen_start set up.
 *
 * The report comes as log lines, in parts of any size. Stamp and level are the
 * same on all of them and are left out; a line that is too long continues
 * below, broken at a space and indented.
 */
#include <kernel/console/screen.h>

#include <base/bits.h>
#include <base/string.h>

#include <kernel/console/screen_internal.h>

#define CAUSE_ROWS_MAX	3
#define TODO_ROWS_MAX	2
#define MORE		"... there is more in the log"

enum line_part {
	PART_START,
	PART_STAMP,			/* up to and with ] */
	PART_LEVEL,			/* three bytes, " E " */
	PART_ROOM,			/* up to and with : */
	PART_WORDS,
};

static struct {
	struct sink sink;		/* writes the report to the page */
	struct pane cause, body, todo;
	enum line_part part;
	unsigned level_bytes;		/* seen */
	bool in_value, in_quotes;	/* of key="value" */
	bool word_ended;
	bool line_ended;		/* the next has not begun yet */
	bool full;
} page;

static void body_write(enum colour colour, const char *text, size_t bytes)
{
	pane_write(&page.body, colour, text, bytes);
}

static bool is_last_row(void)
{
	return page.body.grid.row + 1 == page.body.grid.rows;
}

/* The next row, or the end of the page. */
static void next_row(void)
{
	page.full = is_last_row();
	if (!page.full) {
		body_write(COLOUR_TEXT, "\n", 1);
		return;
	}
	grid_clear_row(&page.body.grid);
	body_write(COLOUR_WARNING, MORE,
		   min_u64(strlen(MORE), page.body.grid.columns));
}

static void break_before_word(const char *text, size_t bytes)
{
	if (!grid_cuts_word(&page.body.grid, &(struct grid_word){
			.text = text, .bytes = bytes,
			.indent = SCREEN_INDENT }))
		return;
	next_row();
	if (!page.full)
		grid_go_to(&page.body.grid, SCREEN_INDENT);
}

static enum colour colour_of_word(char byte)
{
	enum colour colour = page.in_value ? COLOUR_TYPED : COLOUR_DIM;

	if (byte == '"')
		page.in_quotes = !page.in_quotes;
	if (byte == '=')
		page.in_value = true;
	else if (byte == ' ' && !page.in_quotes)
		page.in_value = false;
	return colour;
}

static void put_byte(const char *text, size_t bytes)
{
	enum colour colour = COLOUR_ROOM;

	if (page.line_ended)
		next_row();
	page.line_ended = false;
	if (!page.full && page.word_ended)
		break_before_word(text, bytes);
	if (page.full)
		return;
	page.word_ended = *text == ' ';
	if (page.part == PART_WORDS)
		colour = colour_of_word(*text);
	else if (*text == ':')
		page.part = PART_WORDS;
	body_write(colour, text, 1);
}

/* True when the byte belongs to stamp or level, which are left out. */
static bool skip_prefix(char byte)
{
	switch (page.part) {
	case PART_START:
		page.part = byte == '[' ? PART_STAMP : PART_ROOM;
		return byte == '[';
	case PART_STAMP:
		page.level_bytes = 0;
		if (byte == ']')
			page.part = PART_LEVEL;
		return true;
	case PART_LEVEL:
		if (++page.level_bytes == strlen(" E "))
			page.part = PART_ROOM;
		return true;
	default:
		return false;
	}
}

static void sink_put(struct sink *sink, const char *text, size_t bytes)
{
	(void)sink;
	for (size_t i = 0; i < bytes && !page.full; i++) {
		if (text[i] == '\n') {
			page.line_ended = page.part != PART_START;
			page.part = PART_START;
			page.in_value = false;
			page.in_quotes = false;
		} else if (!skip_prefix(text[i])) {
			put_byte(text + i, bytes - i);
		}
	}
}

static uint32_t rows_for(const char *text, uint32_t limit)
{
	uint64_t columns = screen.plan.columns;
	uint64_t rows = (strlen(text) + columns - 1) / columns;

	return (uint32_t)max_u64(1, min_u64(rows, limit));
}

static void write_whole(struct pane *pane, enum colour colour,
			const char *text)
{
	uint64_t room = (uint64_t)pane->grid.columns * pane->grid.rows;

	pane_write(pane, colour, text, min_u64(strlen(text), room));
	pane_show(pane);
}

/* Divides the height: bar and last line first, the rest for the body. */
static void lay_out(const struct screen_panic *panic)
{
	uint32_t height = screen.surface.height, cell = screen.font.height;
	uint32_t air = cell / 4;
	uint32_t cause_rows = rows_for(panic->cause, CAUSE_ROWS_MAX);
	uint32_t todo_rows = rows_for(panic->todo, TODO_ROWS_MAX);
	uint32_t bar = cause_rows * cell + 2 * air;
	uint32_t todo_top = height - air - todo_rows * cell;
	uint32_t body_top = bar + 2 * air;

	screen_fill(&(struct rectangle){ .width = screen.surface.width,
					 .height = height }, RGB_BACKGROUND);
	screen_fill(&(struct rectangle){ .width = screen.surface.width,
					 .height = bar }, RGB_CAUSE);
	screen.rows_used = 0;
	pane_start(&page.cause, &(struct pane_request){
		.top = air, .rows = cause_rows, .colour = COLOUR_CAUSE });
	pane_start(&page.todo, &(struct pane_request){
		.top = todo_top, .rows = todo_rows, .colour = COLOUR_TODO });
	pane_start(&page.body, &(struct pane_request){
		.top = body_top, .rows = (todo_top - air - body_top) / cell,
		.colour = COLOUR_TEXT });
}

void screen_panic_page(const struct screen_panic *panic)
{
	if (!screen.on)
		return;
	screen.stopped = true;
	memset(&page, 0, sizeof(page));
	page.sink.put = sink_put;
	lay_out(panic);
	write_whole(&page.cause, COLOUR_CAUSE, panic->cause);
	write_whole(&page.todo, COLOUR_TODO, panic->todo);
	if (panic->report != NULL)
		panic->report(&page.sink);
	pane_show(&page.body);
}
