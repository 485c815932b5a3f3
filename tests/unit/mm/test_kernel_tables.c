// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The kernel's first tables from requests of every kind: real maps, random
 * ones, and corner cases that were once wrong. kernel_tables_scene.h reads
 * them back.
 */
#include <dirent.h>

#include "kernel_tables_scene.h"
#include "scripts/bulldog/cursor.c"
#include "scripts/bulldog/decode.c"
#include "scripts/bulldog/map_line.c"
#include "scripts/bulldog/map_linux.c"
#include "scripts/bulldog/map_names.c"
#include "scripts/bulldog/map_rows.c"
#include "scripts/bulldog/map_text.c"

static struct scene scene;

/* --- corner cases ---------------------------------------------------------*/

static void start_machine(uint64_t bytes, uint32_t features)
{
	scene_machine(&scene, bytes, features);
}

CASE(kernel_tables_use_the_largest_pages_there_are)
{
	start_machine(8 * GIB, ANY_FEATURES);
	CHECK_SCENE(&scene, "8 GiB");
	CHECK(build(&scene, 100) == ST_OK);
	CHECK(direct_leaf(64 * KIB) == PAGE_SIZE);
	CHECK(direct_leaf(MIB) == PAGE_SIZE);
	CHECK(direct_leaf(2 * MIB) == SIZE_2M);
	CHECK(direct_leaf(GIB) == SIZE_1G);
	CHECK(direct_leaf(9 * GIB) == SIZE_1G);
	CHECK(direct_leaf(10 * GIB) == 0 && direct_leaf(2 * GIB) == 0);
	CHECK(direct_leaf(0) == 0 && direct_leaf(0x9f000) == 0);
	CHECK(leaf_bytes_at(KERNEL_BASE) == SIZE_2M);
	tear_down();
}

CASE(kernel_tables_do_without_what_the_processor_lacks)
{
	start_machine(8 * GIB, CPU_NX);
	CHECK_SCENE(&scene, "no 1 GiB pages");
	CHECK(build(&scene, 100) == ST_OK);
	CHECK(direct_leaf(9 * GIB) == SIZE_2M);
	tear_down();
	start_machine(8 * GIB, CPU_PAGE_1G);
	CHECK_SCENE(&scene, "no NX");
	start_machine(8 * GIB, 0);
	CHECK_SCENE(&scene, "neither");
}

CASE(kernel_tables_leave_guards_around_the_stack)
{
	uint64_t top = stack_top(0, STACK_MAIN).raw;

	start_machine(GIB, ANY_FEATURES);
	CHECK(build(&scene, 100) == ST_OK);
	CHECK(leaf_bytes_at(top) == 0);
	CHECK(leaf_bytes_at(top - 1) == PAGE_SIZE);
	CHECK(leaf_bytes_at(top - STACK_BYTES) == PAGE_SIZE);
	CHECK(leaf_bytes_at(top - STACK_BYTES - 1) == 0);
	tear_down();
}

/* Each segment in separate pages, as when no 2 MiB run is free. */
CASE(kernel_tables_take_a_kernel_in_pieces)
{
	static const struct extent places[][3] = {
		{ { 0x1234000, 0x1241000 }, { 0x5001000, 0x5003000 },
		  { 0x3fff000, 0x4201000 } },
		{ { MIB, 0x133000 }, { 0x133000, 0x134000 },
		  { 0x134000, 0x2ff000 } },
		{ { 0x1ff000, 0x201000 }, { 0x3fffe000, 0x40001000 },
		  { 0x201000, 0x202000 } },
		{ { 64 * KIB, 0x20000 }, { 0x9e000, 0x9f000 },
		  { 0x30000, 0x31000 } },
	};

	for (size_t i = 0; i < 2 * ARRAY_LENGTH(places); i++) {
		start_machine(GIB + 64 * MIB, i % 2 ? ANY_FEATURES : 0);
		for (unsigned k = 0; k < 3; k++) {
			struct extent place = places[i / 2][k];

			scene.segments[k].phys.raw = place.start;
			scene.segments[k].bytes = place.end - place.start;
		}
		CHECK_SCENE(&scene, "pieces");
	}
}

