// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Reads the SRAT. Revisions, flags and odd entries are handled here; the other
 * files see only entries that count.
 */
#include "numa_internal.h"

#include <base/bits.h>
#include <base/bytes.h>

#include "acpi.h"

/* Offsets in the table. */
#define SRAT_REVISION		8
#define SRAT_ENTRIES		48

/* In older revisions a domain is one byte; the next three are undefined. */
#define REVISION_WIDE_DOMAINS	2

enum entry_type {
	ENTRY_APIC = 0,
	ENTRY_MEMORY = 1,
	ENTRY_X2APIC = 2,
};

#define APIC_BYTES	16
#define MEMORY_BYTES	40
#define X2APIC_BYTES	24

#define CPU_ENABLED	1
#define KNOWN_FLAGS	(NUMA_ENABLED | NUMA_HOTPLUG | NUMA_NONVOLATILE)

/* Ids that address all processors at once, hence not one. */
#define EVERY_APIC	0xffU
#define EVERY_X2APIC	0xffffffffU

static uint32_t known_domain(const struct srat_reader *reader,
			     uint32_t domain)
{
	return reader->revision < REVISION_WIDE_DOMAINS ? domain & 0xff
							: domain;
}

static bool read_apic(const struct srat_reader *reader, const uint8_t *at,
		      struct affinity *out)
{
	uint32_t domain = get8(at, 2) | (get32(at, 8) & 0xffffff00);

	out->kind = AFFINITY_CPU;
	out->domain = known_domain(reader, domain);
	out->apic = get8(at, 3);
	return get32(at, 4) & CPU_ENABLED && out->apic != EVERY_APIC;
}

/* This entry is newer than the revisions with narrow domains. */
static bool read_x2apic(const uint8_t *at, struct affinity *out)
{
	out->kind = AFFINITY_CPU;
	out->domain = get32(at, 4);
	out->apic = get32(at, 8);
	return get32(at, 12) & CPU_ENABLED && out->apic != EVERY_X2APIC;
}

/* A range that wraps is left out; one that is too long is cut. */
static bool read_memory(struct srat_reader *reader, const uint8_t *at,
			struct affinity *out)
{
	uint64_t bytes = get64(at, 16);

	out->kind = AFFINITY_MEMORY;
	out->domain = known_domain(reader, get32(at, 2));
	out->flags = get32(at, 28) & KNOWN_FLAGS;
	out->start = get64(at, 8);
	if ((out->flags & NUMA_ENABLED) == 0 || bytes == 0)
		return false;
	if (add_overflows(out->start, bytes, &out->end) ||
	    out->start >= PHYSICAL_LIMIT) {
		reader->left_out++;
		return false;
	}
	reader->cut += out->end > PHYSICAL_LIMIT;
	out->end = min_u64(out->end, PHYSICAL_LIMIT);
	return true;
}

/* False when the entry does not count. */
static bool read_entry(struct srat_reader *reader,
		       const struct acpi_entry *entry, struct affinity *out)
{
	*out = (struct affinity){ .domain = 0 };
	switch (entry->type) {
	case ENTRY_APIC:
		return entry->bytes >= APIC_BYTES &&
		       read_apic(reader, entry->at, out);
	case ENTRY_MEMORY:
		return entry->bytes >= MEMORY_BYTES &&
		       read_memory(reader, entry->at, out);
	case ENTRY_X2APIC:
		return entry->bytes >= X2APIC_BYTES &&
		       read_x2apic(entry->at, out);
	default:
		return false;
	}
}

struct srat_reader srat_begin(const struct numa_tables *tables)
{
	const uint8_t *srat = tables->srat;

	return (struct srat_reader){
		.entries.next = srat + SRAT_ENTRIES,
		.entries.end = srat + tables->srat_bytes,
		.revision = get8(srat, SRAT_REVISION),
	};
}

bool srat_next(struct srat_reader *reader, struct affinity *out)
{
	struct acpi_entry entry;

	while (acpi_entries_next(&reader->entries, &entry))
		if (read_entry(reader, &entry, out))
			return true;
	return false;
}

bool srat_find_domain(const struct numa_tables *tables, uint64_t from,
		      uint32_t *out)
{
	struct srat_reader reader = srat_begin(tables);
	struct affinity affinity;
	bool found = false;

	while (srat_next(&reader, &affinity)) {
		if (affinity.domain < from ||
		    (found && affinity.domain >= *out))
			continue;
		*out = affinity.domain;
		found = true;
	}
	return found;
}

/* Stops one above NUMA_NODES. */
static size_t count_domains(const struct numa_tables *tables)
{
	uint64_t from = 0;
	uint32_t domain;
	size_t count = 0;

	while (count <= NUMA_NODES &&
	       srat_find_domain(tables, from, &domain)) {
		from = domain + 1UL;
		count++;
	}
	return count;
}

struct srat_shape srat_shape(const struct numa_tables *tables)
{
	struct srat_shape shape = { .status = ST_NOT_FOUND, .nodes = 1 };
	struct srat_reader reader;
	struct affinity affinity;
	size_t domains;

	if (tables->srat == NULL)
		return shape;
	shape.status = ST_CORRUPT;
	if (tables->srat_bytes < SRAT_ENTRIES ||
	    !acpi_table_is_good(tables->srat, tables->srat_bytes, "SRAT"))
		return shape;
	domains = count_domains(tables);
	shape.status = ST_FULL;
	if (domains > NUMA_NODES)
		return shape;
	shape.status = domains == 0 ? ST_NOT_FOUND : ST_OK;
	shape.nodes = max_u64(domains, 1);
	reader = srat_begin(tables);
	while (srat_next(&reader, &affinity)) {
		shape.cpus += affinity.kind == AFFINITY_CPU;
		shape.ranges += affinity.kind == AFFINITY_MEMORY;
	}
	shape.left_out = reader.left_out;
	shape.cut = reader.cut;
	return shape;
}
