/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_tables.h - the firmware's tables, in pages of our own.
 *
 * Once they are copied, the pages that the firmware calls ACPI-reclaim hold
 * nothing that anybody needs.
 */
#ifndef KERNEL_PLATFORM_ACPI_TABLES_H
#define KERNEL_PLATFORM_ACPI_TABLES_H

#include "acpi_walk.h"

/*
 * Copies the RSDP, the root table, each sound table that it names and the
 * DSDT, whole; a line says what was left out, and why. From then on
 * acpi_look_for looks into the copies, and nowhere else.
 * Fails: as acpi_collect; ST_NO_MEMORY. The originals stay in use then.
 */
enum status acpi_copy(void);

/* The copy of [at..at + bytes), or NULL. */
const void *acpi_copy_of(paddr_t at, uint64_t bytes);

bool acpi_is_copied(void);

/* There was one that said so, whether or not it was sound. */
bool acpi_copy_claims(const char signature[4]);

/* For acpi_walk.h: windows are fixmap slots, so one user at a time. */
struct acpi_memory *acpi_windows(void);

/*
 * The table with this signature, readable until the next look.
 * Fails: as acpi_walk_root and acpi_walk_find.
 */
enum status acpi_look_for(const char signature[4], struct acpi_table *out);

/* No table is readable any more. */
void acpi_look_away(void);

/*
 * Reads what the firmware's ACPI tables say of reset and power-off. Bad or
 * missing tables cost only these two; they are named in the log.
 */
void acpi_start(void);
const struct acpi_power *acpi_power(void);

#endif
