/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * numa_internal.h - the entries of an SRAT, without those that do not count.
 * For srat.c, numa.c and numa_query.c.
 */
#ifndef KERNEL_PLATFORM_NUMA_INTERNAL_H
#define KERNEL_PLATFORM_NUMA_INTERNAL_H

#include "acpi_entries.h"
#include "numa.h"

enum affinity_kind {
	AFFINITY_CPU,			/* of an enabled processor           */
	AFFINITY_MEMORY,		/* enabled, not empty                */
};

struct affinity {
	enum affinity_kind kind;
	uint32_t domain;
	uint32_t apic;
	uint32_t flags;			/* of memory: enum numa_flag         */
	uint64_t start, end;		/* at most PHYSICAL_LIMIT            */
};

struct srat_reader {
	struct acpi_entries entries;
	uint8_t revision;
	uint64_t left_out, cut;		/* ranges so far, as in struct numa  */
};

/* Counts the SRAT's entries; one node and nothing else unless ST_OK. */
struct srat_shape {
	enum status status;		/* as numa.srat                      */
	size_t cpus, ranges, nodes;
	uint64_t left_out, cut;		/* set in any case                   */
};

struct srat_shape srat_shape(const struct numa_tables *tables);

/* Only when the status of the shape is ST_OK. */
struct srat_reader srat_begin(const struct numa_tables *tables);
bool srat_next(struct srat_reader *reader, struct affinity *out);

/* The lowest domain that is at least `from`; false when there is none. */
bool srat_find_domain(const struct numa_tables *tables, uint64_t from,
		      uint32_t *out);

#endif
