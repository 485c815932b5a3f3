/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * map_line.h - one line of a memory map, in any of the ways people have it.
 *
 *	TYPE START PAGES ATTRIBUTES	EFI, type decimal, the rest hex
 *	START END TYPE			e820, end inclusive, all hex
 *	Available  0-9FFF A F		the UEFI Shell's `memmap`, old and new
 *	efi: mem00: ...			Linux on EFI, every version since 2.6
 *	BIOS-e820: ...			Linux on a BIOS, every version
 */
#ifndef BULLDOG_MAP_LINE_H
#define BULLDOG_MAP_LINE_H

#include <mm/region.h>

enum map_line {
	MAP_LINE_ENTRY,		/* `*out` is filled                          */
	MAP_LINE_NOTHING,	/* blank, a comment, a known heading or sum  */
	MAP_LINE_STRANGE,	/* none of that                              */
};

/* `text` is one line without its line feed. */
enum map_line map_line_read(const char *text, size_t bytes,
			    struct map_entry *out);

#endif
