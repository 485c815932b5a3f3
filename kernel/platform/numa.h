/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * numa.h - NUMA nodes, distances, and each node's order of fallback.
 *
 * Takes: an ACPI SRAT and SLIT of any revision, or what is left of them.
 * Gives: nodes 0..node_count - 1, such that (N1) there is at least one and
 *        their domains ascend, (N2) ranges ascend, are disjoint, page
 *        aligned, not empty and below PHYSICAL_LIMIT, (N3) a processor is
 *        there once, by ascending id, (N4) a node is LOCAL from itself and
 *        never nearer to another, (N5) a node's order begins with itself
 *        and has each node that it can reach once, nearest first, of
 *        equally near ones the lowest first.
 *
 * A machine without a usable SRAT is one node with all memory and processors.
 * Memory and processors that a good SRAT does not name belong to node 0.
 *
 * Source: ACPI specification 6.5, sections 5.2.16 (SRAT) and 5.2.17 (SLIT).
 */
#ifndef KERNEL_PLATFORM_NUMA_H
#define KERNEL_PLATFORM_NUMA_H

#include <base/address.h>
#include <base/status.h>
#include <base/text.h>
#include <mm/region.h>

/* An SRAT with more domains is refused. */
#define NUMA_NODES		256

#define NUMA_LOCAL		10
#define NUMA_REMOTE		20	/* without a SLIT                    */
#define NUMA_UNREACHABLE	255

/* The bits of the SRAT. */
enum numa_flag {
	NUMA_ENABLED = 1,
	NUMA_HOTPLUG = 2,
	NUMA_NONVOLATILE = 4,
};

struct numa_node {
	uint64_t pages;
	uint32_t domain;
	uint32_t cpus;
	uint32_t reachable;		/* nodes in its order, itself too    */
};

struct numa_cpu {
	uint32_t apic;
	uint32_t node;
	uint32_t place;			/* its position in the table         */
};

struct numa_range {
	paddr_t start, end;		/* [start..end), bytes               */
	uint32_t node;
	uint32_t flags;			/* enum numa_flag                    */
};

/* NULL: there is none. */
struct numa_tables {
	const void *srat;
	uint64_t srat_bytes;
	const void *slit;
	uint64_t slit_bytes;
};

struct numa {
	struct numa_node *nodes;
	size_t node_count;
	struct numa_cpu *cpus;		/* enabled ones                      */
	size_t cpu_count;
	struct numa_range *listed;	/* enabled, not empty; may overlap   */
	size_t listed_count;
	struct numa_range *ranges;	/* made from `listed`; N2            */
	size_t range_count;
	uint8_t *distances;		/* [from][to]                        */
	uint8_t *orders;		/* one row for each node             */
	/*
	 * ST_OK: used; ST_NOT_FOUND: missing, or without entries; ST_CORRUPT:
	 * fails its checks; ST_FULL: too many domains; ST_UNSUPPORTED: too
	 * small for the SRAT's domains.
	 */
	enum status srat, slit;
	bool srat_cut_short;		/* as in acpi_entries.h              */
	/* Ranges beyond PHYSICAL_LIMIT: wholly (or wrapping), and partly. */
	uint64_t left_out, cut;
	uint64_t outside;		/* pages of regions in no range      */
};

struct numa_request {
	struct numa_tables tables;
	void *memory;			/* 8-aligned; numa keeps it          */
	size_t memory_bytes;
};

/* The memory that numa_build needs for these tables; ignores the SLIT. */
size_t numa_memory_bytes(const struct numa_tables *tables);

/*
 * Fills `out`. Bad tables are no failure: `srat` and `slit` state them. The
 * pages of a node are those of its ranges that are neither hot-pluggable nor
 * persistent. The tables are not needed afterwards.
 * Fails: ST_FULL when there is too little memory.
 * Cost:  O(n log n + nodes * n + nodes^3), n being the SRAT's entries.
 */
enum status numa_build(struct numa *out, const struct numa_request *request);

/*
 * From here on the pages of a node are those that the map calls free, low or
 * later; `outside` is the number of node 0's that are in no range.
 */
void numa_count_regions(struct numa *numa, const struct region_list *list);
/* Adds the pages of another kind, which have become usable. */
void numa_add_regions(struct numa *numa, const struct region_list *list,
		      enum region_kind kind);

/*
 * The first call sets the number of processors of each node to 0; the second
 * adds one: to node 0 when the SRAT does not name its id.
 */
void numa_clear_cpus(struct numa *numa);
void numa_add_cpu(struct numa *numa, uint32_t apic);

/* The memory from `at` on that belongs to one node. */
struct numa_node_range {
	paddr_t end;
	uint32_t node;
	bool outside;			/* in no range                       */
};

/*
 * A hot-plug range counts, too: memory of the firmware's map in it has been
 * plugged in. `at` is below PHYSICAL_LIMIT; the end of the result is at most
 * PHYSICAL_LIMIT.
 * Cost: O(log n)
 */
struct numa_node_range numa_node_at(const struct numa *numa, paddr_t at);

/* Fails: ST_NOT_FOUND; `*node` is then 0. Cost: O(log n) */
enum status numa_find_cpu(const struct numa *numa, uint32_t apic,
			  uint32_t *node);

unsigned numa_distance(const struct numa *numa, uint32_t from, uint32_t to);

/* The nodes[node].reachable nodes that `node` reaches, nearest first. */
const uint8_t *numa_order_at(const struct numa *numa, uint32_t node);

/* @node, @distance, @cpu, @range of docs/monitor.md; the caller adds @end. */
void numa_print_records(const struct numa *numa, struct sink *sink);

bool numa_audit(const struct numa *numa);	/* N1..N5 */

#endif
