// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Prints errors on the screen after the exit, when there is no ConOut and most
 * machines have no serial port: white on black from the top left, directly
 * into the framebuffer, which the firmware's page tables still map.
 */
#include "loader.h"

#include <base/bits.h>

#define GLYPH_WIDTH	8
#define GLYPH_HEIGHT	16
#define FONT_HEADER	32	/* of a PSF file, version 2 */
#define FIRST_GLYPH	' '
#define LAST_GLYPH	'~'
#define COLOUR_TEXT		0xffffffff
#define COLOUR_BACKGROUND	0

extern const uint8_t loader_font[];

/* The position of the next glyph; lines follow each other. */
static uint32_t column, row;

static void draw(const struct handover_framebuffer *to, uint8_t byte)
{
	const uint8_t *glyph = loader_font + FONT_HEADER +
			       (byte - FIRST_GLYPH) * GLYPH_HEIGHT;
	uint64_t line = to->base.raw +
			(uint64_t)row * GLYPH_HEIGHT * to->pitch_bytes +
			column * GLYPH_WIDTH * sizeof(uint32_t);

	for (unsigned y = 0; y < GLYPH_HEIGHT; y++) {
		volatile uint32_t *pixel = (volatile uint32_t *)line;

		for (unsigned x = 0; x < GLYPH_WIDTH; x++)
			pixel[x] = glyph[y] & 0x80 >> x ? COLOUR_TEXT :
							  COLOUR_BACKGROUND;
		line += to->pitch_bytes;
	}
}

void framebuffer_print(const struct handover_framebuffer *to,
		       const char *text, size_t bytes)
{
	uint32_t columns = to->width / GLYPH_WIDTH;
	uint32_t rows = to->height / GLYPH_HEIGHT;

	if (to->base.raw == 0 || columns == 0)
		return;
	for (size_t i = 0; i < bytes; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (byte == '\n' || column == columns) {
			column = 0;
			row++;
		}
		if (row >= rows)
			return;
		if (byte >= FIRST_GLYPH && byte <= LAST_GLYPH) {
			draw(to, byte);
			column++;
		}
	}
}
