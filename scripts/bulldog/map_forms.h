/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * map_forms.h - the readers of single forms, tried in turn by map_line.c.
 *
 * Each takes the whole line, or says MAP_LINE_STRANGE. No line is of two
 * forms, so their order does not matter, and a text may mix them.
 */
#ifndef BULLDOG_MAP_FORMS_H
#define BULLDOG_MAP_FORMS_H

#include "cursor.h"
#include "map_line.h"

/* The entry is out->start and what is given; so much is left to check. */
enum map_line set_last(struct map_entry *out, uint64_t last);
enum map_line set_end(struct map_entry *out, uint64_t end);
enum map_line set_pages(struct map_entry *out, uint64_t pages);

/* map_linux.c: Linux, and Xen */
enum map_line read_linux_efi(struct cursor line, struct map_entry *out);
enum map_line read_linux_e820(struct cursor line, struct map_entry *out);
enum map_line read_xen(struct cursor line, struct map_entry *out);
enum map_line read_sysfs_script(struct cursor line, struct map_entry *out);
bool is_linux_heading(struct cursor line);

/* map_rows.c: the UEFI Shell, GRUB, FreeBSD */
enum map_line read_shell_row(struct cursor line, struct map_entry *out);
enum map_line read_shell_sfo(struct cursor line, struct map_entry *out);
enum map_line read_grub_row(struct cursor line, struct map_entry *out);
enum map_line read_freebsd_smap(struct cursor line, struct map_entry *out);
enum map_line read_freebsd_row(struct cursor line, struct map_entry *out);
bool is_shell_prompt(struct cursor line);
bool is_row_heading(struct cursor line);

#endif
