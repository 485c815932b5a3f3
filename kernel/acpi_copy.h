/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_copy.h - the firmware's tables, in pages of our own.
 *
 * Once they are copied, the pages that the firmware calls ACPI-reclaim hold
 * nothing that anybody needs.
 */
#ifndef KERNEL_ACPI_COPY_H
#define KERNEL_ACPI_COPY_H

#include <base/address.h>
#include <base/status.h>

/*
 * Copies the RSDP, the root table, each table that it names and the DSDT,
 * whole. From then on acpi_look.h looks into the copies, and nowhere else.
 * Fails: as acpi_walk_root; ST_NO_MEMORY; ST_FULL (more than 64 MiB). The
 *        originals stay in use then.
 */
enum status acpi_copy(void);

/* The copy of [at..at + bytes), or NULL. */
const void *acpi_copy_of(paddr_t at, uint64_t bytes);

bool acpi_is_copied(void);

/* There is one that says so, whether or not its checksum is right. */
bool acpi_copy_claims(const char signature[4]);

#endif
