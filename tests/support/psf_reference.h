/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * psf_reference.h - a reader of console fonts apart from
 * kernel/console/psf_font.c.
 *
 * The reference reads a file bit by bit through one function that checks its
 * end, and requires the same result, the same pixels and the same characters.
 * The font that is built must draw these pixels and keep its invariants. Most
 * files are checked only in part, so that there is time for many; the file
 * itself decides in which.
 */
#ifndef TESTS_PSF_REFERENCE_H
#define TESTS_PSF_REFERENCE_H

#include <stdlib.h>
#include <string.h>

#include <kernel/console/psf_font.h>

struct psf_file {
	const uint8_t *data;
	size_t bytes;
	uint32_t version, width, height, count;
	size_t glyphs, map;		/* where; map 0 = none */
};

/* A byte, or -1 beyond the end. */
static int reference_byte(const struct psf_file *file, uint64_t at)
{
	return at < file->bytes ? file->data[at] : -1;
}

static int64_t reference_word(const struct psf_file *file, uint64_t at)
{
	int64_t value = 0;

	for (int i = 3; i >= 0; i--) {
		if (reference_byte(file, at + (unsigned)i) < 0)
			return -1;
		value = value * 256 + reference_byte(file, at + (unsigned)i);
	}
	return value;
}

static enum status reference_sizes(struct psf_file *file, int64_t glyph_bytes)
{
	int64_t row_bytes = (file->width + 7) / 8;
	uint64_t end;

	if (file->width == 0 || file->height == 0 || file->count == 0)
		return ST_CORRUPT;
	if (file->width > 32 || file->height > 64)
		return ST_UNSUPPORTED;
	if (glyph_bytes != row_bytes * file->height)
		return ST_CORRUPT;
	end = file->glyphs + (uint64_t)file->count * (uint64_t)glyph_bytes;
	if (end > file->bytes)
		return ST_CORRUPT;
	if (file->map != 0)
		file->map = end;
	return ST_OK;
}

static enum status reference_header(struct psf_file *file)
{
	if (reference_byte(file, 0) == 0x36 && reference_byte(file, 1) == 4 &&
	    file->bytes >= 4) {
		file->version = 1;
		file->width = 8;
		file->height = file->data[3];
		file->count = file->data[2] & 1 ? 512 : 256;
		file->glyphs = 4;
		file->map = (file->data[2] & 6) != 0;
		return reference_sizes(file, file->height);
	}
	if (reference_word(file, 0) != 0x864ab572 || file->bytes < 32)
		return ST_CORRUPT;
	if (reference_word(file, 4) != 0)
		return ST_UNSUPPORTED;
	if (reference_word(file, 8) < 32)
		return ST_CORRUPT;
	file->version = 2;
	file->glyphs = (size_t)reference_word(file, 8);
	file->map = reference_word(file, 12) & 1;
	file->count = (uint32_t)reference_word(file, 16);
	file->height = (uint32_t)reference_word(file, 24);
	file->width = (uint32_t)reference_word(file, 28);
	return reference_sizes(file, reference_word(file, 20));
}

static bool reference_pixel(const struct psf_file *file, uint32_t glyph,
			    uint32_t x, uint32_t y)
{
	uint64_t row = (uint64_t)glyph * file->height + y;
	uint64_t at = file->glyphs + row * ((file->width + 7) / 8) + x / 8;

	return reference_byte(file, at) >> (7 - x % 8) & 1;
}

/* --- the map ----------------------------------------------------------- */

enum { UNIT_END = -1, UNIT_SEQUENCE = -2, UNIT_NONSENSE = -3 };

static int64_t reference_unit_1(const struct psf_file *file, size_t *at)
{
	int low = reference_byte(file, *at),
	    high = reference_byte(file, *at + 1);

	*at += 2;
	if (high < 0)
		return UNIT_NONSENSE;
	if (high == 0xff && low >= 0xfe)
		return low == 0xff ? UNIT_END : UNIT_SEQUENCE;
	return high * 256 + low;
}

static int64_t reference_unit_2(const struct psf_file *file, size_t *at)
{
	static const struct { int from, bits, more; } leads[] = {
		{ 0xf8, 0, -1 }, { 0xf0, 0x07, 3 }, { 0xe0, 0x0f, 2 },
		{ 0xc0, 0x1f, 1 }, { 0x80, 0, -1 }, { 0x00, 0x7f, 0 },
	};
	int lead = reference_byte(file, (*at)++);
	int64_t value;
	unsigned i = 0;

	if (lead >= 0xfe)
		return lead == 0xff ? UNIT_END : UNIT_SEQUENCE;
	while (lead < leads[i].from)
		i++;
	value = lead & leads[i].bits;
	for (int k = 0; k < leads[i].more; k++) {
		int next = reference_byte(file, *at + (unsigned)k);

		if (next < 0x80 || next > 0xbf)
			return UNIT_NONSENSE;
		value = value * 64 + next % 64;
	}
	if (leads[i].more < 0)
		return UNIT_NONSENSE;
	*at += (unsigned)leads[i].more;
	return value;
}

/* The glyph of a character, or -1. */
static int64_t reference_find(const struct psf_file *file, uint32_t character)
{
	bool alone = true;
	int64_t glyph = 0;
	size_t at = file->map;

	if (at == 0)
		return character < file->count ? (int64_t)character : -1;
	while (at < file->bytes && glyph < file->count) {
		int64_t unit = file->version == 1 ? reference_unit_1(file, &at)
						  : reference_unit_2(file, &at);

		if (unit == UNIT_END) {
			glyph++;
			alone = true;
		} else if (unit == UNIT_SEQUENCE) {
			alone = false;
		} else if (alone && unit == (int64_t)character) {
			return glyph;
		}
	}
	return -1;
}

