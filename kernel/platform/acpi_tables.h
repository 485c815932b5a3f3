/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_tables.h - the firmware's tables, in pages of our own.
 *
 * Once they are copied, the pages that the firmware calls ACPI-reclaim hold
 * nothing that anybody needs.
 */
#ifndef KERNEL_PLATFORM_ACPI_TABLES_H
#define KERNEL_PLATFORM_ACPI_TABLES_H

#include <base/address.h>
#include <base/status.h>

/*
 * Copies the RSDP, the root table, each sound table that it names and the
 * DSDT, whole; a line says what was left out, and why. From then on
 * acpi_look.h looks into the copies, and nowhere else.
 * Fails: as acpi_collect; ST_NO_MEMORY. The originals stay in use then.
 */
enum status acpi_copy(void);

/* The copy of [at..at + bytes), or NULL. */
const void *acpi_copy_of(paddr_t at, uint64_t bytes);

bool acpi_is_copied(void);

/* There was one that said so, whether or not it was sound. */
bool acpi_copy_claims(const char signature[4]);

#endif
