// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 65536

static bool is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* Pipes have no size to ask for, so every file is read until it ends. */
static bool read_all(struct file_bytes *out, FILE *stream, const char *name)
{
	size_t capacity = 0;

	for (;;) {
		if (out->bytes == capacity) {
			size_t wanted = capacity > 0 ? 2 * capacity
						     : FIRST_BYTES;
			char *data = realloc(out->data, wanted);

			if (data == NULL) {
				tool_complain("%s: too large for this "
					      "machine's memory", name);
				return false;
			}
			out->data = data;
			capacity = wanted;
		}
		out->bytes += fread(out->data + out->bytes, 1,
				    capacity - out->bytes, stream);
		if (ferror(stream)) {
			tool_complain("%s: %s", name, strerror(errno));
			return false;
		}
		if (feof(stream))
			return true;
	}
}

bool file_read(struct file_bytes *out, const char *path)
{
	FILE *stream = is_stdin(path) ? stdin : fopen(path, "rb");
	bool good;

	*out = (struct file_bytes){ .data = NULL };
	if (stream == NULL) {
		tool_complain("%s: %s", path, strerror(errno));
		return false;
	}
	good = read_all(out, stream, file_name(path));
	if (!is_stdin(path))
		fclose(stream);
	if (!good)
		file_free(out);
	return good;
}

void file_free(struct file_bytes *file)
{
	free(file->data);
	*file = (struct file_bytes){ .data = NULL };
}

const char *file_name(const char *path)
{
	return is_stdin(path) ? "standard input" : path;
}
