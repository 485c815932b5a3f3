// SPDX-License-Identifier: MIT OR Apache-2.0
#include <kernel/platform/madt.h>

#include <stdlib.h>

#include "tool.h"

static void print_cpus(const struct madt *madt)
{
	for (size_t i = 0; i < madt->cpu_count; i++) {
		const struct madt_cpu *cpu = &madt->cpus[i];

		sink_print(tool_stdout(),
			   "@cpu index=%zu apic=%u x2apic=%d enabled=%d "
			   "online_capable=%d\n",
			   i, cpu->apic, cpu->is_x2apic, cpu->enabled,
			   cpu->online_capable);
	}
}

static bool read_madt(const struct file_bytes *file, const char *path)
{
	size_t capacity = madt_capacity(file->bytes);
	struct madt madt = {
		.cpu_capacity = capacity,
		.ioapic_capacity = capacity,
	};
	enum status status = ST_NO_MEMORY;

	madt.cpus = calloc(capacity + 1, sizeof(madt.cpus[0]));
	madt.ioapics = calloc(capacity + 1, sizeof(madt.ioapics[0]));
	if (madt.cpus != NULL && madt.ioapics != NULL)
		status = madt_read(&madt, file->data, file->bytes);
	if (status != ST_OK)
		tool_complain("%s: %s", file_name(path), status_text(status));
	else if (madt.cut_short)
		tool_complain("%s: ends in what is no entry", file_name(path));
	if (status == ST_OK)
		print_cpus(&madt);
	free(madt.ioapics);
	free(madt.cpus);
	return status == ST_OK;
}

int command_madt(const char *path)
{
	struct file_bytes file;
	int status = 1;

	if (file_read(&file, path)) {
		if (!table_is_named(&file, "APIC"))
			tool_complain("%s: not an MADT", file_name(path));
		else if (table_is_whole(&file, path) &&
			 read_madt(&file, path))
			status = 0;
		file_free(&file);
	}
	sink_print(tool_stdout(), "@end cmd=madt status=%d\n", status);
	return status;
}
