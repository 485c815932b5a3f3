// SPDX-License-Identifier: MIT OR Apache-2.0
#include <kernel/console/text_grid.h>

#include <base/bits.h>

#include "check.h"

#define COLUMNS_MAX	40
#define ROWS_MAX	12
#define BOX		127
#define CURSOR_COLOUR	9

/* A grid, the screen that it is drawn on, and the record of the drawing. */
struct stage {
	struct grid_painter painter;
	struct text_grid grid;
	struct cell cells[2 * COLUMNS_MAX * ROWS_MAX];
	struct cell shown[ROWS_MAX][COLUMNS_MAX];
	unsigned rows_drawn, cells_drawn;
};

static const struct cell blank = { ' ', 0 };

static void draw(struct grid_painter *painter, const struct cell_row *row)
{
	struct stage *stage = (struct stage *)painter;
	struct cell *shown = stage->shown[row->row];

	stage->rows_drawn++;
	for (uint32_t i = 0; i < row->columns; i++) {
		/* The grid must have the screen's content. */
		CHECK(cell_is(shown[i], row->have[i]));
		stage->cells_drawn += !cell_is(row->want[i], shown[i]);
		shown[i] = row->want[i];
		row->have[i] = row->want[i];
	}
}

static void stage_start(struct stage *stage, uint32_t columns, uint32_t rows)
{
	memset(stage, 0, sizeof(*stage));
	stage->painter.draw = draw;
	grid_start(&stage->grid, &(struct grid_request){
		.columns = columns,
		.rows = rows,
		.cells = stage->cells,
		.blank = blank,
		.shown = blank,
	});
	for (uint32_t row = 0; row < ROWS_MAX; row++)
		for (uint32_t i = 0; i < COLUMNS_MAX; i++)
			stage->shown[row][i] = blank;
}

static void write_in(struct stage *stage, uint8_t colour, const char *text)
{
	grid_write(&stage->grid, &(struct grid_text){
		.text = text, .bytes = strlen(text), .colour = colour,
		.box = BOX });
}

static void redraw(struct stage *stage)
{
	stage->rows_drawn = 0;
	stage->cells_drawn = 0;
	grid_redraw(&stage->grid, &stage->painter);
	CHECK(grid_audit(&stage->grid));
}

/* The text on the screen, rows between bars; the box is a #. */
static const char *picture(const struct stage *stage)
{
	static char text[ROWS_MAX * (COLUMNS_MAX + 1) + 1];
	char *at = text;

	for (uint32_t row = 0; row < stage->grid.rows; row++) {
		if (row > 0)
			*at++ = '|';
		for (uint32_t i = 0; i < stage->grid.columns; i++) {
			uint8_t glyph = stage->shown[row][i].glyph;

			*at++ = glyph == BOX ? '#' : (char)glyph;
		}
	}
	*at = '\0';
	return text;
}

static bool shows(const char *text, const char *want)
{
	struct stage stage;

	stage_start(&stage, 8, 3);
	write_in(&stage, 1, text);
	redraw(&stage);
	if (strcmp(picture(&stage), want) == 0)
		return true;
	printf("# have `%s`\n# want `%s`\n", picture(&stage), want);
	return false;
}

CASE(grid_shows_lines)
{
	CHECK(shows("", "        |        |        "));
	CHECK(shows("ab\ncd", "ab      |cd      |        "));
	CHECK(shows("ab\n\ncd\n", "        |cd      |        "));
	CHECK(shows("1\n2\n3\n4", "2       |3       |4       "));
	CHECK(shows("1\n2\n3\n4\n5\n6\n7", "5       |6       |7       "));
}

CASE(grid_moves_its_cursor)
{
	CHECK(shows("abc\rX", "Xbc     |        |        "));
	CHECK(shows("abc\bX", "abX     |        |        "));
	CHECK(shows("abc\b\b\b\b\bX", "Xbc     |        |        "));
	CHECK(shows("ab\n\b\bX", "ab      |X       |        "));
}

CASE(grid_tabulates_by_eight)
{
	struct stage stage;

	stage_start(&stage, 20, 2);
	write_in(&stage, 1, "\tx\ty\tz");
	redraw(&stage);
	CHECK(strcmp(picture(&stage), "        x       y   "
				      "|z                   ") == 0);
}

