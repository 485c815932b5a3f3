// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The last words on the console: after the exit there is no ConOut, and most
 * machines have no serial port. Big plain letters from the top left, white
 * on black, straight into the framebuffer that the firmware still maps.
 */
#include "loader.h"

#include <base/bits.h>

#define GLYPH_WIDTH	8
#define GLYPH_HEIGHT	16
#define FONT_HEADER	32	/* of a PSF file, version 2 */
#define FIRST_GLYPH	' '
#define LAST_GLYPH	'~'
#define COLOUR_TEXT		0xffffffff
#define COLOUR_BACKGROUND		0

extern const uint8_t loader_font[];

static struct {
	struct handover_framebuffer screen;
	uint32_t column, row;
} console;

void framebuffer_set(const struct handover_framebuffer *screen)
{
	console.screen = *screen;
}

static void draw(uint8_t byte)
{
	const uint8_t *glyph = loader_font + FONT_HEADER +
			       (byte - FIRST_GLYPH) * GLYPH_HEIGHT;
	uint64_t line = console.screen.base.raw +
			(uint64_t)console.row * GLYPH_HEIGHT *
				console.screen.pitch_bytes +
			console.column * GLYPH_WIDTH * sizeof(uint32_t);

	for (unsigned y = 0; y < GLYPH_HEIGHT; y++) {
		volatile uint32_t *pixel = (volatile uint32_t *)line;

		for (unsigned x = 0; x < GLYPH_WIDTH; x++)
			pixel[x] = glyph[y] & 0x80 >> x ?
					COLOUR_TEXT : COLOUR_BACKGROUND;
		line += console.screen.pitch_bytes;
	}
}

void framebuffer_print(const char *text, size_t bytes)
{
	uint32_t columns = console.screen.width / GLYPH_WIDTH;
	uint32_t rows = console.screen.height / GLYPH_HEIGHT;

	if (console.screen.base.raw == 0 || columns == 0)
		return;
	for (size_t i = 0; i < bytes; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (byte == '\n' || console.column == columns) {
			console.column = 0;
			console.row++;
		}
		if (console.row >= rows)
			return;
		if (byte >= FIRST_GLYPH && byte <= LAST_GLYPH) {
			draw(byte);
			console.column++;
		}
	}
}
