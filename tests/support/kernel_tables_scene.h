/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * kernel_tables_scene.h - requests for mm/table/kernel_tables.c, and a reader
 * of the tables that it builds.
 *
 * The tables are read back twice: leaf by leaf (each must be as the contract
 * states, and none could be larger), then address by address as a processor
 * walks. Leaves are disjoint, so sums show that none is missing.
 */
#ifndef TESTS_KERNEL_TABLES_SCENE_H
#define TESTS_KERNEL_TABLES_SCENE_H

#include <base/bits.h>
#include <boot/layout.h>
#include <mm/early.h>

#include "check.h"
#include <mm/kernel_tables.h>
#include "table_world.h"

#define REGIONS_MAX	1024
#define POOL_FIRST	0x12345UL	/* frame; anywhere                   */
#define BITS		46
#define ANY_FEATURES	(CPU_NX | CPU_PAGE_1G)

struct extent {
	uint64_t start, end;
};

struct scene {
	struct region regions[REGIONS_MAX];
	struct region_list list;
	struct handover_segment segments[3];
	struct machine_facts machine;
	struct tables_request request;
	struct extent runs[REGIONS_MAX]; /* the mapped runs, joined */
	size_t run_count;
};

/* --- the facts ------------------------------------------------------------*/

static void add(struct scene *scene, uint64_t start, uint64_t end,
		enum region_kind kind)
{
	scene->regions[scene->list.count++] =
		(struct region){ { start }, { end }, kind };
}

/* A kernel in one block of three times 2 MiB at `phys`, nothing else. */
static void scene_start(struct scene *scene, uint64_t phys, uint32_t features)
{
	static const uint32_t rights[] = {
		SEGMENT_READ | SEGMENT_EXECUTE, SEGMENT_READ,
		SEGMENT_READ | SEGMENT_WRITE,
	};

	*scene = (struct scene){
		.machine.cpu = { .features = features, .physical_bits = BITS },
		.machine.mtrr.physical_bits = BITS,
		.request = { .segment_count = 3, .boot_stack = { 0x300000 },
			     .switch_page = { 0x3ff000 } },
	};
	scene->list.items = scene->regions;
	scene->list.capacity = REGIONS_MAX;
	scene->request.regions = &scene->list;
	scene->request.segments = scene->segments;
	scene->request.machine = &scene->machine;
	for (unsigned i = 0; i < 3; i++)
		scene->segments[i] = (struct handover_segment){
			.phys = { phys + i * SIZE_2M },
			.virt = { KERNEL_BASE + i * 64 * MIB },
			.bytes = SIZE_2M,
			.used_bytes = SIZE_2M,
			.rights = rights[i],
		};
}

/* The main regions of a machine with `bytes` of RAM. */
static void scene_machine(struct scene *scene, uint64_t bytes,
			  uint32_t features)
{
	scene_start(scene, 16 * MIB, features);
	add(scene, 64 * KIB, 0x9f000, REGION_LOW);
	if (bytes <= 2 * GIB) {
		add(scene, MIB, bytes, REGION_FREE);
		return;
	}
	add(scene, MIB, 2 * GIB, REGION_FREE);
	add(scene, 4 * GIB, bytes + 2 * GIB, REGION_FREE);
}

static void mtrr_add(struct scene *scene, struct extent where,
		     enum memtype type)
{
	struct mtrr_state *mtrr = &scene->machine.mtrr;
	size_t i = mtrr->capabilities++ & 0xff;
	uint64_t mask = ~(where.end - where.start - 1) & ((1UL << BITS) - 1);

	mtrr->variable[i].base = where.start | type;
	mtrr->variable[i].mask = mask | 1 << 11;
}

/* All write-back, the video hole by the fixed registers. */
static void mtrr_start(struct scene *scene, enum memtype otherwise)
{
	struct mtrr_state *mtrr = &scene->machine.mtrr;

	mtrr->present = true;
	mtrr->capabilities = 1 << 8;
	mtrr->default_type = 3 << 10 | otherwise;
	for (unsigned i = 0; i < MTRR_FIXED_COUNT; i++)
		mtrr->fixed[i] = i == 2 ? 0 : 0x0606060606060606;
}

static bool is_one_type(const struct scene *scene, uint64_t start,
			uint64_t end)
{
	return memtype_of_range(&scene->machine.mtrr, (paddr_t){ start },
				(paddr_t){ end }) != MEMTYPE_MIXED;
}

