/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * numa_nodes.h - the machine's NUMA nodes and the usable memory of each.
 *
 * A block of 2 MiB belongs to one node: the node of its first byte.
 */
#ifndef KERNEL_PLATFORM_NUMA_NODES_H
#define KERNEL_PLATFORM_NUMA_NODES_H

#include "numa.h"

/* An SRAT whose nodes lie in more ranges is refused. */
#define NODES_RANGES	8192

/*
 * Reads SRAT and SLIT from their copies. There is one node without them,
 * without memory to read them into, or with too many ranges; the log says why.
 */
void nodes_start(void);

/* Makes one node of all nodes, when memory for their pools is missing. */
void numa_collapse(enum status why);

/* Counts the processors of each node; after cpus_find. */
void nodes_count_cpus(void);

const struct numa *nodes(void);

/* The node of the processor with this APIC id; 0 if no table says. */
unsigned nodes_of_cpu(uint32_t apic);

/*
 * Usable memory of one node, in use or not. Memory of the ACPI tables is part
 * of it once it has been reclaimed.
 */
struct node_range {
	paddr_t start, end;
	unsigned node;
};

/*
 * The first range that ends beyond `at`, from `at` on.
 * Fails: false when there is none.
 */
bool nodes_range(paddr_t at, struct node_range *out);

/* The same among those of one node. */
bool nodes_range_of(unsigned node, paddr_t at, struct node_range *out);

/* The node that the page at `at` belongs to, if it is memory. */
unsigned nodes_at(paddr_t at);

#endif