/* --- comparing --------------------------------------------------------- */

static bool glyph_agrees(const struct psf_file *file, const struct psf *psf,
			 uint32_t glyph)
{
	for (uint32_t y = 0; y < file->height; y++) {
		uint32_t row = psf_row(psf, glyph, y);

		for (uint32_t x = 0; x < 32; x++)
			if ((row << x >> 31) !=
			    (x < file->width &&
			     reference_pixel(file, glyph, x, y)))
				return false;
	}
	return true;
}

/* Compares every `step`th character from `first` on. */
static bool map_agrees(const struct psf_file *file, const struct psf *psf,
		       uint32_t first, uint32_t step)
{
	static const uint32_t strange[] = { 0, 0xe4, 0x25a1, 0xfffd, 0xffff,
					    0x1f436, 0x10ffff, UINT32_MAX };

	for (uint32_t i = first; i < 96 + sizeof(strange) / 4; i += step) {
		uint32_t character = i < 96 ? ' ' + i : strange[i - 96];
		int64_t want = reference_find(file, character);
		uint32_t have;
		bool there = psf_find(psf, character, &have) == ST_OK;

		if (there != (want >= 0) || (there && have != want))
			return false;
	}
	return true;
}

/* Draws a glyph over another one, in a field with a border around it. */
static bool drawing_agrees(const struct font *font, uint32_t want_glyph,
			   uint32_t have_glyph)
{
	enum { FENCE = 3 };
	uint32_t pitch = font->width + 2 * FENCE;
	uint32_t lines = font->height + 2 * FENCE;
	size_t expanded = font_expanded_bytes(font);
	uint32_t *pixels = malloc(expanded);
	uint32_t *field = malloc((size_t)pitch * lines * 4);
	struct cell want = { (uint8_t)want_glyph, 0 };
	struct cell have = { (uint8_t)have_glyph, 0 };
	bool good = true;

	font_expand(font, (struct font_colours){ 1, 0 }, pixels);
	for (uint32_t i = 0; i < pitch * lines; i++)
		field[i] = 2;
	font_draw(font, &(struct glyph_row){
		.cells = { .columns = 1, .want = &want, .have = &have },
		.pixels = &pixels,
		.at = field + FENCE * pitch + FENCE,
		.pitch_bytes = pitch * 4,
	});
	for (uint32_t y = 0; y < lines; y++)
		for (uint32_t x = 0; x < pitch; x++) {
			uint32_t gy = y - FENCE, gx = x - FENCE, expect = 2;

			if (gy < font->height && gx < font->width &&
			    font->shape[want_glyph][gy] !=
				    font->shape[have_glyph][gy])
				expect = font->rows[
					font->shape[want_glyph][gy] / 4 /
					font->width] << gx >> 31;
			good = good && field[y * pitch + x] == expect;
		}
	free(pixels);
	free(field);
	return good;
}

/* Compares the shapes with the file, and checks that no row is stored twice. */
static bool font_agrees(const struct psf_file *file, const struct font *font)
{
	for (uint32_t i = 0; i < font->row_count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (font->rows[i] == font->rows[k])
				return false;
	for (uint32_t c = ' '; c < 127; c++) {
		int64_t glyph = reference_find(file, c);

		for (uint32_t y = 0; y < file->height && glyph >= 0; y++) {
			uint32_t row = font->rows[font->shape[c][y] / 4 /
						  file->width];

			for (uint32_t x = 0; x < file->width; x++)
				if ((row << x >> 31) !=
				    reference_pixel(file, (uint32_t)glyph, x,
						    y))
					return false;
		}
	}
	return drawing_agrees(font, 'A', 'B') &&
	       drawing_agrees(font, ' ', GLYPH_BOX) &&
	       drawing_agrees(font, 'z', GLYPH_UNKNOWN);
}

/* A number that depends on every byte of the file. */
static uint32_t reference_number(const uint8_t *data, size_t bytes)
{
	uint32_t number = 0;

	for (size_t i = 0; i < bytes; i++)
		number = (number ^ data[i]) * 0x01000193;
	return number >> 8;
}

/* True when the kernel's reader agrees with the reference. */
static bool psf_agrees(const uint8_t *data, size_t bytes,
		       enum status *verdict)
{
	static struct font font;
	struct psf_file file = { .data = data, .bytes = bytes };
	enum status want = reference_header(&file);
	struct psf psf;
	enum status have = psf_parse(&psf, data, bytes);
	uint32_t number = reference_number(data, bytes);
	bool thorough = number % 256 == 0;
	uint32_t step;
	enum status built;

	*verdict = have;
	if (have != want)
		return false;
	if (have != ST_OK)
		return true;
	if (psf.width != file.width || psf.height != file.height ||
	    psf.count != file.count)
		return false;
	step = thorough ? 1 : 1 + psf.count / 2;
	for (uint32_t glyph = 0; glyph < psf.count && glyph < 600;
	     glyph += step)
		if (!glyph_agrees(&file, &psf, glyph))
			return false;
	if (!glyph_agrees(&file, &psf, psf.count - 1) ||
	    !map_agrees(&file, &psf, thorough ? 0 : number % 104,
			thorough ? 1 : 104))
		return false;
	if (!thorough)
		return true;
	built = font_build(&font, &psf);
	return built == ST_FULL ? font.row_count == FONT_ROWS_MAX :
	       built == ST_OK && font_agrees(&file, &font);
}

#endif