CASE(grid_breaks_a_full_line_with_the_next_character)
{
	CHECK(shows("12345678", "12345678|        |        "));
	CHECK(shows("12345678\nX", "12345678|X       |        "));
	CHECK(shows("123456789", "12345678|9       |        "));
	CHECK(shows("12345678\rX", "X2345678|        |        "));
}

CASE(grid_steps_back_over_a_break_but_not_over_a_line_end)
{
	CHECK(shows("12345678\bX", "1234567X|        |        "));
	CHECK(shows("123456789\b\bX", "1234567X|9       |        "));
	CHECK(shows("1\n2\b\b\bX", "1       |X       |        "));
	/* Erases like a line editor, across the edge of the screen. */
	CHECK(shows("123456789a\b \b\b \b\b \bX",
		    "1234567X|        |        "));
	/* The line that is blank now is no continuation of the one before. */
	CHECK(shows("123456789\n\n\n\b\b\bX", "        |        |X       "));
}

CASE(grid_shows_a_box_for_what_is_no_ascii)
{
	CHECK(shows("a\x01" "b\x7f" "c\xc3\xa4", "a#b#c## |        |        "));
	CHECK(shows("\x1b[1m", "#[1m    |        |        "));
}

CASE(grid_redraws_only_what_differs)
{
	struct stage stage;

	stage_start(&stage, 10, 4);
	write_in(&stage, 1, "one\ntwo\nthree\n");
	redraw(&stage);
	CHECK(stage.cells_drawn == 11);
	redraw(&stage);
	CHECK(stage.cells_drawn == 0 && stage.rows_drawn == 1);
	write_in(&stage, 1, "x");
	redraw(&stage);
	CHECK(stage.cells_drawn == 1 && stage.rows_drawn == 1);
	/* Scrolls: "one two three x" becomes "two three x y". */
	write_in(&stage, 1, "\ny");
	redraw(&stage);
	CHECK(strcmp(picture(&stage),
		     "two       |three     |x         |y         ") == 0);
	CHECK(stage.cells_drawn == 3 + 4 + 5 + 1);
	/* Ten lines at once are one redraw. */
	write_in(&stage, 1, "\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny");
	redraw(&stage);
	CHECK(stage.cells_drawn == 3 + 5 + 1 && stage.rows_drawn == 4);
}

CASE(grid_knows_colour_but_not_of_spaces)
{
	struct stage stage;

	stage_start(&stage, 10, 2);
	write_in(&stage, 1, "a b");
	redraw(&stage);
	write_in(&stage, 2, "\ra b");
	redraw(&stage);
	CHECK(stage.cells_drawn == 2);
	CHECK(stage.shown[0][0].colour == 2 && stage.shown[0][1].colour == 0);
}

static bool cursor_is_at(const struct stage *stage, uint32_t row,
			 uint32_t column)
{
	for (uint32_t r = 0; r < stage->grid.rows; r++)
		for (uint32_t c = 0; c < stage->grid.columns; c++)
			if ((stage->shown[r][c].colour == CURSOR_COLOUR) !=
			    (r == row && c == column))
				return false;
	return true;
}

CASE(grid_cursor_covers_a_character_and_gives_it_back)
{
	struct stage stage;
	struct cell cursor = { '_', CURSOR_COLOUR };

	stage_start(&stage, 8, 3);
	grid_set_cursor(&stage.grid, cursor);
	write_in(&stage, 1, "ab");
	redraw(&stage);
	CHECK(cursor_is_at(&stage, 0, 2));
	CHECK(strcmp(picture(&stage), "ab_     |        |        ") == 0);
	write_in(&stage, 1, "\b");
	redraw(&stage);
	CHECK(cursor_is_at(&stage, 0, 1));
	CHECK(strcmp(picture(&stage), "ab      |        |        ") == 0);
	write_in(&stage, 1, "\ncd");
	redraw(&stage);
	CHECK(cursor_is_at(&stage, 1, 2));
	CHECK(stage.shown[0][1].colour == 1);
	/* Beyond the last column it stays on it. */
	write_in(&stage, 1, "efghij");
	redraw(&stage);
	CHECK(cursor_is_at(&stage, 1, 7));
	grid_set_cursor(&stage.grid, (struct cell){ 0, CURSOR_COLOUR });
	redraw(&stage);
	CHECK(cursor_is_at(&stage, 9, 9));
	CHECK(strcmp(picture(&stage), "ab      |cdefghij|        ") == 0);
}

