// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The bound of the pages for the first tables: enough for any later change of
 * the map, and not far too many.
 */
#include "kernel_tables_scene.h"

static struct scene scene;

static void start_machine(uint64_t bytes, uint32_t features)
{
	scene_machine(&scene, bytes, features);
}

static uint64_t below(uint64_t *seed, uint64_t limit)
{
	return check_random(seed) % limit;
}

/* --- enough ---------------------------------------------------------------*/

CASE(kernel_tables_bear_masks_for_fewer_address_bits)
{
	start_machine(300 * GIB, ANY_FEATURES);
	mtrr_start(&scene, MEMTYPE_WB);
	mtrr_add(&scene, (struct extent){ 0x70100000, 0x70200000 },
		 MEMTYPE_UC);
	/* The mask has 36 bits: the hole repeats every 64 GiB. */
	scene.machine.mtrr.variable[0].mask &= (1UL << 36) - 1;
	CHECK_SCENE(&scene, "holes every 64 GiB");
	scene.machine.mtrr.variable[0].mask &= ~0x7ffffff00000UL | 0x55500000;
	CHECK_SCENE(&scene, "holes everywhere");
}

/* Each edge in a GiB of its own, and a kernel of the largest pieces. */
CASE(kernel_tables_count_edges_that_share_nothing)
{
	for (uint64_t runs = 1; runs <= 40; runs++) {
		start_machine(GIB, ANY_FEATURES);
		for (unsigned i = 0; i < 3; i++) {
			scene.segments[i].phys.raw = TIB + i * GIB + PAGE_SIZE;
			scene.segments[i].bytes = 64 * MIB;
		}
		for (uint64_t i = 1; i <= runs; i++)
			add(&scene, i * 2 * GIB - PAGE_SIZE,
			    i * 2 * GIB + PAGE_SIZE, REGION_FREE);
		CHECK_SCENE(&scene, "share nothing");
	}
}

/* The firmware keeps some pages at an end of a region, or at both. */
static void gnaw(size_t index, uint64_t *seed)
{
	struct region *region = &scene.regions[index];
	uint64_t pages = (region->end.raw - region->start.raw) / PAGE_SIZE;
	uint64_t head = below(seed, pages);

	region->start.raw += head * PAGE_SIZE;
	region->end.raw -= below(seed, pages - head) * PAGE_SIZE;
}

/* Runs of any length, many to a block, each cut somewhere afterwards. */
CASE(kernel_tables_fit_when_every_run_has_shrunk)
{
	uint64_t seed = check_seed() ^ 0x6a77;

	for (unsigned round = 0; round < 100; round++) {
		uint64_t at = 3 * GIB, pages;

		start_machine(GIB, round % 2 ? ANY_FEATURES : CPU_NX);
		for (unsigned i = 0; i < 100; i++) {
			uint64_t bytes = (1 + below(&seed, 700)) * PAGE_SIZE;

			at += (1 + below(&seed, 50)) * PAGE_SIZE;
			if (below(&seed, 16) == 0)
				bytes += below(&seed, 3 * GIB) & ~PAGE_MASK;
			add(&scene, at, at + bytes, REGION_FREE);
			at += bytes;
		}
		pages = tables_pages_bound(&scene.request, 0);
		for (size_t i = 0; i < scene.list.count; i++)
			if (below(&seed, 4))
				gnaw(i, &seed);
		CHECK(tables_are_right(&scene, pages, "shrunk"));
	}
}

/*
 * A long run may shrink away from the small one before it, so it shares no
 * table with that.
 */
CASE(kernel_tables_fit_when_long_runs_leave_their_neighbours)
{
	uint64_t pages;

	start_machine(GIB, ANY_FEATURES);
	for (uint64_t at = 3 * GIB; at < 3 * GIB + 400 * MIB; at += 8 * MIB) {
		add(&scene, at, at + PAGE_SIZE, REGION_LATER);
		add(&scene, at + MIB, at + 5 * MIB, REGION_FREE);
	}
	pages = tables_pages_bound(&scene.request, 0);
	for (size_t i = 3; i < scene.list.count; i += 2)
		scene.regions[i].start.raw += 2 * MIB;
	CHECK(tables_are_right(&scene, pages, "withdrawn"));
}

/* Each new run is the most expensive: unaligned, across 512 GiB. */
CASE(kernel_tables_fit_the_dearest_change)
{
	for (unsigned slack = 1; slack <= 25; slack++) {
		uint64_t pages;

		start_machine(GIB, ANY_FEATURES);
		scene.request.switch_page.raw = 3 * GIB;
		pages = tables_pages_bound(&scene.request, slack);
		for (uint64_t i = 0; i < slack; i++)
			add(&scene, i * TIB + 512 * GIB - 5 * PAGE_SIZE,
			    i * TIB + 512 * GIB + 5 * PAGE_SIZE, REGION_FREE);
		CHECK(tables_are_right(&scene, pages, "dearest"));
	}
}

/* --- and not too many ----------------------------------------------------- */

/* Terabytes that are declared as ACPI tables cost no page tables. */
CASE(kernel_tables_map_no_endless_tables)
{
	static const uint64_t ends[] = { GIB + PAGE_SIZE, TIB, 1UL << 45,
					 1UL << 52 };

	for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
		start_machine(GIB, CPU_NX);
		add(&scene, 5 * GIB, 5 * GIB + ends[i], REGION_ACPI);
		CHECK(tables_pages_bound(&scene.request, 0) < 60);
		CHECK_SCENE(&scene, "endless acpi");
		CHECK(build(&scene, 100) == ST_OK);
		CHECK(direct_leaf(5 * GIB) == 0);
		tear_down();
	}
	start_machine(GIB, CPU_NX);
	add(&scene, 5 * GIB, 6 * GIB, REGION_ACPI);
	CHECK_SCENE(&scene, "as much as can be");
	CHECK(build(&scene, 100) == ST_OK);
	CHECK(direct_leaf(5 * GIB) == SIZE_2M);
	tear_down();
}

/* `count` runs of a page or two, `distance` bytes apart. */
static void add_crumbs(uint64_t start, unsigned count, uint64_t distance)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t at = start + i * distance;

		add(&scene, at, at + (1 + i % 2) * PAGE_SIZE,
		    i % 3 ? REGION_ACPI : REGION_LATER);
	}
}

/* As many tables as there are blocks, however many crumbs lie in each. */
CASE(kernel_tables_ask_for_little_where_crumbs_lie)
{
	start_machine(GIB, ANY_FEATURES);
	add_crumbs(3 * GIB, 600, 16 * PAGE_SIZE);
	CHECK(tables_pages_bound(&scene.request, 0) < 70);
	CHECK_SCENE(&scene, "600 crumbs in 38 MiB");
	scene.machine.cpu.features = CPU_NX;
	CHECK(tables_pages_bound(&scene.request, 0) < 70);
	CHECK_SCENE(&scene, "600 crumbs, no 1 GiB pages");
	start_machine(GIB, ANY_FEATURES);
	add_crumbs(3 * GIB, 500, SIZE_2M);
	CHECK(tables_pages_bound(&scene.request, 0) < 560);
	CHECK_SCENE(&scene, "500 crumbs, each in 2 MiB of its own");
	start_machine(GIB, ANY_FEATURES);
	add_crumbs(3 * GIB - PAGE_SIZE, 300, SIZE_1G);
	CHECK_SCENE(&scene, "300 crumbs across ends of blocks");
}
