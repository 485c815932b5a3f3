/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * numa_scene.h - SRAT and SLIT of a machine, written in a test, and the nodes
 * built from them in memory of exactly the promised sizes.
 */
#ifndef TESTS_NUMA_SCENE_H
#define TESTS_NUMA_SCENE_H

#include <kernel/platform/numa.h>

#include "acpi_draft.h"

#define HOT		(NUMA_ENABLED | NUMA_HOTPLUG)
#define PERSISTENT	(NUMA_ENABLED | NUMA_NONVOLATILE)

struct numa_scene {
	struct acpi_draft srat, slit;
	bool has_slit;
};

/* Empty, without an SLIT. */
void scene_begin(struct numa_scene *scene, unsigned revision);
/* Digits: domains, each with a processor of that id. */
void scene_begin_nodes(struct numa_scene *scene, const char *domains);
/* Enabled and nothing else. */
void scene_memory(struct numa_scene *scene, uint32_t domain, uint64_t start,
		  uint64_t end);
/*
 * One character for each page: a digit is memory of a domain, a letter (a is
 * 0) hot-plug memory of a domain.
 */
void scene_picture(struct numa_scene *scene, const char *row);
void scene_slit(struct numa_scene *scene, uint64_t rows, const char *cells);

/* Each must succeed and pass the audit; scene_free frees it. */
struct numa scene_build(struct numa_scene *scene);
struct numa scene_build_tables(const struct numa_tables *tables);
void scene_free(struct numa *numa);

/* The tables of that machine in tests/data/acpi; scene_free_machine. */
struct numa_tables scene_machine(const char *name);
void scene_free_machine(struct numa_tables *tables);

/* The result for a machine without a usable SRAT: one node. */
bool scene_is_one_node(const struct numa *numa);

#endif