CASE(grid_clears_a_row_or_all)
{
	struct stage stage;

	stage_start(&stage, 8, 3);
	write_in(&stage, 1, "one\ntwo");
	grid_clear_row(&stage.grid);
	write_in(&stage, 1, "x");
	redraw(&stage);
	CHECK(strcmp(picture(&stage), "one     |x       |        ") == 0);
	grid_clear(&stage.grid);
	write_in(&stage, 1, "y");
	redraw(&stage);
	CHECK(strcmp(picture(&stage), "y       |        |        ") == 0);
	/* A cleared row still continues the one above. */
	grid_clear(&stage.grid);
	write_in(&stage, 1, "123456789");
	grid_clear_row(&stage.grid);
	write_in(&stage, 1, "\bX");
	redraw(&stage);
	CHECK(strcmp(picture(&stage), "1234567X|        |        ") == 0);
}

CASE(grid_goes_to_a_column)
{
	struct stage stage;

	stage_start(&stage, 8, 2);
	write_in(&stage, 1, "abc");
	grid_go_to(&stage.grid, 6);
	write_in(&stage, 1, "x");
	grid_go_to(&stage.grid, 100);
	write_in(&stage, 1, "y");
	redraw(&stage);
	CHECK(strcmp(picture(&stage), "abc   x |y       ") == 0);
}

static bool cuts(const char *before, const char *word, size_t bytes)
{
	struct stage stage;

	stage_start(&stage, 8, 2);
	write_in(&stage, 1, before);
	return grid_cuts_word(&stage.grid, &(struct grid_word){
		.text = word, .bytes = bytes, .indent = 2 });
}

CASE(grid_says_when_a_word_would_be_cut)
{
	CHECK(!cuts("abcd", "efgh ijklmnop", 13));
	CHECK(cuts("abcde", "efgh ijklmnop", 13));
	CHECK(!cuts("abcde", "efg\nijklmnop", 12));
	CHECK(!cuts("abcde", "efghijk", 3));
	CHECK(cuts("abcdefgh", "a", 1));
	/* It would not fit below after the indent, either. */
	CHECK(cuts("abcdefgh", "abcdef", 6));
	CHECK(!cuts("abcdefgh", "abcdefg", 7));
	CHECK(!cuts("abcdefgh", " abc", 4));
	CHECK(!cuts("abcdefgh", "", 0));
}

CASE(grid_of_one_cell_works)
{
	struct stage stage;

	stage_start(&stage, 1, 1);
	grid_set_cursor(&stage.grid, (struct cell){ '_', CURSOR_COLOUR });
	write_in(&stage, 1, "abc\n\b\tde");
	redraw(&stage);
	CHECK(stage.shown[0][0].glyph == 'e');
	CHECK(stage.shown[0][0].colour == CURSOR_COLOUR);
}

CASE(grid_refuses_impossible_sizes)
{
	static struct cell cells[2];
	struct text_grid grid;
	struct grid_request request = { .columns = 1, .rows = 1,
					.cells = cells };

	request.rows = 0;
	CHECK_ASSERTS(grid_start(&grid, &request));
	request.rows = GRID_ROWS_MAX + 1;
	CHECK_ASSERTS(grid_start(&grid, &request));
	request.rows = 1;
	request.columns = GRID_COLUMNS_MAX + 1;
	CHECK_ASSERTS(grid_start(&grid, &request));
	request.columns = 0;
	CHECK_ASSERTS(grid_start(&grid, &request));
	CHECK(grid_cells(1, 1) == 2 && grid_cells(512, 256) == 512 * 256 * 2);
}

CASE(grid_audit_sees_what_is_not_on_the_screen)
{
	struct stage stage;

	stage_start(&stage, 8, 3);
	write_in(&stage, 1, "ab\ncd\n");
	redraw(&stage);
	stage.cells[0].glyph = 'X';
	CHECK(!grid_audit(&stage.grid));
	stage.cells[0].glyph = 'a';
	CHECK(grid_audit(&stage.grid));
	stage.grid.column = 9;
	CHECK(!grid_audit(&stage.grid));
}

