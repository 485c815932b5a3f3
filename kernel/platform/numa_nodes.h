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

/* The boot_list pages of the nodes and their ranges. */
uint64_t nodes_array_pages(void);

/* The node of the processor with this APIC id; 0 if no table says. */
unsigned nodes_of_cpu(uint32_t apic);

/* As far as memory from an address on is all of one node. */
struct node_range {
	paddr_t end;
	unsigned node;
};
struct node_range nodes_range_at(paddr_t at);

/* The node that the page at `at` belongs to, if it is memory. */
unsigned nodes_at(paddr_t at);

/* The pages that the pools have of a node, in place of the tables' number. */
void nodes_set_pages(unsigned node, uint64_t pages);

#endif
