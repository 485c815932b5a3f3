// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The SRAT is read once per question: how many entries there are, which domain
 * comes next, which node each processor and range belongs to. So the memory
 * that is needed is known exactly beforehand, and no list of domains is
 * sorted.
 *
 * Where ranges overlap, one of them wins. Present memory wins over memory that
 * may be plugged in: some firmware declares one hot-plug range over
 * everything. Among equals the range that begins first wins, and of two that
 * begin together the one of the lower node. So no range of one sort is cut
 * into parts, the result does not depend on the order of the table, and no
 * byte is counted twice or lost.
 *
 * The table has bytes, the nodes have pages: a page belongs to the range of
 * its first byte. So both ends are rounded up, and adjacent ranges stay
 * adjacent.
 *
 * A SLIT is used for all nodes that exist or for none, since distances from
 * two sources cannot be compared. Its two directions may differ. The order of
 * a node does not have the nodes that it cannot reach; make_row in
 * kernel/memory/frame_setup.c appends those.
 */
#include "numa.h"

#include <base/assert.h>
#include <base/bits.h>
#include <base/bytes.h>
#include <base/sort.h>

#include "acpi.h"
#include "numa_internal.h"

/* Offsets in the SLIT. */
#define SLIT_COUNT	36
#define SLIT_MATRIX	44

/* Ranges that the kernel cannot count on. */
#define NOT_YET		(NUMA_HOTPLUG | NUMA_NONVOLATILE)

enum range_sort {
	RANGE_THERE,
	RANGE_NOT_YET,
};

/*
 * Cutting around the ranges that win adds at most one part for each of them.
 * So there are at most twice as many ranges as in the table.
 */
#define PARTS_PER_RANGE 2

static size_t shape_bytes(const struct srat_shape *shape)
{
	size_t ranges = (1 + PARTS_PER_RANGE) * shape->ranges;

	return ranges * sizeof(struct numa_range) +
	       shape->nodes * sizeof(struct numa_node) +
	       shape->cpus * sizeof(struct numa_cpu) +
	       2 * shape->nodes * shape->nodes;
}

size_t numa_memory_bytes(const struct numa_tables *tables)
{
	struct srat_shape shape = srat_shape(tables);

	return shape_bytes(&shape);
}

/* Ordered by alignment, the largest first. */
static void carve(struct numa *numa, const struct srat_shape *shape,
		  void *memory)
{
	numa->listed = memory;
	numa->ranges = numa->listed + shape->ranges;
	numa->nodes = (void *)(numa->ranges + PARTS_PER_RANGE * shape->ranges);
	numa->cpus = (void *)(numa->nodes + shape->nodes);
	numa->distances = (void *)(numa->cpus + shape->cpus);
	numa->orders = numa->distances + shape->nodes * shape->nodes;
}

/* --- nodes and processors -------------------------------------------------*/

static void list_nodes(struct numa *numa, const struct numa_tables *tables,
		       size_t count)
{
	uint64_t from = 0;
	uint32_t domain = 0;

	numa->node_count = count;
	for (size_t i = 0; i < count; i++) {
		bool found = numa->srat != ST_OK ||
			     srat_find_domain(tables, from, &domain);

		ASSERT(found);
		numa->nodes[i] = (struct numa_node){ .domain = domain };
		from = domain + 1UL;
	}
}

static uint32_t node_of_domain(const struct numa *numa, uint32_t domain)
{
	uint32_t low = 0, high = (uint32_t)numa->node_count;

	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (numa->nodes[middle].domain <= domain)
			low = middle;
		else
			high = middle;
	}
	ASSERT(numa->nodes[low].domain == domain);
	return low;
}

static void take_affinities(struct numa *numa,
			    const struct numa_tables *tables)
{
	struct srat_reader reader = srat_begin(tables);
	struct affinity affinity;
	uint32_t place = 0;

	for (; srat_next(&reader, &affinity); place++) {
		uint32_t node = node_of_domain(numa, affinity.domain);

		if (affinity.kind == AFFINITY_CPU)
			numa->cpus[numa->cpu_count++] = (struct numa_cpu){
				affinity.apic, node, place
			};
		else
			numa->listed[numa->listed_count++] =
				(struct numa_range){
					{ affinity.start }, { affinity.end },
					node, affinity.flags
				};
	}
	numa->srat_cut_short = reader.entries.cut_short;
}