/* --- a stupid model: all lines ever, nothing clever ------------------- */

#define LINES_MAX 4096

struct model {
	char glyph[LINES_MAX][COLUMNS_MAX];
	char colour[LINES_MAX][COLUMNS_MAX];
	bool broken[LINES_MAX];		/* goes on from the line before */
	uint32_t columns, rows;
	uint32_t first, line, column;	/* line `first` is the top row */
};

static void model_start_line(struct model *model)
{
	model->line++;
	model->column = 0;
	model->broken[model->line] = false;
	memset(model->glyph[model->line], ' ', COLUMNS_MAX);
	memset(model->colour[model->line], 0, COLUMNS_MAX);
	if (model->line - model->first == model->rows)
		model->first++;
}

static void model_put(struct model *model, char byte, char colour)
{
	if (model->column == model->columns) {
		model_start_line(model);
		model->broken[model->line] = true;
	}
	model->glyph[model->line][model->column] = byte;
	model->colour[model->line][model->column++] = byte == ' ' ? 0 : colour;
}

static void model_write(struct model *model, char byte, char colour)
{
	if (byte == '\n') {
		model_start_line(model);
	} else if (byte == '\r') {
		model->column = 0;
	} else if (byte == '\t') {
		do {
			model->column++;
		} while (model->column % 8 != 0);
		if (model->column > model->columns)
			model->column = model->columns;
	} else if (byte != '\b') {
		model_put(model, byte >= ' ' && byte < 127 ? byte : BOX,
			  colour);
	} else if (model->column > 0) {
		model->column--;
	} else if (model->broken[model->line] && model->line > model->first) {
		model->line--;
		model->column = model->columns - 1;
	}
}

static unsigned model_faults(const struct model *model,
			     const struct stage *stage)
{
	uint32_t at = model->column;
	unsigned faults = 0;

	if (at == model->columns)
		at--;
	for (uint32_t r = 0; r < model->rows; r++) {
		uint32_t line = model->first + r;

		for (uint32_t c = 0; c < model->columns; c++) {
			char colour = model->colour[line][c];

			if (stage->grid.cursor.glyph != 0 &&
			    line == model->line && c == at)
				colour = CURSOR_COLOUR;
			faults += stage->shown[r][c].glyph !=
				  (uint8_t)model->glyph[line][c];
			faults += stage->shown[r][c].colour != colour;
		}
	}
	return faults;
}

static void walk(struct stage *stage, struct model *model, uint64_t *state)
{
	static const char bytes[] = "ab cdef\n\r\t\b\b\bxyz\x80 ";

	while (model->line + 2 < LINES_MAX) {
		uint64_t number = check_random(state);
		char byte = bytes[number % (sizeof(bytes) - 1)];
		uint8_t colour = (uint8_t)((number >> 16) % 3);
		char text[2] = { byte, '\0' };

		write_in(stage, colour, text);
		model_write(model, byte, (char)colour);
		if ((number >> 32) % 8 != 0)
			continue;
		grid_set_cursor(&stage->grid, (struct cell){
			(number >> 40) % 2 == 0 ? ' ' : 0, CURSOR_COLOUR });
		redraw(stage);
		CHECK(model_faults(model, stage) == 0);
	}
}

/* A row that the cursor left stays below it: lines after it exist then. */
static void model_start(struct model *model, uint32_t columns, uint32_t rows)
{
	memset(model, 0, sizeof(*model));
	memset(model->glyph, ' ', sizeof(model->glyph));
	model->columns = columns;
	model->rows = rows;
}

CASE(grid_walks_like_the_model)
{
	static struct model model;
	static const struct { uint32_t columns, rows; } sizes[] = {
		{ 5, 3 }, { 8, 2 }, { 12, 1 }, { 40, 12 }, { 17, 4 }, { 1, 5 },
	};
	uint64_t state = check_seed();
	struct stage stage;

	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		stage_start(&stage, sizes[i].columns, sizes[i].rows);
		model_start(&model, sizes[i].columns, sizes[i].rows);
		walk(&stage, &model, &state);
	}
}
