/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_draft.h - builds ACPI tables that are lists of entries.
 *
 *	draft_begin(&draft, "SRAT", 3, DRAFT_SRAT_HEADER);
 *	draft_memory(&draft, (struct draft_memory){ .domain = 1, ... });
 *	draft_seal(&draft);
 */
#ifndef TESTS_ACPI_DRAFT_H
#define TESTS_ACPI_DRAFT_H

#include "acpi_bytes.h"

#define DRAFT_BYTES		(256 * 1024)
#define DRAFT_MADT_HEADER	44
#define DRAFT_SRAT_HEADER	48
#define DRAFT_SLIT_HEADER	44

struct acpi_draft {
	uint8_t data[DRAFT_BYTES];
	size_t bytes;
};

void draft_begin(struct acpi_draft *draft, const char *signature,
		 unsigned revision, size_t header_bytes);
/* A zeroed entry with its type and length. */
uint8_t *draft_entry(struct acpi_draft *draft, unsigned type, size_t bytes);
/* Sets length and checksum. */
void draft_seal(struct acpi_draft *draft);

/* A whole root pointer, of 36 bytes whatever its revision is. */
void draft_rsdp(uint8_t *to, unsigned revision, uint32_t rsdt, uint64_t xsdt);

struct draft_memory {
	uint32_t domain;
	uint32_t flags;
	uint64_t start, end;
};

/* SRAT entries of types 0, 1, 2; domains in 32 bits wherever they fit. */
void draft_affinity(struct acpi_draft *draft, uint32_t domain, uint32_t apic,
		    uint32_t flags);
void draft_memory(struct acpi_draft *draft, struct draft_memory memory);
void draft_affinity_x2(struct acpi_draft *draft, uint32_t domain,
		       uint32_t apic, uint32_t flags);

/* A whole SLIT with cells[0..rows * rows). */
void draft_slit(struct acpi_draft *draft, uint64_t rows, const uint8_t *cells);

/* MADT entries of types 0 and 9. */
void draft_cpu(struct acpi_draft *draft, uint32_t apic, uint32_t flags);
void draft_cpu_x2(struct acpi_draft *draft, uint32_t apic, uint32_t flags);

/* A copy of from[0..bytes) in memory of that size; the caller frees it. */
uint8_t *draft_copy(const uint8_t *from, size_t bytes);

/* tests/data/acpi/NAME.bin, likewise; NULL when it cannot be read. */
uint8_t *draft_read(const char *name, size_t *bytes);

#endif
