// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Shows how a kernel on that machine would read its tables. A table that is
 * whole and yet wrong gets the answer of the kernel, printed. A file that is
 * not of the kind that its beginning states is a mistake of the user and ends
 * the program.
 */
#include <kernel/platform/numa.h>

#include <base/bits.h>

#include <stdlib.h>

#include <kernel/platform/acpi.h>

#include "tool.h"

enum input_kind {
	INPUT_SRAT,
	INPUT_SLIT,
	INPUT_MAP,
	INPUT_KINDS,
};

struct input {
	const char *path;		/* NULL: not given                   */
	struct file_bytes file;
};

static enum input_kind kind_of(const struct file_bytes *file)
{
	if (table_is_named(file, "SRAT"))
		return INPUT_SRAT;
	if (table_is_named(file, "SLIT"))
		return INPUT_SLIT;
	return INPUT_MAP;
}

static bool is_other_table(const struct file_bytes *file)
{
	return file->bytes >= ACPI_HEADER_BYTES &&
	       acpi_table_is_good(file->data, file->bytes, file->data);
}

/* Keeps the file in `inputs`, or frees it and returns false. */
static bool accept(struct input *inputs, struct file_bytes *file,
		   const char *path)
{
	enum input_kind kind = kind_of(file);

	if (table_is_dump(file, path))
		kind = INPUT_KINDS;
	/* A copy of a table without the right to read it is empty. */
	else if (file->bytes == 0)
		tool_complain("%s: empty: neither a table nor a map",
			      file_name(path));
	else if (kind == INPUT_MAP && is_other_table(file))
		tool_complain("%s: an ACPI table, but neither SRAT nor SLIT",
			      file_name(path));
	else if (inputs[kind].path != NULL)
		tool_complain("%s: another one of what %s is",
			      file_name(path), file_name(inputs[kind].path));
	else if (kind == INPUT_MAP || table_is_whole(file, path)) {
		inputs[kind] = (struct input){ path, *file };
		return true;
	}
	file_free(file);
	return false;
}

static bool read_inputs(struct input *inputs, char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct file_bytes file;

		if (!file_read(&file, paths[i]) ||
		    !accept(inputs, &file, paths[i]))
			return false;
	}
	return true;
}

static const char *why_not_used(const struct file_bytes *table,
				enum status status)
{
	return table_adds_up(table) ? status_text(status) :
				      "its checksum does not add up";
}

/* Of a good SRAT; false when it names no memory. */
static bool is_all_pluggable(const struct numa *numa)
{
	if (numa->srat != ST_OK)
		return false;
	for (size_t i = 0; i < numa->listed_count; i++)
		if ((numa->listed[i].flags & NUMA_HOTPLUG) == 0)
			return false;
	return numa->listed_count != 0;
}

static void say_what_was_wrong(const struct numa *numa,
			       const struct input *inputs)
{
	const struct input *srat = &inputs[INPUT_SRAT];
	const struct input *slit = &inputs[INPUT_SLIT];

	if (srat->path != NULL && numa->srat != ST_OK)
		tool_complain("%s: not used, so there is one node: %s",
			      file_name(srat->path),
			      why_not_used(&srat->file, numa->srat));
	if (numa->srat_cut_short)
		tool_complain("%s: ends in what is no entry",
			      file_name(srat->path));
	if (numa->left_out != 0 || numa->cut != 0)
		tool_complain("%s: ranges at or beyond 0x%lx: %lu left out, "
			      "%lu cut there", file_name(srat->path),
			      (unsigned long)PHYSICAL_LIMIT,
			      (unsigned long)numa->left_out,
			      (unsigned long)numa->cut);
	if (slit->path != NULL && numa->slit != ST_OK)
		tool_complain("%s: not used, so distances are %u and %u: %s",
			      file_name(slit->path), NUMA_LOCAL, NUMA_REMOTE,
			      why_not_used(&slit->file, numa->slit));
	if (is_all_pluggable(numa) && inputs[INPUT_MAP].path == NULL)
		tool_complain("%s: all memory is hot-pluggable, so no pages "
			      "are counted: the memory map is wanted as well",
			      file_name(srat->path));
}

static bool count_map(struct numa *numa, const struct input *map)
{
	struct file_bytes file = map->file;
	struct region_list regions;

	if (map->path == NULL)
		return true;
	if (!file_read_regions(&regions, &file, map->path))
		return false;
	numa_count_regions(numa, &regions);
	free(regions.items);
	if (numa->srat == ST_OK && numa->outside != 0) {
		tool_complain("%s: %lu usable pages in no range: not counted, "
			      "node 0's in the kernel", file_name(map->path),
			      (unsigned long)numa->outside);
		numa->nodes[0].pages -= numa->outside;
	}
	return true;
}

static bool print_numa(const struct input *inputs)
{
	struct numa_request request = {
		.tables = {
			.srat = inputs[INPUT_SRAT].file.data,
			.srat_bytes = inputs[INPUT_SRAT].file.bytes,
			.slit = inputs[INPUT_SLIT].file.data,
			.slit_bytes = inputs[INPUT_SLIT].file.bytes,
		},
	};
	enum status status = ST_NO_MEMORY;
	bool counted = false;
	struct numa numa;

	request.memory_bytes = numa_memory_bytes(&request.tables);
	request.memory = malloc(request.memory_bytes);
	if (request.memory != NULL)
		status = numa_build(&numa, &request);
	if (status == ST_OK) {
		say_what_was_wrong(&numa, inputs);
		counted = count_map(&numa, &inputs[INPUT_MAP]);
	} else {
		tool_complain("%s", status_text(status));
	}
	if (counted)
		numa_print_records(&numa, tool_stdout());
	free(request.memory);
	return counted;
}

int command_numa(char *const *paths, size_t count)
{
	struct input inputs[INPUT_KINDS] = { { .path = NULL } };
	int status = 1;

	if (read_inputs(inputs, paths, count) && print_numa(inputs))
		status = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(inputs); i++)
		file_free(&inputs[i].file);
	sink_print(tool_stdout(), "@end cmd=numa status=%d\n", status);
	return status;
}