CASE(kernel_tables_take_stack_and_switch_page_anywhere)
{
	static const uint64_t pages[] = {
		0x10000, 0x11000, 0x55000, 0x9e000, 0x9f000, 0xf000, 0x1000,
		MIB, 0x1ff000, 0x200000, 16 * MIB - PAGE_SIZE, 22 * MIB,
		GIB - PAGE_SIZE, 4 * GIB - PAGE_SIZE,
	};

	for (size_t i = 0; i < ARRAY_LENGTH(pages); i++) {
		start_machine(GIB, ANY_FEATURES);
		scene.request.switch_page.raw = pages[i];
		CHECK_SCENE(&scene, "switch page");
		start_machine(GIB, ANY_FEATURES);
		scene.request.boot_stack.raw = pages[i];
		CHECK_SCENE(&scene, "stack");
	}
	/* Alone in its region, and beside the stack. */
	scene_start(&scene, 16 * MIB, ANY_FEATURES);
	add(&scene, 0x20000, 0x21000, REGION_LOW);
	add(&scene, 0x40000, 0x45000, REGION_LOW);
	add(&scene, 16 * MIB, 32 * MIB, REGION_LATER);
	scene.request.switch_page.raw = 0x20000;
	scene.request.boot_stack.raw = 0x41000;
	CHECK_SCENE(&scene, "switch page alone");
}

CASE(kernel_tables_split_where_the_type_changes)
{
	start_machine(8 * GIB, ANY_FEATURES);
	mtrr_start(&scene, MEMTYPE_WB);
	mtrr_add(&scene, (struct extent){ 0x4ff10000, 0x4ff20000 },
		 MEMTYPE_UC);
	mtrr_add(&scene, (struct extent){ 0x148000000, 0x14c000000 },
		 MEMTYPE_UC);
	CHECK_SCENE(&scene, "holes");
	CHECK(build(&scene, 100) == ST_OK);
	CHECK(direct_leaf(0x4ff10000) == PAGE_SIZE);
	CHECK(direct_leaf(0x4fe00000) == PAGE_SIZE);
	CHECK(direct_leaf(0x4fdfffff) == SIZE_2M);
	CHECK(direct_leaf(0x50000000) == SIZE_2M);
	CHECK(direct_leaf(0x7fffffff) == SIZE_2M);
	CHECK(direct_leaf(0x148000000) == SIZE_2M);
	CHECK(direct_leaf(0x180000000) == SIZE_1G);
	tear_down();
}

CASE(kernel_tables_keep_the_kernel_small_over_two_types)
{
	start_machine(GIB, ANY_FEATURES);
	mtrr_start(&scene, MEMTYPE_UC);
	mtrr_add(&scene, (struct extent){ 0, 16 * MIB }, MEMTYPE_WB);
	mtrr_add(&scene, (struct extent){ 16 * MIB, 17 * MIB }, MEMTYPE_WB);
	CHECK_SCENE(&scene, "type changes in text");
	CHECK(build(&scene, 100) == ST_OK);
	CHECK(leaf_bytes_at(KERNEL_BASE) == PAGE_SIZE);
	CHECK(leaf_bytes_at(KERNEL_BASE + 64 * MIB) == SIZE_2M);
	tear_down();
}

CASE(kernel_tables_reach_as_far_as_memory_does)
{
	start_machine(12 * TIB, ANY_FEATURES);
	CHECK_SCENE(&scene, "12 TiB");
	CHECK(tables_pages_bound(&scene.request, 0) < 100);
	start_machine(12 * TIB, CPU_NX);
	CHECK_SCENE(&scene, "12 TiB in 2 MiB pages");
	start_machine(USABLE_LIMIT - 2 * GIB, ANY_FEATURES);
	CHECK_SCENE(&scene, "64 TiB");
	CHECK(tables_pages_bound(&scene.request, 0) < 300);
	start_machine(64 * MIB, ANY_FEATURES);
	add(&scene, USABLE_LIMIT - PAGE_SIZE, USABLE_LIMIT, REGION_FREE);
	CHECK_SCENE(&scene, "one page below 64 TiB");
	start_machine(GIB, ANY_FEATURES);
	add(&scene, TIB - 12 * GIB, TIB, REGION_KEEP);
	add(&scene, TIB, TIB + 3 * GIB + 5 * PAGE_SIZE, REGION_LATER);
	CHECK_SCENE(&scene, "a hole below 1 TiB");
	start_machine(600 * GIB, ANY_FEATURES);
	CHECK_SCENE(&scene, "two entries of the root");
}

