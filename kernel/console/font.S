/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The console's fonts: those of fonts-spleen, cut down to ASCII by
 * scripts/psf_trim.c. The order is that of enum surface_font.
 */
	.macro	FONT name
	.pushsection .rodata.fonts.data, "a"
	.balign	16
.Lstart_\name:
	.incbin	"spleen-\name\().psf"
.Lstop_\name:
	.popsection
	.quad	.Lstart_\name, .Lstop_\name
	.endm

	.section .rodata.fonts, "a"
	.globl	font_files
	.type	font_files, @object
	.balign	8
font_files:
	FONT	5x8
	FONT	8x16
	FONT	12x24
	FONT	16x32
	FONT	32x64
	.size	font_files, . - font_files

	.section .note.GNU-stack, "", @progbits
