// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The regions are walked once. Adjacent regions of mappable kinds are joined
 * first, so a hundred fragments of the firmware become a few runs with large
 * leaves. A run is then cut where rights change (text, rodata), at 2 MiB
 * (below it only small pages) and, if its MTRR type changes inside, block by
 * block.
 */
#include <mm/kernel_tables.h>

#include <base/assert.h>
#include <base/bits.h>
#include <boot/layout.h>

/* Root; image 2 and those of its segments; stack 3; identity at two places. */
#define FIXED_TABLES	16
#define SLOT_512G	(512 * GIB)

_Static_assert(TABLES_ACPI_LIMIT <= SIZE_1G, "two blocks of each size at most");
_Static_assert(STACK_BYTES % PAGE_SIZE == 0, "P4: the stack is whole pages");
_Static_assert(LOW_END <= SIZE_2M, "P5: low memory has 4 KiB pages");

/*
 * The direct map ends at the processor's limit. A firmware that declares
 * gigabytes as ACPI tables (the largest known have two MiB) would cost many
 * page tables; the kernel maps such tables one at a time in the fixmap.
 */
static uint64_t acpi_bytes(const struct region *region, unsigned bits)
{
	uint64_t bytes = region->end.raw - region->start.raw;
	uint64_t limit = DIRECT_MAP_BYTES;

	if (bits != 0 && bits <= 52)
		limit = min_u64(limit, 1UL << bits);
	if (region->start.raw >= limit || bytes > TABLES_ACPI_LIMIT)
		return 0;
	return min_u64(bytes, limit - region->start.raw);
}

uint64_t tables_direct_bytes(const struct region *region,
			     unsigned physical_bits)
{
	switch (region->kind) {
	case REGION_FREE:
	case REGION_LATER:
	case REGION_LOW:
		return region->end.raw - region->start.raw;
	case REGION_ACPI:
		/* The firmware may declare any address as ACPI tables. */
		return acpi_bytes(region, physical_bits);
	default:
		return 0;
	}
}

/* The part of region `index` in the direct map; false when it is empty. */
static bool mapped_part(const struct tables_request *request, size_t index,
			struct region *out)
{
	uint64_t bytes;

	*out = request->regions->items[index];
	bytes = tables_direct_bytes(out, request->machine->cpu.physical_bits);
	out->end.raw = out->start.raw + bytes;
	return bytes > 0;
}

/* The next joined run at or after `*index`; false when there is none. */
static bool next_run(const struct tables_request *request, size_t *index,
		     struct region *run)
{
	size_t count = request->regions->count;
	struct region part;

	while (*index < count && !mapped_part(request, *index, run))
		(*index)++;
	if (*index == count)
		return false;
	while (++*index < count && mapped_part(request, *index, &part) &&
	       part.start.raw == run->end.raw)
		run->end = part.end;
	return true;
}

static bool is_one_type(const struct tables_request *request, uint64_t start,
			uint64_t end)
{
	return memtype_of_range(&request->machine->mtrr, (paddr_t){ start },
				(paddr_t){ end }) != MEMTYPE_MIXED;
}

/* The end of the block of `size` that holds `at`, at most `end`. */
static uint64_t block_end(uint64_t at, uint64_t size, uint64_t end)
{
	return min_u64(align_down(at, size) + size, end);
}

static uint64_t mixed_2m_blocks(const struct tables_request *request,
				uint64_t start, uint64_t end)
{
	uint64_t blocks = 0;
	uint64_t stop;

	for (uint64_t at = start; at < end; at = stop) {
		stop = block_end(at, SIZE_2M, end);
		blocks += !is_one_type(request, at, stop);
	}
	return blocks;
}

/* The tables that a run needs where its type changes inside a block. */
static uint64_t tables_for_types(const struct tables_request *request,
				 const struct region *run)
{
	uint64_t tables = 0;
	uint64_t stop;

	if (is_one_type(request, run->start.raw, run->end.raw))
		return 0;
	for (uint64_t at = run->start.raw; at < run->end.raw; at = stop) {
		stop = block_end(at, SIZE_1G, run->end.raw);
		if (!is_one_type(request, at, stop))
			tables += 1 + mixed_2m_blocks(request, at, stop);
	}
	return tables;
}

/*
 * The number of tables so far. Runs ascend, so only the last slot of each size
 * is remembered.
 */
