// SPDX-License-Identifier: MIT OR Apache-2.0
#include <kernel/console/psf_font.h>

#include <base/bits.h>

#include "check.h"

/* --- fonts made here ------------------------------------------------------ */

struct file {
	uint8_t bytes[128 * 1024];
	size_t used;
};

static void put(struct file *file, const void *data, size_t bytes)
{
	memcpy(file->bytes + file->used, data, bytes);
	file->used += bytes;
}

static void put8(struct file *file, unsigned value)
{
	file->bytes[file->used++] = (uint8_t)value;
}

static void put32(struct file *file, uint32_t value)
{
	for (unsigned shift = 0; shift < 32; shift += 8)
		put8(file, value >> shift & 0xff);
}

struct shape_of_font {
	uint32_t count, width, height;
	uint32_t header_bytes;		/* 0 = 32 */
	uint32_t has_map;
};

static void put_psf2_header(struct file *file, struct shape_of_font font)
{
	uint32_t header = font.header_bytes != 0 ? font.header_bytes : 32;

	put32(file, 0x864ab572);
	put32(file, 0);
	put32(file, header);
	put32(file, font.has_map);
	put32(file, font.count);
	put32(file, (font.width + 7) / 8 * font.height);
	put32(file, font.height);
	put32(file, font.width);
	while (file->used < header)
		put8(file, 0xee);
}

/* Every glyph of random rows, junk beyond the width included. */
static void put_random_font(struct file *file, struct shape_of_font font,
			    uint64_t *state)
{
	file->used = 0;
	put_psf2_header(file, font);
	for (uint32_t i = 0; i < font.count * font.height; i++)
		for (uint32_t k = 0; k < (font.width + 7) / 8; k++)
			put8(file, i % 3 == 0 ? 0 :
				   (unsigned)check_random(state) & 0xff);
}

/*
 * Parses a copy of exactly its size, so that the sanitizer reports each access
 * beyond it.
 */
static enum status parse(struct psf *psf, const struct file *file,
			 uint8_t **block)
{
	*block = malloc(file->used + 1);
	memcpy(*block + 1, file->bytes, file->used);
	return psf_parse(psf, *block + 1, file->used);
}

static enum status verdict(const struct file *file)
{
	struct psf psf;
	uint8_t *block;
	enum status status = parse(&psf, file, &block);

	free(block);
	return status;
}

/* --- the file ------------------------------------------------------------- */

CASE(psf_1_is_eight_pixels_wide_and_says_its_height)
{
	static struct file file;
	struct psf psf;
	uint8_t *block;

	file.used = 0;
	put(&file, "\x36\x04\x00\x0e", 4);
	for (unsigned i = 0; i < 256 * 14; i++)
		put8(&file, i / 14);
	CHECK(parse(&psf, &file, &block) == ST_OK);
	CHECK(psf.width == 8 && psf.height == 14 && psf.count == 256);
	CHECK(psf.map == NULL);
	CHECK(psf_row(&psf, 0xa5, 13) == 0xa5000000);
	free(block);
	file.used--;
	CHECK(verdict(&file) == ST_CORRUPT);
	file.used++;
	file.bytes[2] = 1;	/* 512 glyphs, which are not there */
	CHECK(verdict(&file) == ST_CORRUPT);
}

CASE(psf_2_rows_are_bytes_with_the_first_pixel_on_top)
{
	static struct file file;
	struct psf psf;
	uint8_t *block;

	file.used = 0;
	put_psf2_header(&file, (struct shape_of_font){
		.count = 2, .width = 12, .height = 2, .header_bytes = 40 });
	put(&file, "\x00\x00\x00\x00\x12\x3f\xab\xcd", 8);
	CHECK(parse(&psf, &file, &block) == ST_OK);
	CHECK(psf.width == 12 && psf.height == 2 && psf.count == 2);
	CHECK(psf_row(&psf, 1, 0) == 0x12300000);
	CHECK(psf_row(&psf, 1, 1) == 0xabc00000);
	CHECK(psf_row(&psf, 0, 1) == 0);
	free(block);
}

CASE(psf_2_rows_of_four_bytes_fill_the_word)
{
	static struct file file;
	struct psf psf;
	uint8_t *block;

	file.used = 0;
	put_psf2_header(&file, (struct shape_of_font){
		.count = 1, .width = 32, .height = 1 });
	put(&file, "\x12\x34\x56\x78", 4);
	CHECK(parse(&psf, &file, &block) == ST_OK);
	CHECK(psf_row(&psf, 0, 0) == 0x12345678);
	free(block);
}

