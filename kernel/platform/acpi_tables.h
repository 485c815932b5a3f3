/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_tables.h - copies the ACPI tables into pages of the kernel.
 *
 * After that the kernel needs nothing in ACPI-reclaim memory.
 */
#ifndef KERNEL_PLATFORM_ACPI_TABLES_H
#define KERNEL_PLATFORM_ACPI_TABLES_H

#include "acpi_walk.h"

/*
 * Copies the RSDP, the root table, each sound table that it names, and the
 * DSDT. A log line names each table that was left out, with the reason. From
 * then on acpi_find finds copies only.
 * Fails: as acpi_collect; ST_NO_MEMORY. The originals stay in use then.
 */
enum status acpi_copy(void);

/* The copy of [at..at + bytes), or NULL. */
const void *acpi_copy_of(paddr_t at, uint64_t bytes);

bool acpi_is_copied(void);

/* The handover pages of the copies. */
uint64_t acpi_copy_pages(void);

/* A table with this signature was found, sound or not. */
bool acpi_copy_claims(const char signature[4]);

/* Its windows are fixmap slots: one user at a time. */
struct acpi_mapper *acpi_mapper(void);

/*
 * The table with this signature, readable until the next call or
 * acpi_release; a copy stays readable.
 * Fails: as acpi_walk_root and acpi_walk_find.
 */
enum status acpi_find(const char signature[4], struct acpi_table *out);

/* Unmaps the windows of acpi_find and of the mapper. */
void acpi_release(void);

/*
 * Reads the reset and power-off registers from the ACPI tables. Only these two
 * depend on it; a bad or missing table is named in the log.
 */
void acpi_start(void);

/* The fields that acpi_start read; zero where there are none. */
const struct acpi_power *acpi_power(void);

#endif
