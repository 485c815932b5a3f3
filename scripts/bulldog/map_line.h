/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * map_line.h - one line of a memory map, in any of the ways people have it.
 *
 *	TYPE START PAGES ATTRIBUTES	EFI, type decimal, the rest hex
 *	START END TYPE			e820, end inclusive, all hex
 *	Available  0-9FFF A F		the UEFI Shell's `memmap`, old and new
 *	efi: mem00: ...			Linux on EFI, every version since 2.6
 *	BIOS-e820: ...			Linux, every version; `Xen:` in a dom0
 *	(XEN)  [0, 9fff] (usable)	Xen, every version
 *	conv-mem  0-9fff a 40KiB WB	GRUB's lsefimmap
 *	SMAP type=01 base=0 len=a000	FreeBSD, and its machdep.efi_map
 *	0-a000 (System RAM)		Linux' /sys/firmware/memmap
 *
 * I1 to I20 are the clauses of docs/memory/regions.md.
 */
#ifndef BULLDOG_MAP_LINE_H
#define BULLDOG_MAP_LINE_H

#include <mm/region.h>

enum map_line {
	MAP_LINE_STRANGE,	/* none of the others                        */
	MAP_LINE_NOTHING,	/* blank, a comment, a known heading or sum  */
	MAP_LINE_ENTRY,		/* `*out` is filled                          */
	MAP_LINE_REVERSED,	/* ends before it begins (I12)               */
	MAP_LINE_UNEVEN,	/* its pages and its end disagree (I15)      */
};

/* Marks of a line of a firmware's map in a log (I5), the first chosen. */
enum map_prefix {
	MAP_PREFIX_XEN,
	MAP_PREFIX_EFI,
	MAP_PREFIX_E820,
	MAP_PREFIX_DOM0,
	MAP_PREFIX_NONE,
};
#define MAP_PREFIXES MAP_PREFIX_NONE

/* As people know it: `(XEN)`, `efi: mem`. */
const char *map_prefix_name(enum map_prefix prefix);

/* A line without its line feed. */
struct map_text_line {
	const char *text;
	size_t bytes;
};

/* `*number` is NN of `efi: memNN`, otherwise 0. */
enum map_prefix map_line_prefix(struct map_text_line line, uint64_t *number);
/* A heading of a list that has this prefix. */
bool map_line_begins_list(struct map_text_line line, enum map_prefix prefix);
enum map_line map_line_read(struct map_text_line line, struct map_entry *out);
/*
 * The heading of the UEFI Shell's table of devices: lines in any form follow,
 * up to a prompt.
 */
bool map_line_begins_devices(struct map_text_line line);
bool map_line_is_prompt(struct map_text_line line);

/* One of the three files of an entry of /sys/firmware/memmap. */
enum map_part {
	MAP_PART_START,
	MAP_PART_END,
	MAP_PART_TYPE,
	MAP_PARTS,
};
bool map_line_part(struct map_text_line line, uint64_t *index,
		   enum map_part *part, uint64_t *value);
/* The entry of the three values. */
enum map_line map_line_join(const uint64_t value[MAP_PARTS],
			    struct map_entry *out);

/* Lists that people take for a firmware's map. */
enum map_other {
	MAP_OTHER_NONE,
	MAP_OTHER_CHANGED,	/* Linux' own, after its changes (I8)        */
	MAP_OTHER_IOMEM,	/* /proc/iomem (I17)                         */
	MAP_OTHER_ACPIDUMP,	/* acpidump's text (I18)                     */
};
enum map_other map_line_other(struct map_text_line line);

#endif
