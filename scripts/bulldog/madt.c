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
		tool_complain("%s: %s", file_name(path),
			      table_adds_up(file) ? status_text(status) :
			      "its checksum does not add up");
	else if (madt.cut_short)
		tool_complain("%s: ends in what is no entry", file_name(path));
	if (status == ST_OK && madt.cpu_count == 0)
		tool_complain("%s: no x86 processor in it", file_name(path));
	if (status == ST_OK)
		print_cpus(&madt);
	free(madt.ioapics);
	free(madt.cpus);
	return status == ST_OK;
}

static bool is_madt(const struct file_bytes *file, const char *path)
{
	bool named = table_is_named(file, "APIC");

	if (!named)
		tool_complain("%s: not an MADT", file_name(path));
	return named;
}

int command_madt(const char *path)
{
	struct file_bytes file;
	int status = 1;

	if (file_read(&file, path)) {
		if (!table_is_dump(&file, path) && is_madt(&file, path) &&
		    table_is_whole(&file, path) && read_madt(&file, path))
			status = 0;
		file_free(&file);
	}
	sink_print(tool_stdout(), "@end cmd=madt status=%d\n", status);
	return status;
}
