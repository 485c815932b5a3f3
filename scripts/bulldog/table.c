// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tool.h"

#include <base/bytes.h>

#include <string.h>

#include <kernel/platform/acpi.h>

#include "map_line.h"

#define TABLE_LENGTH 4

bool table_is_named(const struct file_bytes *file, const char *signature)
{
	return file->bytes >= strlen(signature) &&
	       memcmp(file->data, signature, strlen(signature)) == 0;
}

bool table_adds_up(const struct file_bytes *file)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < file->bytes; i++)
		sum = (uint8_t)(sum + (uint8_t)file->data[i]);
	return sum == 0;
}

/* A line `SRAT @ 0x0000000000000000`. */
bool table_is_dump(const struct file_bytes *file, const char *path)
{
	const char *at = file->data, *end = file->data + file->bytes;

	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		const char *stop = feed != NULL ? feed : end;

		if (map_line_other((struct map_text_line){
			    at, (size_t)(stop - at) }) == MAP_OTHER_ACPIDUMP) {
			tool_complain("%s: the text of acpidump: the binary "
				      "tables are wanted (acpixtract -a)",
				      file_name(path));
			return true;
		}
		at = feed != NULL ? feed + 1 : end;
	}
	return false;
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