static void join_runs(struct scene *scene)
{
	struct extent *last = NULL;

	scene->run_count = 0;
	for (size_t i = 0; i < scene->list.count; i++) {
		struct region *region = &scene->regions[i];
		uint64_t end = region->end.raw;

		if (region->kind == REGION_ACPI &&
		    end - region->start.raw > GIB)
			continue;	/* no such tables are that long */
		if (region->kind == REGION_ACPI)
			end = min_u64(end, 1UL << BITS);
		else if (region->kind > REGION_LATER)
			continue;
		if (last != NULL && last->end == region->start.raw) {
			last->end = end;
		} else if (region->start.raw < end) {
			last = &scene->runs[scene->run_count++];
			*last = (struct extent){ region->start.raw, end };
		}
	}
}

static const struct extent *run_of(const struct scene *scene, uint64_t phys)
{
	for (size_t i = 0; i < scene->run_count; i++)
		if (phys >= scene->runs[i].start && phys < scene->runs[i].end)
			return &scene->runs[i];
	return NULL;
}

static bool is_low(const struct scene *scene, uint64_t phys)
{
	for (size_t i = 0; i < scene->list.count; i++)
		if (scene->regions[i].kind == REGION_LOW &&
		    phys >= scene->regions[i].start.raw &&
		    phys < scene->regions[i].end.raw)
			return true;
	return false;
}

/* The first read-only segment that has a byte of [start..end), or NULL. */
static const struct handover_segment *
constant_in(const struct scene *scene, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < scene->request.segment_count; i++) {
		const struct handover_segment *segment = &scene->segments[i];

		if (!(segment->rights & SEGMENT_WRITE) &&
		    segment->phys.raw < end &&
		    start < segment->phys.raw + segment->bytes)
			return segment;
	}
	return NULL;
}

/* True when [start..end) is all inside or all outside read-only segments. */
static bool is_of_one_right(const struct scene *scene, uint64_t start,
			    uint64_t end)
{
	const struct handover_segment *segment = constant_in(scene, start,
							     end);

	return segment == NULL ||
	       (segment->phys.raw <= start &&
		end <= segment->phys.raw + segment->bytes);
}

/* --- the reading back -----------------------------------------------------*/

static struct built {
	struct table table;
	struct early pool;
	void *memory;
	uint64_t pages;
	struct table_world world;	/* for its walker                    */
} built;

/* A table from a pool of `pages` pages, as the loader has it. */
static enum status build(struct scene *scene, uint64_t pages)
{
	struct frame_run run = { { POOL_FIRST }, pages };
	struct table_features features = tables_features(&scene->machine.cpu);
	struct window window;
	enum status status;

	join_runs(scene);
	built.pages = pages;
	built.memory = aligned_alloc(PAGE_SIZE, pages * PAGE_SIZE);
	window.offset = (uint64_t)(uintptr_t)built.memory -
			POOL_FIRST * PAGE_SIZE;
	CHECK(early_init(&built.pool, window, &run, 1) == ST_OK);
	CHECK(table_init(&built.table, window, &built.pool.source,
			 &features) == ST_OK);
	status = tables_build(&built.table, &scene->request);
	built.world.source.window = window;
	built.world.table = built.table;
	return status;
}

static void tear_down(void)
{
	table_destroy(&built.table);
	CHECK(built.pool.free_frames == built.pages);
	free(built.memory);
}

static uint64_t leaf_bytes_at(uint64_t virt)
{
	struct table_leaf leaf;

	if (table_query(&built.table, (vaddr_t){ virt }, &leaf) != ST_OK)
		return 0;
	return leaf.bytes;
}

static uint64_t direct_leaf(uint64_t phys)
{
	return leaf_bytes_at(DIRECT_MAP_OFFSET + phys);
}

struct reading {
	const struct scene *scene;
	uint64_t direct, kernel, stack, identity;	/* bytes seen */
	const char *wrong;
};

static bool could_be_larger(const struct scene *scene,
			    const struct table_leaf *leaf)
{
	bool page_1g = scene->machine.cpu.features & CPU_PAGE_1G;
	uint64_t start = leaf->phys.raw;
	uint64_t larger = leaf->bytes == PAGE_SIZE ? SIZE_2M : SIZE_1G;

	if (leaf->bytes == SIZE_1G || (larger == SIZE_1G && !page_1g))
		return false;
	return start >= SIZE_2M && is_aligned(start, larger) &&
	       start + larger <= run_of(scene, start)->end &&
	       is_of_one_right(scene, start, start + larger) &&
	       is_one_type(scene, start, start + larger);
}