static bool cpu_before(const void *a, const void *b)
{
	const struct numa_cpu *one = a, *other = b;

	return one->apic != other->apic ? one->apic < other->apic
					: one->place < other->place;
}

/* A processor that is listed twice belongs to the node of its first entry. */
static void settle_cpus(struct numa *numa)
{
	size_t used = 0;

	sort(numa->cpus, numa->cpu_count, sizeof(numa->cpus[0]), cpu_before);
	for (size_t i = 0; i < numa->cpu_count; i++) {
		const struct numa_cpu *cpu = &numa->cpus[i];

		if (used > 0 && numa->cpus[used - 1].apic == cpu->apic)
			continue;
		numa->nodes[cpu->node].cpus++;
		numa->cpus[used++] = *cpu;
	}
	numa->cpu_count = used;
}

/* --- ranges ---------------------------------------------------------------*/

static enum range_sort sort_of(const struct numa_range *range)
{
	return range->flags & NOT_YET ? RANGE_NOT_YET : RANGE_THERE;
}

static bool range_before(const void *a, const void *b)
{
	const struct numa_range *one = a, *other = b;

	if (one->start.raw != other->start.raw)
		return one->start.raw < other->start.raw;
	if (one->node != other->node)
		return one->node < other->node;
	if (one->end.raw != other->end.raw)
		return one->end.raw < other->end.raw;
	return one->flags < other->flags;
}

static void add_part(struct numa *numa, const struct numa_range *like,
		     uint64_t start, uint64_t end)
{
	struct numa_range part = *like;

	part.start.raw = start;
	part.end.raw = end;
	ASSERT(numa->range_count < PARTS_PER_RANGE * numa->listed_count);
	numa->ranges[numa->range_count++] = part;
}

/*
 * The ranges that win: ranges[next..count), ascending and disjoint. Ranges are
 * added in ascending order, so those before `next` end before all ranges still
 * to be added.
 */
struct obstacles {
	size_t next, count;
};

static void add_around(struct numa *numa, const struct numa_range *like,
		       struct obstacles *firm)
{
	const struct numa_range *ranges = numa->ranges;
	uint64_t start = like->start.raw, end = like->end.raw;

	while (firm->next < firm->count && ranges[firm->next].end.raw <= start)
		firm->next++;
	for (size_t i = firm->next; i < firm->count && start < end; i++) {
		uint64_t stop = min_u64(ranges[i].start.raw, end);

		if (stop > start)
			add_part(numa, like, start, stop);
		start = ranges[i].end.raw;
	}
	if (start < end)
		add_part(numa, like, start, end);
}

/* Adds the ranges of one sort, in pages, around those added before. */
static void add_ranges(struct numa *numa, enum range_sort wanted)
{
	struct obstacles firm = { .count = numa->range_count };
	uint64_t covered = 0;

	for (size_t i = 0; i < numa->listed_count; i++) {
		struct numa_range range = numa->listed[i];
		uint64_t start = align_up(range.start.raw, PAGE_SIZE);

		range.start.raw = max_u64(start, covered);
		range.end.raw = align_up(range.end.raw, PAGE_SIZE);
		if (sort_of(&range) != wanted ||
		    range.start.raw >= range.end.raw)
			continue;
		covered = range.end.raw;
		add_around(numa, &range, &firm);
	}
}

static bool goes_on(const struct numa_range *range,
		    const struct numa_range *next)
{
	return range->end.raw == next->start.raw &&
	       range->node == next->node && range->flags == next->flags;
}

static void join_ranges(struct numa *numa)
{
	struct numa_range *ranges = numa->ranges;
	size_t used = 0;

	for (size_t i = 0; i < numa->range_count; i++) {
		if (used > 0 && goes_on(&ranges[used - 1], &ranges[i]))
			ranges[used - 1].end = ranges[i].end;
		else
			ranges[used++] = ranges[i];
	}
	numa->range_count = used;
}

