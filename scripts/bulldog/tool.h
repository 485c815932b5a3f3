/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * tool.h - the parts of the host tool `bulldog`.
 *
 * A command prints records (FORMATS, docs/) on stdout and diagnostics on
 * stderr, and returns the status of its `@end` line, which becomes the exit
 * code.
 */
#ifndef BULLDOG_TOOL_H
#define BULLDOG_TOOL_H

#include <base/text.h>

#include <stdbool.h>
#include <stddef.h>

#define EXIT_USAGE 2

int command_regions(const char *path);
int command_elf(const char *path);

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

/* What to call the file in a complaint. */
const char *file_name(const char *path);

#endif
