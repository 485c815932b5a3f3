// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Cuts a console font down to ASCII: what the kernel carries with it.
 *
 * Usage: psf_trim < FONT.psfu > FONT.psf
 * Reads PSF version 1 or 2, writes version 2 with a map of its characters.
 * Fails, with one line, when one of them is missing.
 */
#include <stdio.h>
#include <stdlib.h>

#include <kernel/console/psf_font.h>

#define FIRST	' '
#define LAST	'~'
#define FILE_BYTES_MAX (1 << 20)

_Noreturn static void die(const char *why)
{
	fprintf(stderr, "psf_trim: %s\n", why);
	exit(1);
}

static void put32(uint32_t value)
{
	for (unsigned shift = 0; shift < 32; shift += 8)
		putchar(value >> shift & 0xff);
}

static void put_header(const struct psf *psf)
{
	put32(0x864ab572);
	put32(0);		/* version */
	put32(32);		/* bytes of this header */
	put32(1);		/* there is a map */
	put32(LAST - FIRST + 1);
	put32(psf->glyph_bytes);
	put32(psf->height);
	put32(psf->width);
}

static void put_glyph(const struct psf *psf, uint32_t character)
{
	uint32_t glyph;

	if (psf_find(psf, character, &glyph) != ST_OK)
		die("a character of ASCII is missing");
	fwrite(psf->glyphs + (size_t)glyph * psf->glyph_bytes, 1,
	       psf->glyph_bytes, stdout);
}

int main(void)
{
	static unsigned char file[FILE_BYTES_MAX];
	size_t bytes = fread(file, 1, sizeof(file), stdin);
	struct psf psf;

	if (psf_parse(&psf, file, bytes) != ST_OK)
		die("this is no PSF font that the kernel can draw");
	put_header(&psf);
	for (uint32_t c = FIRST; c <= LAST; c++)
		put_glyph(&psf, c);
	for (uint32_t c = FIRST; c <= LAST; c++) {
		putchar((int)c);
		putchar(0xff);
	}
	if (fflush(stdout) != 0 || ferror(stdout))
		die("cannot write");
	return 0;
}
