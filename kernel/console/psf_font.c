// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Text is drawn over text, and the framebuffer must not be read. The glyph on
 * the screen is remembered in the cell, so both glyphs are compared, and only
 * rows in which they differ are written.
 *
 * A font has few different rows: the 95 characters of a 16x32 font have 3040
 * rows, of which 128 differ. So a shape is a list of row numbers, and the rows
 * are turned into pixels once for each pair of colours: 8 KiB, which stay in
 * the first-level cache. Comparing a row is comparing two numbers, drawing it
 * is one straight copy. Equal numbers mean equal pixels, because no row is
 * stored twice. A 16-pixel row is one whole 64-byte burst for a write-combining
 * buffer.
 *
 * Invariants of a font: (F1) rows[0..row_count) differ, row 0 is blank; (F2)
 * every entry of a shape is a row's number times width * 4; (F3) up to the
 * height, those of GLYPH_UNKNOWN are no row's; (F4) entries beyond the height
 * are 0, in every shape.
 *
 * Source: PSF as in the Linux kbd package's documentation (psfu(5)).
 */
#include "psf_font.h"

#include <base/bits.h>
#include <base/string.h>

#include "pixel_moves.h"

#define PSF1_MAGIC		0x0436
#define PSF1_HEADER_BYTES	4
#define PSF1_GLYPHS_512		1
#define PSF1_HAS_MAP		6	/* either of two bits */
#define PSF1_SEQUENCE		0xfffe
#define PSF1_END		0xffff

#define PSF2_MAGIC		0x864ab572
#define PSF2_HEADER_BYTES	32
#define PSF2_HAS_MAP		1
#define PSF2_SEQUENCE		0xfe	/* neither is a byte of UTF-8 */
#define PSF2_END		0xff

/* So many rows of a shape are compared at a time. */
#define ROWS_AT_ONCE		4
_Static_assert(GLYPH_HEIGHT_MAX / ROWS_AT_ONCE == 16, "a bit of `inked` each");

#define NO_ROW			UINT32_MAX

static uint32_t get16(const uint8_t *from)
{
	return from[0] | (uint32_t)from[1] << 8;
}

static uint32_t get32(const uint8_t *from)
{
	return get16(from) | get16(from + 2) << 16;
}

/* Checks the header fields, which have been read, against the file size. */
static enum status place_glyphs(struct psf *psf, const uint8_t *file,
				size_t bytes, size_t header_bytes)
{
	if (psf->width == 0 || psf->height == 0 || psf->count == 0)
		return ST_CORRUPT;
	if (psf->width > GLYPH_WIDTH_MAX || psf->height > GLYPH_HEIGHT_MAX)
		return ST_UNSUPPORTED;
	psf->row_bytes = (psf->width + 7) / 8;
	if (psf->glyph_bytes != psf->row_bytes * psf->height)
		return ST_CORRUPT;
	if (header_bytes > bytes ||
	    psf->count > (bytes - header_bytes) / psf->glyph_bytes)
		return ST_CORRUPT;
	psf->glyphs = file + header_bytes;
	psf->map = psf->glyphs + (size_t)psf->count * psf->glyph_bytes;
	psf->map_bytes = bytes - (size_t)(psf->map - file);
	return ST_OK;
}

static enum status parse_psf1(struct psf *psf, const uint8_t *file,
			      size_t bytes)
{
	enum status status;

	psf->version = 1;
	psf->width = 8;
	psf->height = file[3];
	psf->glyph_bytes = file[3];
	psf->count = file[2] & PSF1_GLYPHS_512 ? 512 : 256;
	status = place_glyphs(psf, file, bytes, PSF1_HEADER_BYTES);
	if ((file[2] & PSF1_HAS_MAP) == 0)
		psf->map = NULL;
	return status;
}

static enum status parse_psf2(struct psf *psf, const uint8_t *file,
			      size_t bytes)
{
	uint32_t header_bytes;
	enum status status;

	if (bytes < PSF2_HEADER_BYTES)
		return ST_CORRUPT;
	if (get32(file + 4) != 0)
		return ST_UNSUPPORTED;
	header_bytes = get32(file + 8);
	if (header_bytes < PSF2_HEADER_BYTES)
		return ST_CORRUPT;
	psf->version = 2;
	psf->count = get32(file + 16);
	psf->glyph_bytes = get32(file + 20);
	psf->height = get32(file + 24);
	psf->width = get32(file + 28);
	status = place_glyphs(psf, file, bytes, header_bytes);
	if ((get32(file + 12) & PSF2_HAS_MAP) == 0)
		psf->map = NULL;
	return status;
}

enum status psf_parse(struct psf *out, const void *data, size_t bytes)
{
	*out = (struct psf){ .version = 0 };
	if (bytes < PSF1_HEADER_BYTES)
		return ST_CORRUPT;
	if (get16(data) == PSF1_MAGIC)
		return parse_psf1(out, data, bytes);
	if (get32(data) == PSF2_MAGIC)
		return parse_psf2(out, data, bytes);
	return ST_CORRUPT;
}

