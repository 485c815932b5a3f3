/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * tool.h - the parts of the host tool `bulldog`.
 *
 * A command prints records (docs/monitor.md) on stdout and diagnostics on
 * stderr, and returns the status of its `@end` line, which becomes the exit
 * code.
 */
#ifndef BULLDOG_TOOL_H
#define BULLDOG_TOOL_H

#include <base/text.h>
#include <mm/region.h>

#include <stdbool.h>
#include <stddef.h>

#define EXIT_USAGE 2

int command_regions(const char *path);
int command_elf(const char *path);
int command_madt(const char *path);
int command_numa(char *const *paths, size_t count);

/* Where records go. */
struct sink *tool_stdout(void);

/* `bulldog: ` and a line on stderr. */
void tool_complain(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

struct file_bytes {
	char *data;		/* file_free gives it back; never NULL       */
	size_t bytes;
};

/* Reads the whole file, stdin for "-". False: it has complained. */
bool file_read(struct file_bytes *out, const char *path);
void file_free(struct file_bytes *file);

/*
 * The regions of a map in any format that map_line.h has; the text is
 * rewritten, and free() takes out->items. False: it has complained.
 */
bool file_read_regions(struct region_list *out, struct file_bytes *file,
		       const char *path);

/* Begins as an ACPI table of that name does. */
bool table_is_named(const struct file_bytes *file, const char *signature);
/* Its bytes sum up to 0. */
bool table_adds_up(const struct file_bytes *file);
/* It is text in which acpidump prints tables: then it has complained (I18). */
bool table_is_dump(const struct file_bytes *file, const char *path);
/* Is as long as its header says. False: it has complained. */
bool table_is_whole(const struct file_bytes *file, const char *path);

/* The name of the file in an error message. */
const char *file_name(const char *path);

#endif