static void settle_ranges(struct numa *numa)
{
	sort(numa->listed, numa->listed_count, sizeof(numa->listed[0]),
	     range_before);
	add_ranges(numa, RANGE_THERE);
	add_ranges(numa, RANGE_NOT_YET);
	sort(numa->ranges, numa->range_count, sizeof(numa->ranges[0]),
	     range_before);
	join_ranges(numa);
	for (size_t i = 0; i < numa->range_count; i++) {
		const struct numa_range *range = &numa->ranges[i];
		uint64_t bytes = range->end.raw - range->start.raw;

		if (sort_of(range) == RANGE_THERE)
			numa->nodes[range->node].pages += bytes >> PAGE_SHIFT;
	}
}

/* --- distances ------------------------------------------------------------*/

static enum status take_slit(struct numa *numa,
			     const struct numa_tables *tables)
{
	const struct numa_node *nodes = numa->nodes;
	size_t count = numa->node_count;
	uint64_t rows, cells;

	if (tables->slit == NULL)
		return ST_NOT_FOUND;
	if (tables->slit_bytes < SLIT_MATRIX ||
	    !acpi_table_is_good(tables->slit, tables->slit_bytes, "SLIT"))
		return ST_CORRUPT;
	rows = get64(tables->slit, SLIT_COUNT);
	if (__builtin_mul_overflow(rows, rows, &cells) ||
	    cells > tables->slit_bytes - SLIT_MATRIX)
		return ST_CORRUPT;
	if (nodes[count - 1].domain >= rows)
		return ST_UNSUPPORTED;
	for (size_t i = 0; i < count * count; i++) {
		uint64_t from = nodes[i / count].domain;
		uint64_t to = nodes[i % count].domain;
		uint8_t value = get8(tables->slit,
				     SLIT_MATRIX + from * rows + to);

		if (from == to ? value != NUMA_LOCAL : value < NUMA_LOCAL)
			return ST_CORRUPT;
		numa->distances[i] = value;
	}
	return ST_OK;
}

static void guess_distances(struct numa *numa)
{
	size_t count = numa->node_count;

	for (size_t i = 0; i < count * count; i++)
		numa->distances[i] = i / count == i % count ? NUMA_LOCAL
							    : NUMA_REMOTE;
}

/*
 * Sorts by insertion, from the lowest node on: equally near nodes stay in
 * ascending order. Nodes out of reach are left out; see make_row in
 * kernel/memory/frame_setup.c.
 */
static void order_from(struct numa *numa, size_t from)
{
	const uint8_t *row = &numa->distances[from * numa->node_count];
	uint8_t *order = &numa->orders[from * numa->node_count];
	uint32_t count = 1;

	order[0] = (uint8_t)from;
	for (size_t to = 0; to < numa->node_count; to++) {
		uint32_t hole = count;

		if (to == from || row[to] == NUMA_UNREACHABLE)
			continue;
		for (; hole > 1 && row[order[hole - 1]] > row[to]; hole--)
			order[hole] = order[hole - 1];
		order[hole] = (uint8_t)to;
		count++;
	}
	numa->nodes[from].reachable = count;
}

enum status numa_build(struct numa *out, const struct numa_request *request)
{
	const struct numa_tables *tables = &request->tables;
	struct srat_shape shape = srat_shape(tables);

	*out = (struct numa){
		.srat = shape.status,
		.left_out = shape.left_out,
		.cut = shape.cut,
	};
	if (request->memory_bytes < shape_bytes(&shape))
		return ST_FULL;
	ASSERT(is_aligned((uintptr_t)request->memory, sizeof(uint64_t)));
	carve(out, &shape, request->memory);
	list_nodes(out, tables, shape.nodes);
	if (out->srat == ST_OK)
		take_affinities(out, tables);
	settle_cpus(out);
	settle_ranges(out);
	out->slit = take_slit(out, tables);
	if (out->slit != ST_OK)
		guess_distances(out);
	for (size_t node = 0; node < out->node_count; node++)
		order_from(out, node);
	return ST_OK;
}