static const char *wrong_direct(const struct scene *scene,
				const struct table_leaf *leaf, unsigned rights)
{
	uint64_t start = leaf->phys.raw, end = start + leaf->bytes;
	const struct extent *run = run_of(scene, start);
	bool constant = constant_in(scene, start, end) != NULL;

	if (leaf->virt.raw != start + DIRECT_MAP_OFFSET)
		return "direct map that is not phys + offset";
	if (run == NULL || end > run->end)
		return "direct map of what is no memory";
	if (!is_of_one_right(scene, start, end))
		return "a leaf half over text or rodata";
	if (rights != (TABLE_GLOBAL | (constant ? 0 : TABLE_WRITE)))
		return "direct map with wrong rights";
	if (leaf->bytes > PAGE_SIZE && start < SIZE_2M)
		return "a large leaf in the first 2 MiB";
	if (leaf->bytes > PAGE_SIZE && !is_one_type(scene, start, end))
		return "a large leaf over two memory types";
	if (could_be_larger(scene, leaf))
		return "a leaf that could be larger";
	return NULL;
}

static const char *wrong_kernel(const struct scene *scene,
				const struct table_leaf *leaf, unsigned rights)
{
	const struct handover_segment *segment = scene->segments;
	uint64_t block = align_down(leaf->virt.raw, SIZE_2M);
	unsigned wanted = TABLE_GLOBAL;
	bool large;

	while (leaf->virt.raw - segment->virt.raw >= segment->bytes)
		if (++segment == scene->segments + 3)
			return "kernel area without a segment";
	if (leaf->phys.raw - segment->phys.raw !=
	    leaf->virt.raw - segment->virt.raw)
		return "a segment's page elsewhere";
	if (segment->rights & SEGMENT_WRITE)
		wanted |= TABLE_WRITE;
	/* Without NX every page is executable; the bit is ignored. */
	if (scene->machine.cpu.features & CPU_NX &&
	    segment->rights & SEGMENT_EXECUTE)
		wanted |= TABLE_EXECUTE;
	if (rights != wanted)
		return "a segment with wrong rights";
	large = is_aligned(segment->phys.raw ^ segment->virt.raw, SIZE_2M) &&
		block + SIZE_2M <= segment->virt.raw + segment->bytes &&
		is_one_type(scene, segment->phys.raw,
			    segment->phys.raw + segment->bytes);
	return leaf->bytes == (large ? SIZE_2M : PAGE_SIZE) ? NULL :
		"a segment in pages of the wrong size";
}

static const char *wrong_identity(const struct scene *scene,
				  const struct table_leaf *leaf,
				  unsigned rights)
{
	unsigned execute = scene->machine.cpu.features & CPU_NX ?
				   TABLE_EXECUTE : 0;

	if (leaf->virt.raw != leaf->phys.raw || leaf->bytes != PAGE_SIZE)
		return "identity map that is none";
	if (leaf->phys.raw == scene->request.switch_page.raw)
		return rights == execute ? NULL : "switch page not RX";
	if (!is_low(scene, leaf->phys.raw))
		return "identity map of more than low";
	return rights == TABLE_WRITE ? NULL : "low not RW";
}

static const char *wrong_stack(const struct scene *scene,
			       const struct table_leaf *leaf, unsigned rights)
{
	uint64_t start = STACKS_START + STACK_SLOT_BYTES - PAGE_SIZE -
			 STACK_BYTES;

	if (leaf->virt.raw - start >= STACK_BYTES || leaf->bytes != PAGE_SIZE)
		return "something beside the stack";
	if (leaf->phys.raw - scene->request.boot_stack.raw !=
	    leaf->virt.raw - start)
		return "a stack page elsewhere";
	return rights == (TABLE_WRITE | TABLE_GLOBAL) ? NULL : "stack not RW";
}

