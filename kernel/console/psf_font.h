/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * psf_font.h - a console font, from its file to pixels on the screen.
 *
 * Takes: a PC Screen Font, version 1 or 2, any bytes.
 * Gives: the shapes of the printable bytes, and functions that draw one shape
 *        over another.
 * Pure: no state, no kernel; fuzzed and tested on the host.
 */
#ifndef KERNEL_CONSOLE_PSF_FONT_H
#define KERNEL_CONSOLE_PSF_FONT_H

#include <base/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cell.h"

#define GLYPH_WIDTH_MAX		32	/* pixels; a row is one word         */
#define GLYPH_HEIGHT_MAX	64
#define FONT_ROWS_MAX		512	/* different ones                    */

/* A parsed PSF file; it points into the file. */
struct psf {
	const uint8_t *glyphs;
	uint32_t count;
	uint32_t width, height;
	uint32_t row_bytes, glyph_bytes;
	const uint8_t *map;		/* characters; NULL = by number */
	size_t map_bytes;
	uint32_t version;		/* 1 or 2: the format of the map     */
};

/*
 * Fails: ST_CORRUPT (no PSF, cut short, sizes that contradict each other),
 *        ST_UNSUPPORTED (a later version, glyphs larger than the limits).
 */
enum status psf_parse(struct psf *out, const void *data, size_t bytes);

/* The number of the glyph for a character. Fails: ST_NOT_FOUND. */
enum status psf_find(const struct psf *psf, uint32_t character,
		     uint32_t *glyph);

/* One row of a glyph, its leftmost pixel in bit 31, nothing beyond width. */
uint32_t psf_row(const struct psf *psf, uint32_t glyph, uint32_t row);

/* The glyphs: bytes 0 ... 127, and one for unknown screen content. */
#define GLYPH_BOX	127	/* for characters that the font lacks        */
#define GLYPH_UNKNOWN	128	/* unknown content: differs from all glyphs  */
#define GLYPH_COUNT	129

/*
 * shape[g][y] is row y of glyph g, as the offset in bytes of that row in an
 * expanded set of rows. Rows beyond the height are the same in every shape.
 */
struct font {
	uint32_t shape[GLYPH_COUNT][GLYPH_HEIGHT_MAX];
	/* Bit n: rows 4n ... 4n + 3 of the shape are not all blank. */
	uint32_t inked[GLYPH_COUNT];
	uint32_t width, height;		/* pixels of a cell                  */
	uint32_t row_count;		/* different rows, row 0 is blank    */
	uint32_t rows[FONT_ROWS_MAX];	/* as psf_row                        */
};

/* Fails: ST_FULL when the font has more than FONT_ROWS_MAX different rows. */
enum status font_build(struct font *font, const struct psf *psf);

/*
 * The different rows as pixels: font_expanded_bytes for each pair of
 * colours, aligned to 8.
 */
struct font_colours {
	uint32_t foreground, background;
};
size_t font_expanded_bytes(const struct font *font);
void font_expand(const struct font *font, struct font_colours colours,
		 uint32_t *pixels);

/*
 * Draws the cells of a row that differ and makes `have` equal to `want`. Only
 * the rows of pixels that differ are written; the whole cell when its colour
 * differs. Never reads from `at`.
 */
struct glyph_row {
	struct cell_row cells;		/* glyphs below GLYPH_COUNT          */
	uint32_t *const *pixels;	/* by colour: the expanded font      */
	void *at;			/* the row's top left pixel          */
	uint32_t pitch_bytes;
};
void font_draw(const struct font *font, const struct glyph_row *row);

/* The number of pixels in which two glyphs differ; from UNKNOWN, all. */
uint32_t font_difference(const struct font *font, uint32_t a, uint32_t b);

#endif