CASE(psf_cut_short_anywhere_is_refused)
{
	static struct file file, cut;
	uint64_t state = check_seed();

	put_random_font(&file, (struct shape_of_font){
		.count = 3, .width = 9, .height = 5 }, &state);
	CHECK(verdict(&file) == ST_OK);
	for (size_t bytes = 0; bytes < file.used; bytes++) {
		cut = file;
		cut.used = bytes;
		CHECK(verdict(&cut) == ST_CORRUPT);
	}
}

static enum status verdict_with(unsigned offset, uint32_t value)
{
	static struct file file;
	uint64_t state = 1;

	put_random_font(&file, (struct shape_of_font){
		.count = 3, .width = 9, .height = 5 }, &state);
	for (unsigned i = 0; i < 4; i++)
		file.bytes[offset + i] = (uint8_t)(value >> 8 * i);
	return verdict(&file);
}

CASE(psf_2_header_that_contradicts_itself_is_refused)
{
	enum { MAGIC = 0, VERSION = 4, HEADER = 8, COUNT = 16, GLYPH = 20,
	       HEIGHT = 24, WIDTH = 28 };

	CHECK(verdict_with(MAGIC, 0x864ab572) == ST_OK);
	CHECK(verdict_with(MAGIC, 0x864ab573) == ST_CORRUPT);
	CHECK(verdict_with(VERSION, 1) == ST_UNSUPPORTED);
	CHECK(verdict_with(HEADER, 31) == ST_CORRUPT);
	CHECK(verdict_with(HEADER, 33) == ST_CORRUPT);
	CHECK(verdict_with(HEADER, UINT32_MAX) == ST_CORRUPT);
	CHECK(verdict_with(COUNT, 4) == ST_CORRUPT);
	CHECK(verdict_with(COUNT, 0) == ST_CORRUPT);
	CHECK(verdict_with(COUNT, UINT32_MAX) == ST_CORRUPT);
	CHECK(verdict_with(GLYPH, 11) == ST_CORRUPT);
	CHECK(verdict_with(GLYPH, 9) == ST_CORRUPT);
	CHECK(verdict_with(GLYPH, 5) == ST_CORRUPT);
	CHECK(verdict_with(HEIGHT, 0) == ST_CORRUPT);
	CHECK(verdict_with(HEIGHT, 6) == ST_CORRUPT);
	CHECK(verdict_with(HEIGHT, 65) == ST_UNSUPPORTED);
	CHECK(verdict_with(WIDTH, 0) == ST_CORRUPT);
	CHECK(verdict_with(WIDTH, 17) == ST_CORRUPT);
	CHECK(verdict_with(WIDTH, 33) == ST_UNSUPPORTED);
	CHECK(verdict_with(WIDTH, UINT32_MAX) == ST_UNSUPPORTED);
}

CASE(psf_2_glyph_is_as_large_as_its_rows)
{
	static struct file file;
	uint64_t state = check_seed();

	put_random_font(&file, (struct shape_of_font){
		.count = 3, .width = 9, .height = 5 }, &state);
	file.bytes[16] = 2;	/* glyphs; there is room for larger ones */
	CHECK(verdict(&file) == ST_OK);
	file.bytes[20]++;
	CHECK(verdict(&file) == ST_CORRUPT);
	file.bytes[20] -= 2;
	CHECK(verdict(&file) == ST_CORRUPT);
}

/* --- the map -------------------------------------------------------------- */

/* The glyph that a font with this map has for a character, or -1. */
static int find(const void *map, size_t bytes, uint32_t character)
{
	static struct file file;
	struct psf psf;
	uint8_t *block;
	uint32_t glyph;
	int found = -1;

	file.used = 0;
	put_psf2_header(&file, (struct shape_of_font){
		.count = 3, .width = 8, .height = 1, .has_map = 1 });
	put(&file, "abc", 3);
	put(&file, map, bytes);
	CHECK(parse(&psf, &file, &block) == ST_OK);
	if (psf_find(&psf, character, &glyph) == ST_OK)
		found = (int)glyph;
	free(block);
	return found;
}

#define FIND(map, character) find(map, sizeof(map) - 1, character)

