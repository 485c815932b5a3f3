// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tool.h"

#include <base/bytes.h>

#include <string.h>

#include <kernel/platform/acpi.h>

#define TABLE_LENGTH 4

bool table_is_named(const struct file_bytes *file, const char *signature)
{
	return file->bytes >= strlen(signature) &&
	       memcmp(file->data, signature, strlen(signature)) == 0;
}

bool table_is_whole(const struct file_bytes *file, const char *path)
{
	if (file->bytes < ACPI_HEADER_BYTES)
		tool_complain("%s: an ACPI table cut short", file_name(path));
	else if (get32(file->data, TABLE_LENGTH) != file->bytes)
		tool_complain("%s: %zu bytes, but the table in it says %u",
			      file_name(path), file->bytes,
			      get32(file->data, TABLE_LENGTH));
	else
		return true;
	return false;
}
