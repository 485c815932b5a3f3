/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Three segments, each on 2 MiB of address space so that each has its own
 * large pages and rights, but packed in the file: max-page-size is 4096.
 */
#include <boot/layout.h>

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
ENTRY(kernel_entry)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
}

SECTIONS
{
	. = KERNEL_BASE;
	.text : { *(.text.entry) *(.text .text.*) } :text
	text_end = .;

	. = ALIGN(0x200000);
	.rodata : { *(.rodata .rodata.*) } :rodata
	.symbols : { *(.symbols) } :rodata
	rodata_end = .;

	. = ALIGN(0x200000);
	.data : { *(.data .data.*) } :data
	.bss : { *(.bss .bss.* COMMON) } :data
	data_end = .;

	/DISCARD/ : { *(.note.*) *(.comment) *(.eh_frame*) }
}
