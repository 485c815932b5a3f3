// SPDX-License-Identifier: MIT OR Apache-2.0
/* Answers questions about the nodes that numa.c built, and audits them. */
#include "numa.h"

#include <base/assert.h>
#include <base/bits.h>

/* The first range that ends behind `at`, or range_count. */
static size_t range_from(const struct numa *numa, paddr_t at)
{
	size_t low = 0, high = numa->range_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (numa->ranges[middle].end.raw > at.raw)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct numa_node_range numa_node_at(const struct numa *numa, paddr_t at)
{
	size_t index = range_from(numa, at);
	const struct numa_range *range = &numa->ranges[index];

	ASSERT(at.raw < PHYSICAL_LIMIT);
	if (index == numa->range_count)
		return (struct numa_node_range){ { PHYSICAL_LIMIT }, 0, true };
	if (range->start.raw > at.raw)
		return (struct numa_node_range){ range->start, 0, true };
	return (struct numa_node_range){ range->end, range->node, false };
}

static void count_region(struct numa *numa, const struct region *region)
{
	uint64_t at = region->start.raw;

	while (at < region->end.raw) {
		struct numa_node_range found;
		uint64_t end, pages;

		found = numa_node_at(numa, (paddr_t){ at });
		end = min_u64(found.end.raw, region->end.raw);
		pages = (end - at) >> PAGE_SHIFT;
		numa->nodes[found.node].pages += pages;
		if (found.outside)
			numa->outside += pages;
		at = end;
	}
}

void numa_add_regions(struct numa *numa, const struct region_list *list,
		      enum region_kind kind)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].kind == kind)
			count_region(numa, &list->items[i]);
}

void numa_count_regions(struct numa *numa, const struct region_list *list)
{
	for (size_t i = 0; i < numa->node_count; i++)
		numa->nodes[i].pages = 0;
	numa->outside = 0;
	numa_add_regions(numa, list, REGION_FREE);
	numa_add_regions(numa, list, REGION_LOW);
	numa_add_regions(numa, list, REGION_LATER);
}

enum status numa_find_cpu(const struct numa *numa, uint32_t apic,
			  uint32_t *node)
{
	size_t low = 0, high = numa->cpu_count;

	*node = 0;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct numa_cpu *cpu = &numa->cpus[middle];

		if (cpu->apic == apic) {
			*node = cpu->node;
			return ST_OK;
		}
		if (cpu->apic < apic)
			low = middle + 1;
		else
			high = middle;
	}
	return ST_NOT_FOUND;
}

void numa_clear_cpus(struct numa *numa)
{
	for (size_t i = 0; i < numa->node_count; i++)
		numa->nodes[i].cpus = 0;
}

void numa_add_cpu(struct numa *numa, uint32_t apic)
{
	uint32_t node;

	/* An id that is not found belongs to node 0; `node` is 0 then. */
	(void)!numa_find_cpu(numa, apic, &node);
	numa->nodes[node].cpus++;
}

unsigned numa_distance(const struct numa *numa, uint32_t from, uint32_t to)
{
	ASSERT(from < numa->node_count && to < numa->node_count);
	return numa->distances[from * numa->node_count + to];
}

const uint8_t *numa_order_at(const struct numa *numa, uint32_t node)
{
	ASSERT(node < numa->node_count);
	return &numa->orders[node * numa->node_count];
}

/* --- records --------------------------------------------------------------*/

static uint32_t domain_of(const struct numa *numa, uint32_t node)
{
	return numa->nodes[node].domain;
}

static void print_range(const struct numa *numa, struct sink *sink,
			const struct numa_range *range)
{
	sink_print(sink,
		   "@range start=0x%lx end=0x%lx domain=%u "
		   "flags=enabled%s%s\n",
		   range->start.raw, range->end.raw,
		   domain_of(numa, range->node),
		   range->flags & NUMA_HOTPLUG ? "+hotplug" : "",
		   range->flags & NUMA_NONVOLATILE ? "+nonvolatile" : "");
}

void numa_print_records(const struct numa *numa, struct sink *sink)
{
	uint32_t count = (uint32_t)numa->node_count;

	for (uint32_t id = 0; id < count; id++) {
		const struct numa_node *node = &numa->nodes[id];

		sink_print(sink, "@node id=%u domain=%u pages=%lu cpus=%u\n",
			   id, node->domain, node->pages, node->cpus);
	}
	for (uint32_t i = 0; i < count * count; i++)
		sink_print(sink, "@distance from=%u to=%u value=%u\n",
			   i / count, i % count,
			   numa_distance(numa, i / count, i % count));
	for (size_t i = 0; i < numa->cpu_count; i++)
		sink_print(sink, "@cpu apic=%u domain=%u enabled=1\n",
			   numa->cpus[i].apic,
			   domain_of(numa, numa->cpus[i].node));
	for (size_t i = 0; i < numa->listed_count; i++)
		print_range(numa, sink, &numa->listed[i]);
}

/* --- audit ----------------------------------------------------------------*/

static bool ranges_are_good(const struct numa *numa)
{
	uint64_t before = 0;

	for (size_t i = 0; i < numa->range_count; i++) {
		const struct numa_range *range = &numa->ranges[i];
		uint64_t edges = range->start.raw | range->end.raw;

		if (range->start.raw < before ||
		    range->start.raw >= range->end.raw ||
		    range->end.raw > PHYSICAL_LIMIT ||
		    !is_aligned(edges, PAGE_SIZE) ||
		    range->node >= numa->node_count)
			return false;
		before = range->end.raw;
	}
	return true;
}

static bool cpus_are_good(const struct numa *numa)
{
	for (size_t i = 0; i < numa->cpu_count; i++)
		if (numa->cpus[i].node >= numa->node_count ||
		    (i > 0 && numa->cpus[i - 1].apic >= numa->cpus[i].apic))
			return false;
	return true;
}

/* Each node comes after the one before it; so all are different. */
static bool order_is_good(const struct numa *numa, uint32_t from)
{
	const uint8_t *order = numa_order_at(numa, from);
	uint32_t count = numa->nodes[from].reachable;

	if (count == 0 || count > numa->node_count || order[0] != from)
		return false;
	for (uint32_t i = 1; i < count; i++) {
		unsigned value, before;

		if (order[i] >= numa->node_count || order[i] == from)
			return false;
		value = numa_distance(numa, from, order[i]);
		before = numa_distance(numa, from, order[i - 1]);
		if (value == NUMA_UNREACHABLE || value < before ||
		    (i > 1 && value == before && order[i] <= order[i - 1]))
			return false;
	}
	return true;
}

static bool distances_are_good(const struct numa *numa, uint32_t from)
{
	uint32_t reachable = 0;

	for (uint32_t to = 0; to < numa->node_count; to++) {
		unsigned value = numa_distance(numa, from, to);

		if (value < NUMA_LOCAL || (to == from && value != NUMA_LOCAL))
			return false;
		reachable += value != NUMA_UNREACHABLE;
	}
	return reachable == numa->nodes[from].reachable;
}

bool numa_audit(const struct numa *numa)
{
	if (numa->node_count == 0 || numa->node_count > NUMA_NODES)
		return false;
	for (uint32_t id = 0; id < numa->node_count; id++) {
		if (id > 0 && domain_of(numa, id - 1) >= domain_of(numa, id))
			return false;
		if (!distances_are_good(numa, id) || !order_is_good(numa, id))
			return false;
	}
	return ranges_are_good(numa) && cpus_are_good(numa);
}
