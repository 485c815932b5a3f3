/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The font for errors after the exit: one size of the console's. */
	.section .rodata, "a", @progbits
	.globl loader_font
	.balign 16
loader_font:
	.incbin FONT_FILE

	.section .note.GNU-stack, "", @progbits