CASE(kernel_tables_stand_without_memory)
{
	scene_start(&scene, 16 * MIB, ANY_FEATURES);
	CHECK_SCENE(&scene, "no regions");
	add(&scene, 0, GIB, REGION_KEEP);
	CHECK_SCENE(&scene, "all kept");
	scene.regions[0].kind = REGION_ACPI;
	CHECK_SCENE(&scene, "nothing but tables");
}

CASE(kernel_tables_map_no_tables_out_of_reach)
{
	start_machine(GIB, ANY_FEATURES);
	add(&scene, 3 * GIB, 3 * GIB + PAGE_SIZE, REGION_ACPI);
	add(&scene, (1UL << BITS) - SIZE_2M, (1UL << BITS) + SIZE_2M,
	    REGION_ACPI);
	CHECK_SCENE(&scene, "acpi across the limit");
	scene.list.count--;
	add(&scene, 1UL << 50, (1UL << 50) + SIZE_2M, REGION_ACPI);
	CHECK_SCENE(&scene, "acpi beyond the limit");
}

CASE(kernel_tables_refuse_facts_that_contradict)
{
	start_machine(GIB, ANY_FEATURES);
	scene.segments[1].virt = scene.segments[0].virt;
	CHECK(build(&scene, 100) == ST_CONFLICT);
	tear_down();
	start_machine(GIB, ANY_FEATURES);
	scene.machine.cpu.physical_bits = 36;
	add(&scene, 64 * GIB, 65 * GIB, REGION_FREE);
	CHECK(build(&scene, 100) == ST_BAD_RANGE);
	tear_down();
	start_machine(GIB, ANY_FEATURES);
	scene.request.boot_stack.raw = 0x300800;
	CHECK(build(&scene, 100) == ST_BAD_RANGE);
	tear_down();
}

CASE(kernel_tables_leave_nothing_behind_without_memory)
{
	static struct failing_source source;
	struct table_features features;
	unsigned n = 1;

	start_machine(5 * GIB, ANY_FEATURES);
	mtrr_start(&scene, MEMTYPE_WB);
	mtrr_add(&scene, (struct extent){ 0x4ff10000, 0x4ff20000 },
		 MEMTYPE_UC);
	scene.request.switch_page.raw = 0x55000;
	features = tables_features(&scene.machine.cpu);
	failing_source_init(&source, (pfn_t){ POOL_FIRST }, 100);
	for (enum status status = ST_NO_MEMORY; status != ST_OK; n++) {
		struct table table;

		source.takes = 0;
		source.fail_at = n;
		status = table_init(&table, source.window, &source.base,
				    &features);
		CHECK(status == ST_OK || n == 1);
		if (status == ST_OK) {
			status = tables_build(&table, &scene.request);
			CHECK(table_audit(&table));
			CHECK(source.pages_out == table.table_pages);
			table_destroy(&table);
		}
		CHECK(status == ST_OK || status == ST_NO_MEMORY);
		CHECK(source.pages_out == 0);
	}
	CHECK(n > 15);
	failing_source_free(&source);
}

/* --- random facts ---------------------------------------------------------*/

static uint64_t below(uint64_t *seed, uint64_t limit)
{
	return check_random(seed) % limit;
}

/* A length in bytes, of pages or of larger blocks, often a ragged one. */
static uint64_t some_length(uint64_t *seed)
{
	static const uint64_t scales[] = { PAGE_SIZE, 64 * KIB, SIZE_2M,
					   32 * MIB, SIZE_1G, 40 * GIB };
	uint64_t scale = scales[below(seed, ARRAY_LENGTH(scales))];
	uint64_t bytes = (1 + below(seed, 16)) * scale;

	return below(seed, 2) ? bytes : bytes + below(seed, 600) * PAGE_SIZE;
}