/* The next unit of a map; sequences stand for no single character. */
enum map_unit { MAP_CHARACTER, MAP_SEQUENCE, MAP_END, MAP_NONSENSE };

struct map_reader {
	const uint8_t *at;
	size_t bytes;			/* left */
	uint32_t version;
};

static enum map_unit read_psf1(struct map_reader *reader, uint32_t *character)
{
	if (reader->bytes < 2) {
		reader->bytes = 0;
		return MAP_NONSENSE;
	}
	*character = get16(reader->at);
	reader->at += 2;
	reader->bytes -= 2;
	if (*character == PSF1_END)
		return MAP_END;
	return *character == PSF1_SEQUENCE ? MAP_SEQUENCE : MAP_CHARACTER;
}

/* UTF-8. Overlong forms are accepted: they name characters too. */
static enum map_unit read_psf2(struct map_reader *reader, uint32_t *character)
{
	uint8_t first = *reader->at++;
	unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 :
			first >= 0xc0 ? 1 : 0;

	reader->bytes--;
	if (first == PSF2_END)
		return MAP_END;
	if (first == PSF2_SEQUENCE)
		return MAP_SEQUENCE;
	if (first >= 0xf8 || (first >= 0x80 && first < 0xc0) ||
	    more > reader->bytes)
		return MAP_NONSENSE;
	*character = more == 0 ? first : first & (0x3fu >> more);
	for (unsigned i = 0; i < more; i++) {
		if ((reader->at[i] & 0xc0) != 0x80)
			return MAP_NONSENSE;
		*character = *character << 6 | (reader->at[i] & 0x3f);
	}
	reader->at += more;
	reader->bytes -= more;
	return MAP_CHARACTER;
}

static enum status find_in_map(const struct psf *psf, uint32_t wanted,
			       uint32_t *glyph)
{
	struct map_reader reader = { psf->map, psf->map_bytes, psf->version };
	bool in_sequence = false;
	uint32_t number = 0;

	while (reader.bytes > 0 && number < psf->count) {
		uint32_t character = 0;
		enum map_unit unit = psf->version == 1 ?
					     read_psf1(&reader, &character) :
					     read_psf2(&reader, &character);

		if (unit == MAP_END) {
			number++;
			in_sequence = false;
		} else if (unit == MAP_SEQUENCE) {
			in_sequence = true;
		} else if (unit == MAP_CHARACTER && !in_sequence &&
			   character == wanted) {
			*glyph = number;
			return ST_OK;
		}
	}
	return ST_NOT_FOUND;
}

enum status psf_find(const struct psf *psf, uint32_t character,
		     uint32_t *glyph)
{
	if (psf->map != NULL)
		return find_in_map(psf, character, glyph);
	if (character >= psf->count)
		return ST_NOT_FOUND;
	*glyph = character;
	return ST_OK;
}

uint32_t psf_row(const struct psf *psf, uint32_t glyph, uint32_t row)
{
	const uint8_t *from = psf->glyphs +
			      (size_t)glyph * psf->glyph_bytes +
			      (size_t)row * psf->row_bytes;
	uint32_t bits = 0;

	for (uint32_t i = 0; i < psf->row_bytes; i++)
		bits |= (uint32_t)from[i] << (24 - 8 * i);
	return bits & (UINT32_MAX << (GLYPH_WIDTH_MAX - psf->width));
}

/* Finds or adds the row with these bits. Fails: ST_FULL. */
static enum status intern_row(struct font *font, uint32_t bits,
			      uint32_t *offset)
{
	uint32_t i = 0;

	while (i < font->row_count && font->rows[i] != bits)
		i++;
	if (i == FONT_ROWS_MAX)
		return ST_FULL;
	font->rows[i] = bits;
	if (i == font->row_count)
		font->row_count++;
	*offset = i * font->width * 4;
	return ST_OK;
}

/* A box with a margin, for every byte that has no glyph. */
static uint32_t box_row(const struct font *font, uint32_t row)
{
	uint32_t top = font->height / 5, bottom = font->height - 1 - top;
	uint32_t all = UINT32_MAX << (GLYPH_WIDTH_MAX - font->width);
	uint32_t bar = all & (UINT32_MAX >> 1) & all << 1;

	if (row < top || row > bottom)
		return 0;
	if (row == top || row == bottom)
		return bar;
	/* The left and the right side of the box. */
	return (bar & ~(bar >> 1)) | (bar & ~(bar << 1));
}

static void note_colour(struct font *font, uint32_t glyph)
{
	for (uint32_t row = 0; row < font->height; row++)
		if (font->shape[glyph][row] != 0)
			font->inked[glyph] |= 1U << row / ROWS_AT_ONCE;
	/* Every shape has a group to compare: draw_shape needs no test. */
	if (font->inked[glyph] == 0)
		font->inked[glyph] = 1U << font->height / 2 / ROWS_AT_ONCE;
}