CASE(psf_2_map_names_characters_in_utf_8)
{
	static const char map[] = "A\xff" "B\xc3\xa4\xff"
				  "\xe2\x96\xa1\xf0\x9f\x90\xb6\xff";

	CHECK(FIND(map, 'A') == 0);
	CHECK(FIND(map, 'B') == 1);
	CHECK(FIND(map, 0xe4) == 1);
	CHECK(FIND(map, 0x25a1) == 2);
	CHECK(FIND(map, 0x1f436) == 2);
	CHECK(FIND(map, 'C') == -1);
	CHECK(FIND(map, 0) == -1);
}

CASE(psf_map_sequences_stand_for_no_character)
{
	CHECK(FIND("A\xfe" "xy\xff" "x\xff" "y\xff", 'x') == 1);
	CHECK(FIND("A\xfe" "xy\xff" "\xff" "y\xff", 'x') == -1);
}

CASE(psf_2_map_of_nonsense_ends_somewhere)
{
	/* Stray continuations, a cut character, a byte that is none. */
	CHECK(FIND("\x80\x80" "A\xff", 'A') == 0);
	CHECK(FIND("\xe2" "A\xff", 'A') == 0);
	CHECK(FIND("\xc3" "A\xff", 'A') == 0);
	CHECK(FIND("\xf8" "A\xff", 'A') == 0);
	CHECK(FIND("\xff\xff\xff" "A\xff", 'A') == -1);
	CHECK(FIND("\xff\xe2\x96", 0x25a1) == -1);
	CHECK(FIND("", 'A') == -1);
}

CASE(psf_1_map_is_of_words)
{
	static struct file file;
	struct psf psf;
	uint8_t *block;
	uint32_t glyph;

	file.used = 0;
	put(&file, "\x36\x04\x02\x01", 4);
	for (unsigned i = 0; i < 256; i++)
		put8(&file, i);
	put(&file, "A\0\xff\xff", 4);
	put(&file, "\xfe\xff" "B\0\xa1\x25\xff\xff", 8);
	put(&file, "B\0\xa1\x25\xff\xff" "C", 7);
	CHECK(parse(&psf, &file, &block) == ST_OK);
	CHECK(psf_find(&psf, 'A', &glyph) == ST_OK && glyph == 0);
	CHECK(psf_find(&psf, 'B', &glyph) == ST_OK && glyph == 2);
	CHECK(psf_find(&psf, 0x25a1, &glyph) == ST_OK && glyph == 2);
	CHECK(psf_find(&psf, 'C', &glyph) == ST_NOT_FOUND);
	free(block);
}

CASE(psf_without_a_map_goes_by_number)
{
	static struct file file;
	uint64_t state = check_seed();
	struct psf psf;
	uint8_t *block;
	uint32_t glyph;

	put_random_font(&file, (struct shape_of_font){
		.count = 66, .width = 8, .height = 2 }, &state);
	CHECK(parse(&psf, &file, &block) == ST_OK);
	CHECK(psf_find(&psf, 'A', &glyph) == ST_OK && glyph == 'A');
	CHECK(psf_find(&psf, 'B', &glyph) == ST_NOT_FOUND);
	free(block);
}

/* --- the font ------------------------------------------------------------- */

static enum status build(struct font *font, struct shape_of_font shape,
			 uint64_t *state)
{
	static struct file file;
	struct psf psf;
	uint8_t *block;
	enum status status;

	put_random_font(&file, shape, state);
	CHECK(parse(&psf, &file, &block) == ST_OK);
	status = font_build(font, &psf);
	free(block);
	return status;
}

CASE(font_keeps_no_row_twice_and_the_blank_one_first)
{
	static struct font font;
	uint64_t state = check_seed();

	CHECK(build(&font, (struct shape_of_font){
		.count = 128, .width = 5, .height = 8 }, &state) == ST_OK);
	CHECK(font.rows[0] == 0);
	CHECK(font.row_count <= 32);
	for (uint32_t i = 0; i < font.row_count; i++)
		for (uint32_t k = 0; k < i; k++)
			CHECK(font.rows[i] != font.rows[k]);
}

CASE(font_with_too_many_different_rows_is_refused)
{
	static struct font font;
	uint64_t state = check_seed();

	CHECK(build(&font, (struct shape_of_font){
		.count = 128, .width = 32, .height = 64 }, &state) == ST_FULL);
}