static enum region_kind some_kind(uint64_t *seed)
{
	static const enum region_kind kinds[] = {
		REGION_FREE, REGION_FREE, REGION_LATER, REGION_LATER,
		REGION_ACPI, REGION_KEEP, REGION_BAD,
	};

	return kinds[below(seed, ARRAY_LENGTH(kinds))];
}

static void place_kernel(uint64_t *seed)
{
	const struct region *regions = scene.regions;
	bool pieces = below(seed, 2);
	uint64_t unit = pieces ? PAGE_SIZE : SIZE_2M;
	uint64_t at = regions[below(seed, scene.list.count)].start.raw;

	at = align_up(at, unit) + below(seed, 4) * unit;
	for (unsigned i = 0; i < 3; i++) {
		struct handover_segment *segment = &scene.segments[i];

		segment->phys.raw = at;
		segment->bytes = (1 + below(seed, pieces ? 9000 : 3)) * unit;
		at += segment->bytes;
		if (pieces && below(seed, 3) > 0)
			at += some_length(seed);
	}
	scene.request.boot_stack.raw =
		regions[below(seed, scene.list.count)].start.raw;
	scene.request.switch_page.raw =
		regions[below(seed, scene.list.count)].end.raw - PAGE_SIZE;
}

static void place_types(uint64_t *seed)
{
	static const enum memtype types[] = { MEMTYPE_UC, MEMTYPE_WC,
					      MEMTYPE_WT, MEMTYPE_WB };
	unsigned count = below(seed, 9);

	if (count == 0)
		return;
	mtrr_start(&scene, below(seed, 2) ? MEMTYPE_WB : MEMTYPE_UC);
	scene.machine.mtrr.fixed[below(seed, MTRR_FIXED_COUNT)] =
		below(seed, 2) ? 0 : 0x0605040106060606;
	while (--count > 0) {
		uint64_t size = PAGE_SIZE << below(seed, 28);
		uint64_t base = align_down(below(seed, 1UL << 41), size);

		mtrr_add(&scene, (struct extent){ base, base + size },
			 types[below(seed, ARRAY_LENGTH(types))]);
	}
}

static void random_scene(uint64_t *seed)
{
	static const uint32_t features[] = { ANY_FEATURES, CPU_NX,
					     ANY_FEATURES, 0 };
	uint64_t at = LOW_START + below(seed, 100) * PAGE_SIZE;
	unsigned count = 1 + below(seed, 20);

	scene_start(&scene, 16 * MIB, features[below(seed, 4)]);
	add(&scene, at, at + (1 + below(seed, 50)) * PAGE_SIZE, REGION_LOW);
	for (at = below(seed, 2) ? MIB : below(seed, 3) * MIB + 3 * MIB;
	     count > 0; count--) {
		uint64_t end = at + some_length(seed);

		add(&scene, at, end, some_kind(seed));
		at = end + (below(seed, 2) ? 0 : some_length(seed));
	}
	place_kernel(seed);
	place_types(seed);
}

CASE(kernel_tables_agree_with_random_facts)
{
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 100; round++) {
		random_scene(&seed);
		CHECK_SCENE(&scene, "random");
	}
}

/* --- the map changes between the bound and the building ------------------- */

static void insert(size_t index, struct region region)
{
	memmove(&scene.regions[index + 1], &scene.regions[index],
		(scene.list.count - index) * sizeof(region));
	scene.regions[index] = region;
	scene.list.count++;
}

/* The firmware keeps some pages in the middle of a region. */
static void punch(size_t index, uint64_t *seed)
{
	struct region *region = &scene.regions[index];
	struct region rest = *region;
	uint64_t pages = (region->end.raw - region->start.raw) / PAGE_SIZE;

	if (pages < 3)
		return;
	region->end.raw = region->start.raw +
			  (1 + below(seed, pages - 2)) * PAGE_SIZE;
	rest.start.raw = rest.end.raw -
		(1 + below(seed, (rest.end.raw - region->end.raw) / PAGE_SIZE -
			   1)) * PAGE_SIZE;
	insert(index + 1, rest);
}