static enum status add_glyph(struct font *font, const struct psf *psf,
			     uint32_t glyph)
{
	bool printable = glyph >= ' ' && glyph < GLYPH_BOX;
	uint32_t number;
	bool there = printable && psf_find(psf, glyph, &number) == ST_OK;

	for (uint32_t row = 0; row < font->height; row++) {
		uint32_t bits = there ? psf_row(psf, number, row) :
					box_row(font, row);
		enum status status = intern_row(font, bits,
						&font->shape[glyph][row]);

		if (status != ST_OK)
			return status;
	}
	note_colour(font, glyph);
	return ST_OK;
}

enum status font_build(struct font *font, const struct psf *psf)
{
	uint32_t blank;
	enum status status;

	memset(font, 0, sizeof(*font));
	font->width = psf->width;
	font->height = psf->height;
	status = intern_row(font, 0, &blank);
	for (uint32_t glyph = 0; glyph < GLYPH_UNKNOWN; glyph++) {
		if (status != ST_OK)
			return status;
		status = add_glyph(font, psf, glyph);
	}
	for (uint32_t row = 0; row < font->height; row++)
		font->shape[GLYPH_UNKNOWN][row] = NO_ROW;
	note_colour(font, GLYPH_UNKNOWN);
	return status;
}

size_t font_expanded_bytes(const struct font *font)
{
	return align_up((size_t)font->row_count * font->width * 4, 8);
}

void font_expand(const struct font *font, struct font_colours colours,
		 uint32_t *pixels)
{
	for (uint32_t i = 0; i < font->row_count; i++) {
		uint32_t bits = font->rows[i];

		for (uint32_t x = 0; x < font->width; x++, bits <<= 1)
			*pixels++ = bits >> 31 ? colours.foreground :
						 colours.background;
	}
}

/* Draws one shape over another, both in the same colours. */
struct shape_change {
	const uint32_t *want, *have;
	uint32_t groups;		/* of rows in which one has colour */
	const char *pixels;
	char *at;
	uint64_t pitch;
};

/* Inlined with a constant `width`. */
static inline __attribute__((always_inline)) void
draw_shape(struct shape_change change, uint32_t width)
{
	uint64_t blank = (unsigned)__builtin_ctz(change.groups);

	change.groups >>= blank;
	change.want += blank * ROWS_AT_ONCE;
	change.have += blank * ROWS_AT_ONCE;
	change.at += blank * (ROWS_AT_ONCE * change.pitch);
	do {
#pragma GCC unroll 4
		for (unsigned i = 0; i < ROWS_AT_ONCE; i++)
			if (change.want[i] != change.have[i])
				pixels_copy(change.at + i * change.pitch,
					    change.pixels + change.want[i],
					    width);
		change.want += ROWS_AT_ONCE;
		change.have += ROWS_AT_ONCE;
		change.at += ROWS_AT_ONCE * change.pitch;
		change.groups >>= 1;
	} while (change.groups != 0);
}

/* When a screen scrolls, most characters change, but not their colours. */
static inline __attribute__((always_inline)) void
draw_cells(const struct font *font, const struct glyph_row *row,
	   uint32_t width)
{
	const struct cell *want = row->cells.want;
	const struct cell *end = want + row->cells.columns;
	struct cell *have = row->cells.have;
	uint32_t *const *pixels = row->pixels;
	uint64_t pitch = row->pitch_bytes;
	char *at = row->at;

	for (; want < end; want++, have++, at += width * 4) {
		uint64_t glyph = want->glyph, old = have->glyph;

		if (__builtin_expect(cell_is(*want, *have), 0)) {
			while (end - want > 4 &&
			       four_cells(want + 1) == four_cells(have + 1)) {
				want += 4;
				have += 4;
				at += 4 * width * 4;
			}
			continue;
		}
		if (__builtin_expect(want->colour != have->colour, 0))
			old = GLYPH_UNKNOWN;
		draw_shape((struct shape_change){
			.want = font->shape[glyph],
			.have = font->shape[old],
			.groups = font->inked[glyph] | font->inked[old],
			.pixels = (const char *)pixels[want->colour],
			.at = at,
			.pitch = pitch,
		}, width);
		*have = *want;
	}
}

void font_draw(const struct font *font, const struct glyph_row *row)
{
	switch (font->width) {
	case 8:
		draw_cells(font, row, 8);
		break;
	case 12:
		draw_cells(font, row, 12);
		break;
	case 16:
		draw_cells(font, row, 16);
		break;
	case 32:
		draw_cells(font, row, 32);
		break;
	default:
		draw_cells(font, row, font->width);
		break;
	}
}

uint32_t font_difference(const struct font *font, uint32_t a, uint32_t b)
{
	uint32_t row_bytes = font->width * 4;
	uint32_t pixels = 0;

	if (a == b)
		return 0;
	if (a == GLYPH_UNKNOWN || b == GLYPH_UNKNOWN)
		return font->width * font->height;
	for (uint32_t row = 0; row < font->height; row++) {
		uint32_t bits = font->rows[font->shape[a][row] / row_bytes] ^
				font->rows[font->shape[b][row] / row_bytes];

		for (; bits != 0; bits &= bits - 1)
			pixels++;
	}
	return pixels;
}