struct tables_count {
	uint64_t pages;
	uint64_t next_512g, next_1g;	/* lower slots are counted           */
	uint64_t shared_1g, shared_2m;	/* slot with a counted table         */
};

/* The number of slots that the run touches and no earlier run did. */
static uint64_t new_slots(const struct region *run, uint64_t slot,
			  uint64_t *next)
{
	uint64_t first = max_u64(run->start.raw / slot, *next);

	*next = (run->end.raw - 1) / slot + 1;
	return *next - min_u64(first, *next);
}

/*
 * The tables for the two ends of a run, each inside a block. The run may
 * shrink later, but only inside itself: if it lies in one block, its ends stay
 * in that block, as do those of other runs in it.
 */
static uint64_t tables_for_ends(const struct region *run, uint64_t block,
				uint64_t *shared)
{
	uint64_t first = run->start.raw / block;

	if (first != (run->end.raw - 1) / block)
		return 2;
	if (first == *shared)
		return 0;
	*shared = first;
	return 1;
}

static void count_run(const struct tables_request *request,
		      const struct region *run, struct tables_count *count)
{
	/* R1, R3: runs ascend and are not empty. */
	ASSERT(run->start.raw < run->end.raw);
	count->pages += new_slots(run, SLOT_512G, &count->next_512g);
	if (request->machine->cpu.features & CPU_PAGE_1G)
		count->pages += tables_for_ends(run, SIZE_1G,
						&count->shared_1g);
	else
		count->pages += new_slots(run, SIZE_1G, &count->next_1g);
	count->pages += tables_for_ends(run, SIZE_2M, &count->shared_2m);
	count->pages += tables_for_types(request, run);
}

/*
 * A block of 2 MiB or 1 GiB that is no leaf needs a table: a run or its rights
 * begin or end inside, or its type changes there. Each change of rights is
 * counted as if it were alone in its blocks, and each block of mixed types by
 * itself, so no map and no MTRRs need more.
 */
uint64_t tables_pages_bound(const struct tables_request *request,
			    uint64_t slack)
{
	/* The end of small pages, the changes of rights, the later runs. */
	uint64_t edges = 1 + 2 * request->segment_count + 2 * slack;
	struct tables_count count = {
		/* For each edge one table of 2 MiB and one of 4 KiB leaves;
		   a later run may also be the first in its 512 GiB. */
		.pages = FIXED_TABLES + 2 * edges + 2 * slack,
		.shared_1g = UINT64_MAX,
		.shared_2m = UINT64_MAX,
	};
	struct region run;
	size_t index = 0;

	while (next_run(request, &index, &run))
		count_run(request, &run, &count);
	for (size_t i = 0; i < request->segment_count; i++)
		count.pages += request->segments[i].bytes / SIZE_2M + 2;
	return count.pages;
}

static enum status map_direct(struct table *table, struct region run,
			      unsigned rights, uint64_t largest_leaf)
{
	return table_map(table, &(struct table_mapping){
		.virt = direct_map(run.start),
		.phys = run.start,
		.bytes = run.end.raw - run.start.raw,
		.rights = rights | TABLE_GLOBAL,
		.largest_leaf = largest_leaf,
	});
}

/*
 * The longest range from `at` that one table_map may cover: a GiB or 2 MiB
 * block of one type, else one page.
 */
static uint64_t uniform_leaf(const struct tables_request *request, uint64_t at,
			     uint64_t end)
{
	static const uint64_t sizes[] = { SIZE_1G, SIZE_2M };

	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
		if (is_aligned(at, sizes[i]) && end - at >= sizes[i] &&
		    is_one_type(request, at, at + sizes[i]))
			return sizes[i];
	return PAGE_SIZE;
}

static enum status map_mixed(struct table *table,
			     const struct tables_request *request,
			     struct region run, unsigned rights)
{
	uint64_t at = run.start.raw;

	while (at < run.end.raw) {
		uint64_t leaf = uniform_leaf(request, at, run.end.raw);
		struct region block = { { at }, { at + leaf }, run.kind };
		enum status status;

		ASSERT(leaf <= run.end.raw - at);	/* R5 */
		status = map_direct(table, block, rights, leaf);
		if (status != ST_OK)
			return status;
		at += leaf;
	}
	return ST_OK;
}

/*
 * The next address at which the rights of the direct map change, and the
 * rights before it.
 */
