/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * madt.h - reads the processors and I/O APICs from a MADT.
 *
 * Takes: an ACPI MADT of any revision.
 * Gives: its processors, in its order, such that (M1) no id that can be
 *        used is there twice, (M2) none is both enabled and only capable of
 *        it, (M3) an id that addresses every processor is never enabled;
 *        its I/O APICs; and where the local APIC lies.
 *
 * Source: ACPI specification 6.5, section 5.2.12.
 */
#ifndef KERNEL_PLATFORM_MADT_H
#define KERNEL_PLATFORM_MADT_H

#include <base/address.h>
#include <base/status.h>

/*
 * A processor that is neither enabled nor online_capable is an empty slot: its
 * id is meaningless, and may be that of another processor.
 */
struct madt_cpu {
	uint32_t apic;
	bool is_x2apic;			/* said by an x2APIC entry           */
	bool enabled;			/* can be started                    */
	bool online_capable;		/* not enabled, may be plugged in    */
};

struct madt_ioapic {
	paddr_t address;
	uint32_t first_interrupt;	/* global interrupt number           */
	uint8_t id;
};

/*
 * The caller supplies the arrays and their capacities; madt_capacity is enough
 * for each.
 */
struct madt {
	struct madt_cpu *cpus;
	size_t cpu_count, cpu_capacity;
	struct madt_ioapic *ioapics;
	size_t ioapic_count, ioapic_capacity;
	paddr_t local_apic;
	bool has_8259;			/* two of them, to be masked         */
	bool cut_short;			/* as in acpi_entries.h              */
};

/* A table with more, empty slots included, is refused. */
#define MADT_CPUS 4096

size_t madt_capacity(uint64_t table_bytes);

/*
 * Reads table[0..bytes) into `out`.
 * Fails: ST_CORRUPT (signature, length, checksum), ST_FULL; both counts are
 *        then 0.
 * Cost:  entries times processors, no memory beyond `out`.
 */
enum status madt_read(struct madt *out, const void *table, uint64_t bytes);

bool madt_audit(const struct madt *madt);	/* M1..M3 */

#endif
