// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A root table is a list of addresses of tables, and each table states its own
 * length, which may be wrong. So each table is checked by itself: all of it
 * must be readable, and its checksum must be right. A table that fails stays
 * in the list, with the reason.
 *
 * DSDTs come last. Only two fields of the FADT lead to them, and such a field
 * may also name a table that is in the list already.
 */
#include "acpi_collect.h"

#include <base/assert.h>
#include <base/string.h>

/* Checks the whole table, and counts the bytes read of large ones. */
static enum status check_table(struct acpi_collection *list,
			 struct acpi_mapper *mapper, struct acpi_found *found)
{
	const void *data = mapper->map(mapper, ACPI_WINDOW_TABLE, found->at,
					ACPI_HEADER_BYTES);
	uint64_t bytes;

	if (data == NULL)
		return ST_BAD_RANGE;
	memcpy(found->signature, data, sizeof(found->signature));
	found->bytes = ACPI_HEADER_BYTES;
	if (acpi_table_length(data, &bytes) != ST_OK)
		return ST_CORRUPT;
	data = mapper->map(mapper, ACPI_WINDOW_TABLE, found->at, bytes);
	if (data == NULL)
		return ST_BAD_RANGE;
	if (bytes > ACPI_LARGE_BYTES) {
		if (bytes > ACPI_LARGE_BYTES_READ - list->large_bytes)
			return ST_FULL;
		list->large_bytes += bytes;
	}
	if (!acpi_table_is_good(data, bytes, found->signature))
		return ST_CORRUPT;
	if (bytes > ACPI_COLLECT_BYTES - list->sound_bytes)
		return ST_FULL;
	list->sound_bytes += bytes;
	found->bytes = bytes;
	return ST_OK;
}

static struct acpi_found *find(const struct acpi_collection *list, paddr_t at)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].at.raw == at.raw)
			return &list->items[i];
	return NULL;
}

static struct acpi_found *append(struct acpi_collection *list, paddr_t at)
{
	struct acpi_found *found = &list->items[list->count++];

	ASSERT(list->count <= ACPI_COLLECT_MAX);
	*found = (struct acpi_found){ .at = at };
	return found;
}

/* For the RSDP and its root, which have been checked already. */
static void append_sound(struct acpi_collection *list, paddr_t at,
			 const char signature[4], uint64_t bytes)
{
	struct acpi_found *found = append(list, at);

	memcpy(found->signature, signature, sizeof(found->signature));
	found->bytes = bytes;
	list->sound_bytes += bytes;
}

static struct acpi_found *add(struct acpi_collection *list,
			      struct acpi_mapper *mapper, paddr_t at)
{
	struct acpi_found *found = find(list, at);

	if (found != NULL)
		return found;
	found = append(list, at);
	found->status = check_table(list, mapper, found);
	return found;
}

static bool is_sound(const struct acpi_found *found, const char signature[4])
{
	return found->status == ST_OK &&
	       memcmp(found->signature, signature, 4) == 0;
}

/* The first of several FADTs counts, as in acpi_walk_find. */
static const struct acpi_found *find_fadt(const struct acpi_collection *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (is_sound(&list->items[i], "FACP"))
			return &list->items[i];
	return NULL;
}

static void add_dsdt(struct acpi_collection *list, struct acpi_mapper *mapper)
{
	const struct acpi_found *fadt = find_fadt(list);
	struct acpi_power power;
	const void *data;

	if (fadt == NULL)
		return;
	data = mapper->map(mapper, ACPI_WINDOW_TABLE, fadt->at, fadt->bytes);
	if (data == NULL || acpi_read_fadt(data, fadt->bytes, &power) != ST_OK)
		return;
	if (power.dsdt.raw == 0 ||
	    is_sound(add(list, mapper, power.dsdt), "DSDT"))
		return;
	if (power.dsdt_narrow.raw != 0)
		add(list, mapper, power.dsdt_narrow);
}

enum status acpi_collect(struct acpi_mapper *mapper, paddr_t rsdp,
			 struct acpi_collection *out)
{
	struct acpi_table table;
	struct acpi_root root;
	paddr_t at;
	enum status status = acpi_walk_root(mapper, rsdp, &root);

	out->count = 0;
	out->large_bytes = out->sound_bytes = 0;
	if (status == ST_OK)
		status = acpi_walk_root_table(mapper, &root, &table);
	if (status != ST_OK)
		return status;
	append_sound(out, rsdp, "RSD ", ACPI_RSDP_BYTES);
	append_sound(out, root.table, root.entry_bytes == 8 ? "XSDT" : "RSDT",
		     table.bytes);
	for (size_t i = 0; i < ACPI_TABLES_MAX; i++) {
		if (!acpi_root_entry(table.data, table.bytes, &root, i, &at))
			break;
		if (at.raw != 0)
			add(out, mapper, at);
	}
	add_dsdt(out, mapper);
	return ST_OK;
}
