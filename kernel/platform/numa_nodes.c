// SPDX-License-Identifier: MIT OR Apache-2.0
#include "numa_nodes.h"

#include <base/assert.h>
#include <base/bits.h>

#include <kernel/arch/window.h>
#include <kernel/boot/boot_memory.h>
#include <kernel/log/log.h>

#include "acpi_tables.h"
#include "cpus.h"

static struct numa numa;
/* The only node of a machine without a table, or without memory for it. */
static struct frame_run memory_of_all;
static uint64_t memory_of_one[(sizeof(struct numa_node) + 16) / 8 + 1];

const struct numa *nodes(void)
{
	return &numa;
}

uint64_t nodes_array_pages(void)
{
	return memory_of_all.frames;
}

static void find_table(const char signature[4], const void **data,
		       uint64_t *bytes)
{
	struct acpi_table table;

	*data = NULL;
	*bytes = 0;
	/* A copy stays readable while the next one is looked for. */
	if (!acpi_is_copied() || acpi_find(signature, &table) != ST_OK) {
		if (acpi_copy_claims(signature))
			log_line(LOG_WARNING, "numa: unusable table=%.4s "
					      "why=\"%s\"", signature,
				 status_text(ST_CORRUPT));
		return;
	}
	*data = table.data;
	*bytes = table.bytes;
}

static enum status build(const struct numa_tables *tables)
{
	struct numa_request request = {
		.tables = *tables,
		.memory_bytes = numa_memory_bytes(tables),
	};
	enum status status;

	memory_of_all.frames = align_up(request.memory_bytes, PAGE_SIZE) /
			       PAGE_SIZE;
	status = boot_alloc(&memory_of_all, OWNER_BOOT_LIST);
	if (status != ST_OK) {
		memory_of_all.frames = 0;
		return status;
	}
	request.memory = pfn_to_pointer(memory_of_all.first);
	status = numa_build(&numa, &request);
	return status == ST_OK && numa.range_count > NODES_RANGES ? ST_FULL :
								    status;
}

static void build_one(void)
{
	if (memory_of_all.frames != 0)
		boot_free(memory_of_all, OWNER_BOOT_LIST);
	memory_of_all.frames = 0;
	MUST(numa_build(&numa, &(struct numa_request){
		.memory = memory_of_one,
		.memory_bytes = sizeof(memory_of_one),
	}));
}

static void warn_of_table(const char *name, enum status status)
{
	if (status != ST_OK && status != ST_NOT_FOUND)
		log_line(LOG_WARNING, "numa: unusable table=%s why=\"%s\"",
			 name, status_text(status));
}

static void warn_of_ranges(void)
{
	if (numa.left_out != 0 || numa.cut != 0)
		log_line(LOG_WARNING, "numa: beyond all memory table=SRAT "
				      "left_out=%lu cut=%lu limit=0x%lx",
			 numa.left_out, numa.cut, PHYSICAL_LIMIT);
}

/* The pages of the tables count too once the tables are copied. */
static void count_pages(void)
{
	numa_count_regions(&numa, &boot_memory.map.regions);
	if (acpi_is_copied()) {
		numa_add_regions(&numa, &boot_memory.map.acpi, REGION_FREE);
		numa_add_regions(&numa, &boot_memory.map.acpi, REGION_LOW);
	}
}

void nodes_start(void)
{
	struct numa_tables tables;
	enum status status;

	find_table("SRAT", &tables.srat, &tables.srat_bytes);
	find_table("SLIT", &tables.slit, &tables.slit_bytes);
	status = build(&tables);
	warn_of_ranges();
	if (status != ST_OK) {
		warn_of_table("SRAT", status);
		build_one();
	}
	warn_of_table("SRAT", numa.srat);
	warn_of_table("SLIT", numa.slit);
	count_pages();
	log_line(LOG_INFO, "numa: nodes=%lu ranges=%lu cpus=%lu",
		 numa.node_count, numa.range_count, numa.cpu_count);
}

void numa_collapse(enum status why)
{
	log_line(LOG_WARNING, "numa: joined nodes=%lu ranges=%lu why=\"%s\"",
		 numa.node_count, numa.range_count, status_text(why));
	build_one();
	count_pages();
	nodes_count_cpus();
}

void nodes_count_cpus(void)
{
	const struct cpu_list *list = cpus();

	numa_clear_cpus(&numa);
	for (unsigned i = 0; i < list->count; i++)
		numa_add_cpu(&numa, list->rows[i].apic);
}

unsigned nodes_of_cpu(uint32_t apic)
{
	uint32_t node = 0;

	/* A CPU without an SRAT entry belongs to node 0. */
	(void)!numa_find_cpu(&numa, apic, &node);
	return node;
}

struct node_range nodes_range_at(paddr_t at)
{
	paddr_t block = { align_down(at.raw, SIZE_2M) };
	struct numa_node_range found = numa_node_at(&numa, block);

	return (struct node_range){
		{ align_up(found.end.raw, SIZE_2M) }, found.node };
}

unsigned nodes_at(paddr_t at)
{
	return nodes_range_at(at).node;
}

void nodes_set_pages(unsigned node, uint64_t pages)
{
	ASSERT(node < numa.node_count);
	numa.nodes[node].pages = pages;
}
