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
 * A machine without a usable SRAT is one node that has everything. Memory
 * and processors that a good SRAT does not name are node 0's.
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

/* As the SRAT has them. */
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
	uint32_t place;			/* in the order of being said        */
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
	struct numa_range *said;	/* enabled, not empty; may overlap   */
	size_t said_count;
	struct numa_range *ranges;	/* what follows from them: N2        */
	size_t range_count;
	uint8_t *distances;		/* rows from, columns to             */
	uint8_t *orders;		/* a row a node                      */
	/*
	 * ST_OK: used; ST_NOT_FOUND: there is none, or it names nothing;
	 * ST_CORRUPT: fails its own checks; ST_FULL: too many domains;
	 * ST_UNSUPPORTED: too small for the SRAT's domains.
	 */
	enum status srat, slit;
	bool srat_cut_short;		/* as in acpi_entries.h              */
	/* Enabled ranges beyond PHYSICAL_LIMIT, wholly (or wrapping), partly */
	uint64_t left_out, cut;
	uint64_t outside;		/* pages of regions, in no range     */
};

struct numa_request {
	struct numa_tables tables;
	void *memory;			/* 8-aligned; numa keeps it          */
	size_t memory_bytes;
};

/* How much numa_build needs for them; the SLIT's is not looked at. */
size_t numa_memory_bytes(const struct numa_tables *tables);

/*
 * Fills `out`. Bad tables are no failure: see `srat` and `slit` there. A
 * node's pages are those of its ranges that are neither to be plugged in
 * later nor persistent. The tables are not needed afterwards.
 * Fails: ST_FULL when there is too little memory.
 * Cost:  O(n log n + nodes * n + nodes^3), n being the SRAT's entries.
 */
enum status numa_build(struct numa *out, const struct numa_request *request);

/*
 * From here on a node's pages are the map's free, low and later ones, and
 * `outside` says how many of node 0's are in no range.
 */
void numa_count_regions(struct numa *numa, const struct region_list *list);
/* And those of another kind, that have become usable too. */
void numa_add_regions(struct numa *numa, const struct region_list *list,
		      enum region_kind kind);

/*
 * From the first on a node's processors are those that the second has been
 * told of: an id that the SRAT does not name is node 0's.
 */
void numa_clear_cpus(struct numa *numa);
void numa_add_cpu(struct numa *numa, uint32_t apic);

/* As far as memory from `at` on is all of one node. */
struct numa_node_range {
	paddr_t end;
	uint32_t node;
	bool outside;			/* in no range                       */
};

/*
 * A range to be plugged in later counts, too: what the firmware's map has
 * there has been plugged in. `at` is below PHYSICAL_LIMIT, and so is the
 * answer's end, or equal to it.
 * Cost: O(log n)
 */
struct numa_node_range numa_node_at(const struct numa *numa, paddr_t at);

/* Fails: ST_NOT_FOUND; `*node` is then 0. Cost: O(log n) */
enum status numa_find_cpu(const struct numa *numa, uint32_t apic,
			  uint32_t *node);

unsigned numa_distance(const struct numa *numa, uint32_t from, uint32_t to);

/* Where `node` looks for memory: its nodes[node].reachable nodes, in turn. */
const uint8_t *numa_order_at(const struct numa *numa, uint32_t node);

/* @node, @distance, @cpu, @range as FORMATS has them; the caller adds @end. */
void numa_print_records(const struct numa *numa, struct sink *sink);

bool numa_audit(const struct numa *numa);	/* N1..N5 */

#endif
