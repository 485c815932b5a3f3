/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_walk.h - follows addresses from the RSDP to a table, through windows.
 *
 * Tables lie anywhere in physical memory, also where nothing is mapped; the
 * caller's acpi_mapper makes them readable. Two windows are enough: one for
 * the root table, one for the table being read.
 */
#ifndef KERNEL_PLATFORM_ACPI_WALK_H
#define KERNEL_PLATFORM_ACPI_WALK_H

#include "acpi.h"

enum acpi_window { ACPI_WINDOW_ROOT, ACPI_WINDOW_TABLE, ACPI_WINDOWS };

struct acpi_mapper {
	/*
	 * Makes `bytes` bytes at `at` readable until the next call with the
	 * same window; NULL when they cannot be mapped.
	 */
	const void *(*map)(struct acpi_mapper *mapper,
			   enum acpi_window window, paddr_t at,
			   uint64_t bytes);
};

/* No firmware has more tables; a root that claims more is cut here. */
#define ACPI_TABLES_MAX 1024

struct acpi_table {
	paddr_t at;
	const void *data;		/* through ACPI_WINDOW_TABLE         */
	uint64_t bytes;
};

/*
 * The root table that a valid RSDP at `rsdp` names: the XSDT, unless it is bad
 * and the RSDT is not.
 * Fails: ST_NOT_FOUND (no RSDP, or it names nothing), ST_CORRUPT,
 *        ST_BAD_RANGE (it cannot be mapped).
 */
enum status acpi_walk_root(struct acpi_mapper *mapper, paddr_t rsdp,
			   struct acpi_root *out);

/*
 * The first table with `signature`, length and checksum right.
 * Fails: ST_NOT_FOUND, ST_CORRUPT (the root table itself), ST_BAD_RANGE.
 */
enum status acpi_walk_find(struct acpi_mapper *mapper,
			   const struct acpi_root *root,
			   const char signature[4], struct acpi_table *out);

/* The table at `at`, if it is valid and has `signature`. Fails: likewise. */
enum status acpi_walk_at(struct acpi_mapper *mapper, paddr_t at,
			 const char signature[4], struct acpi_table *out);

/* Maps the root table itself, in ACPI_WINDOW_ROOT. Fails: likewise. */
enum status acpi_walk_root_table(struct acpi_mapper *mapper,
				 const struct acpi_root *root,
				 struct acpi_table *out);

/*
 * The DSDT of a FADT: at its 64-bit pointer or, when there is no valid table
 * there, at its 32-bit pointer.
 * Fails: ST_NOT_FOUND (it names none), or as acpi_walk_at, of the pointer
 *        that should have been used.
 */
enum status acpi_walk_dsdt(struct acpi_mapper *mapper,
			   const struct acpi_power *fadt,
			   struct acpi_table *out);

#endif