CASE(font_draws_a_box_for_what_it_does_not_have)
{
	static const uint32_t want[] = { 0, 0x7e000000, 0x42000000, 0x42000000,
					 0x42000000, 0x42000000, 0x7e000000,
					 0 };
	static struct font font;
	uint64_t state = check_seed();

	CHECK(build(&font, (struct shape_of_font){
		.count = 'z', .width = 8, .height = 8 }, &state) == ST_OK);
	for (uint32_t row = 0; row < 8; row++) {
		CHECK(font.rows[font.shape['z'][row] / 32] == want[row]);
		CHECK(font.rows[font.shape[GLYPH_BOX][row] / 32] == want[row]);
		CHECK(font.rows[font.shape['\n'][row] / 32] == want[row]);
	}
	CHECK(font_difference(&font, 'z', GLYPH_BOX) == 0);
	CHECK(font_difference(&font, 'y', GLYPH_BOX) > 0);
}

CASE(font_difference_counts_pixels)
{
	static struct font font;
	uint64_t state = check_seed();

	CHECK(build(&font, (struct shape_of_font){
		.count = 80, .width = 12, .height = 9 }, &state) == ST_OK);
	for (uint32_t a = ' '; a < 127; a++) {
		uint32_t b = 127 + ' ' - a, pixels = 0;

		for (uint32_t y = 0; y < 9; y++)
			pixels += (uint32_t)__builtin_popcount(
				font.rows[font.shape[a][y] / 48] ^
				font.rows[font.shape[b][y] / 48]);
		CHECK(font_difference(&font, a, b) == pixels);
	}
	CHECK(font_difference(&font, 'a', GLYPH_UNKNOWN) == 12 * 9);
}

/* --- drawing -------------------------------------------------------------- */

#define COLUMNS		13
#define GUARD		5	/* pixels around the row, on each side */
#define COLOURS		3
#define POISON		0xdeadbeef

static const struct font_colours colours[COLOURS] = {
	{ 0x00ffffff, 0x00000000 },
	{ 0x00aa5500, 0x00000000 },
	{ 0x00123456, 0x00fedcba },
};

struct stage {
	struct font font;
	uint32_t *pixels[COLOURS];
	uint32_t pitch, lines;		/* of the framebuffer, in pixels */
	uint32_t *framebuffer;
	struct cell *want, *have;	/* COLUMNS each, nothing beyond */
};

static struct stage *stage_make(struct shape_of_font shape, uint64_t *state)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	CHECK(build(&stage->font, shape, state) == ST_OK);
	for (unsigned colour = 0; colour < COLOURS; colour++) {
		size_t bytes = font_expanded_bytes(&stage->font);

		stage->pixels[colour] = malloc(bytes);
		font_expand(&stage->font, colours[colour],
			    stage->pixels[colour]);
	}
	stage->pitch = COLUMNS * shape.width + 2 * GUARD;
	stage->lines = shape.height + 2 * GUARD;
	stage->framebuffer = malloc(stage->pitch * stage->lines * 4);
	stage->want = malloc(COLUMNS * sizeof(struct cell));
	stage->have = malloc(COLUMNS * sizeof(struct cell));
	return stage;
}

static void stage_free(struct stage *stage)
{
	for (unsigned colour = 0; colour < COLOURS; colour++)
		free(stage->pixels[colour]);
	free(stage->want);
	free(stage->have);
	free(stage->framebuffer);
	free(stage);
}

static uint32_t *pixel_at(struct stage *stage, uint32_t column, uint32_t x,
			  uint32_t y)
{
	return stage->framebuffer + (GUARD + y) * stage->pitch + GUARD +
	       column * stage->font.width + x;
}

/* One pixel of a cell, the slow way. */
static uint32_t expected(const struct font *font, struct cell cell, uint32_t x,
			 uint32_t y)
{
	uint32_t row = font->shape[cell.glyph][y] / (font->width * 4);

	return font->rows[row] << x >> 31 ? colours[cell.colour].foreground :
					    colours[cell.colour].background;
}

/* True when row y of the cell had to be drawn. */
static bool row_differs(const struct font *font, struct cell want,
			struct cell have, uint32_t y)
{
	return have.glyph == GLYPH_UNKNOWN || want.colour != have.colour ||
	       font->shape[want.glyph][y] != font->shape[have.glyph][y];
}

static struct cell random_cell(uint64_t *state)
{
	uint64_t number = check_random(state);

