// SPDX-License-Identifier: MIT OR Apache-2.0
#include "acpi_walk.h"

#include <base/string.h>

/* Maps a whole table, by the length in its own header. */
static enum status look_at_table(struct acpi_mapper *mapper,
				 enum acpi_window window, paddr_t at,
				 struct acpi_table *out)
{
	const void *header = mapper->map(mapper, window, at,
					 ACPI_HEADER_BYTES);
	enum status status;

	if (header == NULL)
		return ST_BAD_RANGE;
	status = acpi_table_length(header, &out->bytes);
	if (status != ST_OK)
		return status;
	out->at = at;
	out->data = mapper->map(mapper, window, at, out->bytes);
	return out->data != NULL ? ST_OK : ST_BAD_RANGE;
}

enum status acpi_walk_root_table(struct acpi_mapper *mapper,
				 const struct acpi_root *root,
				 struct acpi_table *out)
{
	const char *name = root->entry_bytes == 8 ? "XSDT" : "RSDT";
	enum status status = look_at_table(mapper, ACPI_WINDOW_ROOT,
					   root->table, out);

	if (status == ST_OK && !acpi_table_is_good(out->data, out->bytes, name))
		return ST_CORRUPT;
	return status;
}

enum status acpi_walk_root(struct acpi_mapper *mapper, paddr_t rsdp,
			   struct acpi_root *out)
{
	struct acpi_table table;
	struct acpi_root narrow;
	const void *found;
	enum status status;

	if (rsdp.raw == 0)
		return ST_NOT_FOUND;
	found = mapper->map(mapper, ACPI_WINDOW_ROOT, rsdp, ACPI_RSDP_BYTES);
	if (found == NULL)
		return ST_BAD_RANGE;
	status = acpi_read_rsdp(found, ACPI_RSDP_BYTES, out);
	if (status != ST_OK ||
	    acpi_read_rsdp_narrow(found, ACPI_RSDP_BYTES, &narrow) != ST_OK)
		return status;
	/* The next calls reuse the window of the RSDP. */
	if (acpi_walk_root_table(mapper, out, &table) != ST_OK &&
	    acpi_walk_root_table(mapper, &narrow, &table) == ST_OK)
		*out = narrow;
	return ST_OK;
}

enum status acpi_walk_at(struct acpi_mapper *mapper, paddr_t at,
			 const char signature[4], struct acpi_table *out)
{
	enum status status = look_at_table(mapper, ACPI_WINDOW_TABLE, at, out);

	if (status != ST_OK)
		return status;
	return acpi_table_is_good(out->data, out->bytes, signature) ?
		       ST_OK : ST_CORRUPT;
}

enum status acpi_walk_find(struct acpi_mapper *mapper,
			   const struct acpi_root *root,
			   const char signature[4], struct acpi_table *out)
{
	struct acpi_table table;
	paddr_t at;
	enum status status = acpi_walk_root_table(mapper, root, &table);

	if (status != ST_OK)
		return status;
	for (size_t i = 0; i < ACPI_TABLES_MAX; i++) {
		if (!acpi_root_entry(table.data, table.bytes, root, i, &at))
			break;
		if (acpi_walk_at(mapper, at, signature, out) == ST_OK)
			return ST_OK;
	}
	return ST_NOT_FOUND;
}

enum status acpi_walk_dsdt(struct acpi_mapper *mapper,
			   const struct acpi_power *fadt,
			   struct acpi_table *out)
{
	paddr_t narrow = fadt->dsdt_narrow;
	enum status status;

	if (fadt->dsdt.raw == 0)
		return ST_NOT_FOUND;
	status = acpi_walk_at(mapper, fadt->dsdt, "DSDT", out);
	if (status != ST_OK && narrow.raw != 0 &&
	    acpi_walk_at(mapper, narrow, "DSDT", out) == ST_OK)
		return ST_OK;
	return status;
}