static uint64_t next_cut(const struct tables_request *request, uint64_t at,
			 uint64_t end, unsigned *rights)
{
	*rights = TABLE_WRITE;
	if (at < SIZE_2M)
		end = min_u64(end, SIZE_2M);
	for (size_t i = 0; i < request->segment_count; i++) {
		const struct handover_segment *segment = &request->segments[i];
		uint64_t segment_end = segment->phys.raw + segment->bytes;

		if (segment->rights & SEGMENT_WRITE)
			continue;
		if (at < segment->phys.raw) {
			end = min_u64(end, segment->phys.raw);
		} else if (at < segment_end) {
			end = min_u64(end, segment_end);
			*rights = TABLE_READ;
		}
	}
	return end;
}

static enum status map_run(struct table *table,
			   const struct tables_request *request,
			   struct region run)
{
	uint64_t at = run.start.raw;

	while (at < run.end.raw) {
		unsigned rights;
		uint64_t cut = next_cut(request, at, run.end.raw, &rights);
		struct region part = { { at }, { cut }, run.kind };
		enum status status;

		ASSERT(cut > at);
		if (cut <= SIZE_2M)
			status = map_direct(table, part, rights, PAGE_SIZE);
		else if (is_one_type(request, at, cut))
			status = map_direct(table, part, rights, SIZE_1G);
		else
			status = map_mixed(table, request, part, rights);
		if (status != ST_OK)
			return status;
		at = cut;
	}
	return ST_OK;
}

static unsigned segment_table_rights(const struct handover_segment *segment)
{
	unsigned rights = TABLE_GLOBAL;

	if (segment->rights & SEGMENT_WRITE)
		rights |= TABLE_WRITE;
	if (segment->rights & SEGMENT_EXECUTE)
		rights |= TABLE_EXECUTE;
	return rights;
}

static enum status map_kernel(struct table *table,
			      const struct tables_request *request)
{
	for (size_t i = 0; i < request->segment_count; i++) {
		const struct handover_segment *segment = &request->segments[i];
		uint64_t end = segment->phys.raw + segment->bytes;
		enum status status = table_map(table, &(struct table_mapping){
			.virt = segment->virt,
			.phys = segment->phys,
			.bytes = segment->bytes,
			.rights = segment_table_rights(segment),
			.largest_leaf = is_one_type(request, segment->phys.raw,
						    end) ? SIZE_2M : PAGE_SIZE,
		});

		if (status != ST_OK)
			return status;
	}
	return table_map(table, &(struct table_mapping){
		.virt = { stack_top(0, STACK_MAIN).raw - STACK_BYTES },
		.phys = request->boot_stack,
		.bytes = STACK_BYTES,
		.rights = TABLE_WRITE | TABLE_GLOBAL,
	});
}

/* Not global: it is unmapped later, and a CR3 load must flush it. */
static enum status map_same(struct table *table, uint64_t start, uint64_t end,
			    unsigned rights)
{
	if (start == end)
		return ST_OK;
	return table_map(table, &(struct table_mapping){
		.virt = { start },
		.phys = { start },
		.bytes = end - start,
		.rights = rights,
	});
}

static enum status map_identity(struct table *table,
				const struct tables_request *request)
{
	uint64_t hole = request->switch_page.raw;
	enum status status = map_same(table, hole, hole + PAGE_SIZE,
				      TABLE_EXECUTE);

	for (size_t i = 0; i < request->regions->count; i++) {
		struct region low = request->regions->items[i];

		if (low.kind != REGION_LOW)
			continue;
		/* The switch page may be in low memory. */
		if (status == ST_OK && hole - low.start.raw <
				       low.end.raw - low.start.raw) {
			status = map_same(table, low.start.raw, hole,
					  TABLE_WRITE);
			low.start.raw = hole + PAGE_SIZE;
		}
		if (status == ST_OK)
			status = map_same(table, low.start.raw, low.end.raw,
					  TABLE_WRITE);
	}
	return status;
}

struct table_features tables_features(const struct handover_cpu *cpu)
{
	return (struct table_features){
		.no_execute = cpu->features & CPU_NX,
		.page_1g = cpu->features & CPU_PAGE_1G,
		.physical_bits = cpu->physical_bits,
	};
}

enum status tables_build(struct table *table,
			 const struct tables_request *request)
{
	enum status status = map_kernel(table, request);
	struct region run;
	size_t index = 0;

	while (status == ST_OK && next_run(request, &index, &run))
		status = map_run(table, request, run);
	if (status == ST_OK)
		status = map_identity(table, request);
	return status;
}
