// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A MADT may list more processors than there are. Boards reserve an entry for
 * every processor that their sockets could hold and give the empty ones the id
 * 255, 0, or any number from 128 on; some list each processor twice, as APIC
 * and as x2APIC. So an id counts only if the entry's flags say that a
 * processor is there, and then it counts once.
 */
#include "madt.h"

#include <base/bits.h>

#include "acpi.h"
#include "acpi_entries.h"

/* Offsets in the table. */
#define MADT_REVISION		8
#define MADT_LOCAL_APIC		36
#define MADT_FLAGS		40
#define MADT_ENTRIES		44
#define FLAG_HAS_8259		1

enum entry_type {
	ENTRY_LOCAL_APIC = 0,
	ENTRY_IOAPIC = 1,
	ENTRY_LOCAL_APIC_ADDRESS = 5,
	ENTRY_X2APIC = 9,
};

#define LOCAL_APIC_BYTES	8
#define IOAPIC_BYTES		12
#define ADDRESS_BYTES		12
#define X2APIC_BYTES		16

#define CPU_ENABLED		1
#define CPU_ONLINE_CAPABLE	2

/* Ids that address all processors at once. */
#define EVERY_APIC		0xffU
#define EVERY_X2APIC		0xffffffffU

/*
 * The second flag has a meaning from ACPI 6.3 on, which is revision 5 of this
 * table. The errata of 6.2 used the revision number 45.
 */
#define REVISION_ONLINE		5
#define REVISION_6_2_ERRATA	45

struct reader {
	struct madt *out;
	uint8_t revision;
};

size_t madt_capacity(uint64_t table_bytes)
{
	if (table_bytes <= MADT_ENTRIES)
		return 0;
	return min_u64((table_bytes - MADT_ENTRIES) / LOCAL_APIC_BYTES,
		       MADT_CPUS);
}

static bool knows_online_capable(uint8_t revision)
{
	return revision >= REVISION_ONLINE && revision != REVISION_6_2_ERRATA;
}

static bool is_usable(const struct madt_cpu *cpu)
{
	return cpu->enabled || cpu->online_capable;
}

static bool is_for_all(const struct madt_cpu *cpu)
{
	return cpu->apic == (cpu->is_x2apic ? EVERY_X2APIC : EVERY_APIC);
}

static void set_flags(struct madt_cpu *cpu, uint32_t flags, uint8_t revision)
{
	if (is_for_all(cpu))
		return;
	cpu->enabled = (flags & CPU_ENABLED) != 0;
	/* The second flag is reserved when the first is set. */
	cpu->online_capable = !cpu->enabled &&
			      (flags & CPU_ONLINE_CAPABLE) != 0 &&
			      knows_online_capable(revision);
}

static struct madt_cpu *find_usable(const struct madt *madt, uint32_t apic)
{
	for (size_t i = 0; i < madt->cpu_count; i++) {
		struct madt_cpu *cpu = &madt->cpus[i];

		if (cpu->apic == apic && is_usable(cpu))
			return cpu;
	}
	return NULL;
}

static enum status add_cpu(struct reader *reader, struct madt_cpu cpu,
			   uint32_t flags)
{
	struct madt *out = reader->out;
	struct madt_cpu *known;

	set_flags(&cpu, flags, reader->revision);
	known = is_usable(&cpu) ? find_usable(out, cpu.apic) : NULL;
	if (known != NULL) {
		known->enabled |= cpu.enabled;
		known->online_capable = !known->enabled;
		return ST_OK;
	}
	if (out->cpu_count == out->cpu_capacity)
		return ST_FULL;
	out->cpus[out->cpu_count++] = cpu;
	return ST_OK;
}

static enum status add_ioapic(struct madt *out, const uint8_t *at)
{
	if (out->ioapic_count == out->ioapic_capacity)
		return ST_FULL;
	out->ioapics[out->ioapic_count++] = (struct madt_ioapic){
		.id = get8(at, 2),
		.address.raw = get32(at, 4),
		.first_interrupt = get32(at, 8),
	};
	return ST_OK;
}

/* An entry that is too short for its type is skipped, like an unknown type. */
static enum status take_entry(struct reader *reader,
			      const struct acpi_entry *entry)
{
	const uint8_t *at = entry->at;
	struct madt_cpu cpu = { .is_x2apic = entry->type == ENTRY_X2APIC };

	switch (entry->type) {
	case ENTRY_LOCAL_APIC:
		if (entry->bytes < LOCAL_APIC_BYTES)
			return ST_OK;
		cpu.apic = get8(at, 3);
		return add_cpu(reader, cpu, get32(at, 4));
	case ENTRY_X2APIC:
		if (entry->bytes < X2APIC_BYTES)
			return ST_OK;
		cpu.apic = get32(at, 4);
		return add_cpu(reader, cpu, get32(at, 8));
	case ENTRY_IOAPIC:
		if (entry->bytes < IOAPIC_BYTES)
			return ST_OK;
		return add_ioapic(reader->out, at);
	case ENTRY_LOCAL_APIC_ADDRESS:
		if (entry->bytes >= ADDRESS_BYTES && get64(at, 4) != 0)
			reader->out->local_apic.raw = get64(at, 4);
		return ST_OK;
	default:
		return ST_OK;
	}
}

enum status madt_read(struct madt *out, const void *table, uint64_t bytes)
{
	struct reader reader = { .out = out };
	enum status status = ST_OK;
	struct acpi_entry entry;
	struct acpi_entries list;

	out->cpu_count = out->ioapic_count = 0;
	if (bytes < MADT_ENTRIES || !acpi_table_is_good(table, bytes, "APIC"))
		return ST_CORRUPT;
	out->local_apic.raw = get32(table, MADT_LOCAL_APIC);
	out->has_8259 = (get32(table, MADT_FLAGS) & FLAG_HAS_8259) != 0;
	reader.revision = get8(table, MADT_REVISION);
	list = (struct acpi_entries){
		.next = (const uint8_t *)table + MADT_ENTRIES,
		.end = (const uint8_t *)table + bytes,
	};
	while (status == ST_OK && acpi_entries_next(&list, &entry))
		status = take_entry(&reader, &entry);
	out->cut_short = list.cut_short;
	if (status != ST_OK)
		out->cpu_count = out->ioapic_count = 0;
	return status;
}

bool madt_audit(const struct madt *madt)
{
	for (size_t i = 0; i < madt->cpu_count; i++) {
		const struct madt_cpu *cpu = &madt->cpus[i];

		if (!is_usable(cpu))
			continue;
		if (find_usable(madt, cpu->apic) != cpu || is_for_all(cpu) ||
		    (cpu->enabled && cpu->online_capable))
			return false;
	}
	return madt->cpu_count <= madt->cpu_capacity &&
	       madt->ioapic_count <= madt->ioapic_capacity;
}