static bool read_leaf(void *context, const struct table_leaf *leaf)
{
	struct reading *reading = context;
	const struct scene *scene = reading->scene;
	bool has_nx = scene->machine.cpu.features & CPU_NX;
	unsigned rights = leaf->rights & ~(has_nx ? 0U : TABLE_EXECUTE);
	const char *wrong;

	if (leaf->virt.raw < USER_END) {
		wrong = wrong_identity(scene, leaf, rights);
		reading->identity += leaf->bytes;
	} else if (leaf->virt.raw < DIRECT_MAP_END) {
		wrong = wrong_direct(scene, leaf, rights);
		reading->direct += leaf->bytes;
	} else if (leaf->virt.raw < KERNEL_BASE) {
		wrong = wrong_stack(scene, leaf, rights);
		reading->stack += leaf->bytes;
	} else {
		wrong = wrong_kernel(scene, leaf, rights);
		reading->kernel += leaf->bytes;
	}
	if (wrong == NULL && leaf->cache != CACHE_WRITE_BACK)
		wrong = "a leaf that is not write-back";
	reading->wrong = wrong;
	return wrong == NULL;
}

static const char *wrong_sums(const struct reading *reading)
{
	const struct scene *scene = reading->scene;
	uint64_t switch_page = scene->request.switch_page.raw;
	uint64_t direct = 0, kernel = 0, low = 0;

	for (size_t i = 0; i < scene->run_count; i++)
		direct += scene->runs[i].end - scene->runs[i].start;
	for (size_t i = 0; i < 3; i++)
		kernel += scene->segments[i].bytes;
	for (size_t i = 0; i < scene->list.count; i++)
		if (scene->regions[i].kind == REGION_LOW)
			low += scene->regions[i].end.raw -
			       scene->regions[i].start.raw;
	if (reading->direct != direct)
		return "direct map not whole";
	if (reading->kernel != kernel)
		return "kernel not whole";
	if (reading->stack != STACK_BYTES)
		return "stack not whole";
	return reading->identity ==
		low + (is_low(scene, switch_page) ? 0 : PAGE_SIZE) ?
		NULL : "identity map not whole";
}

/* As the processor sees the direct map at one address. */
static bool probe_agrees(const struct scene *scene, uint64_t phys)
{
	struct translation seen = world_translate(&built.world,
						  DIRECT_MAP_OFFSET + phys);

	if (run_of(scene, phys) == NULL || phys >= DIRECT_MAP_BYTES)
		return !seen.present || phys >= DIRECT_MAP_BYTES;
	return seen.present && seen.phys == phys &&
	       !(seen.rights & TABLE_USER) &&
	       !(seen.rights & TABLE_WRITE) ==
		       (constant_in(scene, phys, phys + 1) != NULL);
}

static bool probes_agree(const struct scene *scene)
{
	bool agree = true;

	for (size_t i = 0; i < scene->run_count; i++) {
		const struct extent *run = &scene->runs[i];

		agree = agree && probe_agrees(scene, run->start - 1) &&
			probe_agrees(scene, run->start) &&
			probe_agrees(scene, run->end - 1) &&
			probe_agrees(scene, run->end);
	}
	for (size_t i = 0; i < 3; i++) {
		const struct handover_segment *segment = &scene->segments[i];
		uint64_t end = segment->phys.raw + segment->bytes;

		agree = agree && probe_agrees(scene, segment->phys.raw - 1) &&
			probe_agrees(scene, segment->phys.raw) &&
			probe_agrees(scene, end - 1) &&
			probe_agrees(scene, end);
	}
	return agree;
}

/* NULL, or the error in the tables that were built. */
static const char *read_back(const struct scene *scene)
{
	struct reading reading = { .scene = scene };

	if (!table_audit(&built.table))
		return "the table's own invariants";
	/* The pages that the loader reports as owned: a prefix of the pool. */
	if (built.pool.run_count > 1 ||
	    built.pool.free_frames + built.table.table_pages != built.pages ||
	    (built.pool.run_count == 1 &&
	     built.pool.head.raw != POOL_FIRST + built.table.table_pages) ||
	    built.table.root.raw != POOL_FIRST)
		return "table pages that are no prefix of the pool";
	table_visit(&built.table, read_leaf, &reading);
	if (reading.wrong == NULL)
		reading.wrong = wrong_sums(&reading);
	if (reading.wrong == NULL && !probes_agree(scene))
		reading.wrong = "a processor would disagree";
	return reading.wrong;
}

static bool tables_are_right(struct scene *scene, uint64_t pages,
			     const char *name)
{
	enum status status = build(scene, pages);
	const char *wrong = status == ST_OK ? read_back(scene) :
					      status_text(status);

	if (wrong != NULL)
		printf("# %s: %s\n", name, wrong);
	tear_down();
	return wrong == NULL;
}

#define CHECK_SCENE(scene, name)					\
	CHECK(tables_are_right(scene,					\
			       tables_pages_bound(&(scene)->request, 0), name))

#endif
