/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* acpi.h - ACPI tables as bytes, for the two files that change them. */
#ifndef FIRMWARE_ACPI_H
#define FIRMWARE_ACPI_H

#include <tests/support/acpi_bytes.h>
#include "hostile.h"

#define RSDP_BYTES_1	20
#define RSDP_BYTES_2	36
#define RSDP_SUM_1	8
#define RSDP_MAKER	9
#define RSDP_REVISION	15
#define RSDP_RSDT	16
#define RSDP_XSDT	24
#define RSDP_SUM_2	32
#define TABLE_LENGTH	4
#define TABLE_REVISION	8
#define TABLE_SUM	9
#define TABLE_MAKER	10
#define HEADER_BYTES	36
#define BEYOND		(1ULL << 51)	/* where no processor can reach      */

/* The firmware's root pointer of ACPI 2.0; ends the run without one. */
UINT8 *acpi_rsdp(void);

/* The length that the table states, header and all. */
UINTN acpi_length(const UINT8 *table);
/* In pages of our own. */
UINT8 *acpi_copy(const UINT8 *table);

#endif
