/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi.h - reads the ACPI tables: RSDP, root, FADT, and \_S5 of the DSDT. It
 * checks signature, length and checksum first, then that each offset is inside
 * the length.
 *
 * Source: ACPI specification 6.5, sections 5.2.5 to 5.2.9 and 7.4.
 */
#ifndef KERNEL_PLATFORM_ACPI_H
#define KERNEL_PLATFORM_ACPI_H

#include <base/address.h>
#include <base/status.h>

#define ACPI_HEADER_BYTES	36
#define ACPI_RSDP_BYTES		36	/* of revision 2; revision 1 has 20  */
/* No table that we read is larger; a DSDT of 1 MiB has been seen. */
#define ACPI_TABLE_LIMIT	(16 * MIB)

/* The table of tables: XSDT (8-byte entries) or RSDT (4-byte entries). */
struct acpi_root {
	paddr_t table;
	unsigned entry_bytes;
};

/*
 * `rsdp` has `bytes` readable bytes. The XSDT is preferred, the RSDT taken
 * where revision 2 is missing or fails its own checksum.
 * Fails: ST_CORRUPT (no signature, bad checksum), ST_NOT_FOUND (no table).
 */
enum status acpi_read_rsdp(const void *rsdp, size_t bytes,
			   struct acpi_root *out);

/* The RSDT, even when there is an XSDT. Fails: likewise. */
enum status acpi_read_rsdp_narrow(const void *rsdp, size_t bytes,
				  struct acpi_root *out);

/*
 * The length in a table header.
 * Fails: ST_CORRUPT when it is below a header's or beyond the limit.
 */
enum status acpi_table_length(const void *header, uint64_t *out);

/* True when the `bytes` of the table sum up to 0 and `signature` is there. */
bool acpi_table_is_good(const void *table, uint64_t bytes,
			const char signature[4]);

/* Entry `index` of a checked root table; false when there is none. */
bool acpi_root_entry(const void *table, uint64_t bytes,
		     const struct acpi_root *root, size_t index,
		     paddr_t *out);

enum acpi_space { ACPI_MEMORY = 0, ACPI_IO = 1, ACPI_PCI = 2 };

struct acpi_register {
	uint64_t address;
	uint8_t space;			/* enum acpi_space, or unknown       */
};

/*
 * The FADT's fields about reset and power. Zero: missing, or not a possible
 * port. `reset` may be in an address space unknown to us.
 */
struct acpi_power {
	bool has_reset;
	struct acpi_register reset;
	uint8_t reset_value;
	uint16_t pm1a_control, pm1b_control;
	uint16_t smi_command;
	uint8_t acpi_enable;
	paddr_t dsdt;
	paddr_t dsdt_narrow;		/* 32 bits; 0: there is only `dsdt`  */
	bool has_sleep;			/* sleep_type was found              */
	uint8_t sleep_type_a, sleep_type_b;
};

/* Fails: ST_CORRUPT when the table is too short for these fields. */
enum status acpi_read_fadt(const void *table, uint64_t bytes,
			   struct acpi_power *out);

/*
 * Finds \_S5 in a checked DSDT: Name (_S5_, Package { a, b, ... }).
 * Fails: ST_NOT_FOUND; `out` is unchanged then.
 */
enum status acpi_find_sleep_type(const void *dsdt, uint64_t bytes,
				 struct acpi_power *out);

#endif
