// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tool.h"

#include <boot/elf.h>

int command_elf(const char *path)
{
	const char *reason = "none";
	struct file_bytes file;
	struct elf_plan plan;
	int status = 1;

	if (file_read(&file, path)) {
		status = elf_check(file.data, file.bytes, &plan,
				   &reason) == ST_OK ? 0 : 1;
		sink_print(tool_stdout(), "@elf accepted=%s reason=%s\n",
			   status == 0 ? "yes" : "no", reason);
		file_free(&file);
	}
	sink_print(tool_stdout(), "@end cmd=elf status=%d\n", status);
	return status;
}