	return (struct cell){
		.glyph = (uint8_t)(number % 5 == 0 ? ' ' :
				   ' ' + (number >> 8) % 96),
		.colour = (uint8_t)((number >> 32) % COLOURS),
	};
}

static void stage_set(struct stage *stage, uint64_t *state)
{
	/* In some rows almost no cell changes, in some almost all. */
	uint64_t change_in = 1 + check_random(state) % 8;

	for (uint32_t i = 0; i < COLUMNS; i++) {
		stage->have[i] = random_cell(state);
		stage->want[i] = random_cell(state);
		if (check_random(state) % 2 == 0)
			stage->want[i].colour = stage->have[i].colour;
		if (check_random(state) % change_in != 0)
			stage->want[i] = stage->have[i];
		if (check_random(state) % (8 * change_in) == 0)
			stage->have[i].glyph = GLYPH_UNKNOWN;
	}
	for (uint32_t i = 0; i < stage->pitch * stage->lines; i++)
		stage->framebuffer[i] = POISON;
}

static void stage_draw(struct stage *stage)
{
	font_draw(&stage->font, &(struct glyph_row){
		.cells = { .columns = COLUMNS, .want = stage->want,
			   .have = stage->have },
		.pixels = stage->pixels,
		.at = pixel_at(stage, 0, 0, 0),
		.pitch_bytes = stage->pitch * 4,
	});
}

/* Pixels that are wrong: a drawn row as wanted, everything else untouched. */
static size_t stage_faults(struct stage *stage, const struct cell *before)
{
	size_t faults = 0, right = 0;
	uint32_t height = stage->font.height, width = stage->font.width;

	for (uint32_t i = 0; i < COLUMNS; i++)
		for (uint32_t y = 0; y < height; y++) {
			bool drawn = row_differs(&stage->font, stage->want[i],
						 before[i], y);

			for (uint32_t x = 0; x < width; x++) {
				uint32_t want = drawn ?
					expected(&stage->font, stage->want[i],
						 x, y) : POISON;
				uint32_t *pixel = pixel_at(stage, i, x, y);

				faults += *pixel != want;
				*pixel = POISON;
			}
		}
	for (uint32_t i = 0; i < stage->pitch * stage->lines; i++)
		right += stage->framebuffer[i] == POISON;
	return faults + stage->pitch * stage->lines - right;
}

/*
 * The framebuffer is filled with a poison value: a read of it would show up in
 * the drawn pixels.
 */
CASE(font_draw_writes_the_rows_that_differ_and_nothing_else)
{
	static const struct shape_of_font shapes[] = {
		{ .count = 128, .width = 8, .height = 16 },
		{ .count = 128, .width = 5, .height = 8 },
		{ .count = 128, .width = 1, .height = 1 },
		{ .count = 128, .width = 7, .height = 13 },
		{ .count = 40, .width = 12, .height = 24 },
		{ .count = 44, .width = 16, .height = 32 },
		{ .count = 38, .width = 32, .height = 64 },
		{ .count = 48, .width = 31, .height = 17 },
	};
	uint64_t state = check_seed();

	for (size_t i = 0; i < ARRAY_LENGTH(shapes); i++) {
		struct stage *stage = stage_make(shapes[i], &state);

		for (unsigned round = 0; round < 300; round++) {
			struct cell before[COLUMNS];

			stage_set(stage, &state);
			memcpy(before, stage->have, sizeof(before));
			stage_draw(stage);
			CHECK(stage_faults(stage, before) == 0);
			CHECK(memcmp(stage->want, stage->have,
				     sizeof(before)) == 0);
		}
		stage_free(stage);
	}
}

CASE(font_expanded_rows_follow_each_other)
{
	static struct font font;
	uint64_t state = check_seed();
	uint32_t pixels[33 * 5 + 1];

	CHECK(build(&font, (struct shape_of_font){
		.count = 128, .width = 5, .height = 4 }, &state) == ST_OK);
	pixels[font.row_count * 5] = POISON;
	font_expand(&font, colours[2], pixels);
	for (uint32_t i = 0; i < font.row_count; i++)
		for (uint32_t x = 0; x < 5; x++)
			CHECK(pixels[i * 5 + x] ==
			      (font.rows[i] << x >> 31 ?
				       colours[2].foreground :
				       colours[2].background));
	CHECK(pixels[font.row_count * 5] == POISON);
	CHECK(font_expanded_bytes(&font) >= font.row_count * 20);
	CHECK(font_expanded_bytes(&font) % 8 == 0);
}