/* Adds memory after region `index`, if there is room. */
static void appear(size_t index, uint64_t *seed)
{
	uint64_t from = scene.regions[index].end.raw;
	uint64_t to = index + 1 < scene.list.count ?
		scene.regions[index + 1].start.raw : from + 600 * GIB;
	uint64_t pages = (to - from) / PAGE_SIZE;
	struct region region = { .kind = REGION_FREE };

	if (pages == 0)
		return;
	region.start.raw = from + below(seed, pages) * PAGE_SIZE;
	region.end.raw = min_u64(to, region.start.raw +
		(1 + below(seed, SIZE_1G / PAGE_SIZE)) * PAGE_SIZE);
	if (is_one_type(&scene, region.start.raw, region.end.raw))
		insert(index + 1, region);
}

CASE(kernel_tables_fit_when_the_map_has_changed)
{
	uint64_t seed = check_seed() ^ 0x5eed;

	for (unsigned round = 0; round < 100; round++) {
		uint64_t slack = below(&seed, 65);
		uint64_t pages;

		random_scene(&seed);
		pages = tables_pages_bound(&scene.request, slack);
		for (uint64_t i = 0; i < slack; i++) {
			size_t index = below(&seed, scene.list.count);

			if (below(&seed, 2))
				punch(index, &seed);
			else
				appear(index, &seed);
		}
		for (unsigned i = below(&seed, 4); i > 0; i--)
			scene.regions[below(&seed, scene.list.count)].kind =
				REGION_KEEP;
		CHECK(tables_are_right(&scene, pages, "changed"));
	}
}

/* --- real maps ------------------------------------------------------------*/

static void hear(struct map_listener *listener, size_t line,
		 const char *sentence)
{
	(void)listener;
	(void)line;
	(void)sentence;
}

static bool read_map(struct map_text *map, const char *path)
{
	struct map_listener listener = { hear };

	static char text[1 << 20];
	FILE *stream = fopen(path, "rb");
	size_t bytes = 0;

	if (stream != NULL) {
		bytes = fread(text, 1, sizeof(text), stream);
		fclose(stream);
	}
	return map_text_read(map, text, bytes, &listener) == ST_OK;
}

static bool regions_of(const struct map_text *map)
{
	struct region_request request = {
		.entries = map->entries,
		.count = map->count,
		.scratch_bytes = region_scratch_bytes(map->count),
	};
	enum status status;

	request.scratch = malloc(request.scratch_bytes);
	status = region_list_build(&scene.list, &request);
	free(request.scratch);
	return status == ST_OK;
}

/* The features and types of round `n` of one map; false when it is enough. */
static bool next_machine(unsigned n, uint64_t *seed)
{
	bool is_huge = scene.list.items[scene.list.count - 1].end.raw > TIB;

	if (n == 8 || (is_huge && n == 4))
		return false;
	scene.machine.cpu.features = n < 4 ? ANY_FEATURES : n < 7 ? CPU_NX : 0;
	place_kernel(seed);
	scene.machine.mtrr = (struct mtrr_state){ .physical_bits = BITS };
	if (n % 4 != 0)
		place_types(seed);
	return true;
}

static unsigned check_directory(const char *directory)
{
	DIR *stream = opendir(directory);
	uint64_t seed = check_seed();
	struct dirent *item;
	unsigned maps = 0;

	while (stream != NULL && (item = readdir(stream)) != NULL) {
		struct map_text map;
		char path[512];

		if (strstr(item->d_name, ".txt") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, item->d_name);
		scene_start(&scene, 16 * MIB, 0);
		if (read_map(&map, path) && regions_of(&map))
			maps++;
		for (unsigned n = 0; next_machine(n, &seed); n++)
			CHECK_SCENE(&scene, path);
		map_text_free(&map);
	}
	if (stream != NULL)
		closedir(stream);
	return maps;
}

CASE(kernel_tables_hold_every_efi_map)
{
	CHECK(check_directory("tests/data/efi") >= 26);
}

CASE(kernel_tables_hold_every_bios_map)
{
	CHECK(check_directory("tests/data/e820") >= 14);
}
