/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_tables.h - the firmware's tables, in pages of our own.
 *
 * Once they are copied, the kernel needs nothing in the pages that the
 * firmware calls ACPI-reclaim.
 */
#ifndef KERNEL_PLATFORM_ACPI_TABLES_H
#define KERNEL_PLATFORM_ACPI_TABLES_H

#include "acpi_walk.h"

/*
 * Copies the RSDP, the root table, each sound table that it names and the
 * DSDT, whole; a line says what was left out, and why. From then on
 * acpi_find finds copies only.
 * Fails: as acpi_collect; ST_NO_MEMORY. The originals stay in use then.
 */
enum status acpi_copy(void);

/* The copy of [at..at + bytes), or NULL. */
const void *acpi_copy_of(paddr_t at, uint64_t bytes);

bool acpi_is_copied(void);

/* A table with this signature was found, sound or not. */
bool acpi_copy_claims(const char signature[4]);

/* Its windows are slots of the fixmap, so it has one user at a time. */
struct acpi_mapper *acpi_mapper(void);

/*
 * The table with this signature, readable until the next call or
 * acpi_release; a copy stays readable.
 * Fails: as acpi_walk_root and acpi_walk_find.
 */
enum status acpi_find(const char signature[4], struct acpi_table *out);

/* Unmaps what acpi_find and the mapper mapped. */
void acpi_release(void);

/*
 * Reads what the firmware's ACPI tables say of reset and power-off. Bad or
 * missing tables cost only these two; they are named in the log.
 */
void acpi_start(void);

/* The numbers that acpi_start read; zero where there are none. */
const struct acpi_power *acpi_power(void);

#endif
