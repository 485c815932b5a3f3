// SPDX-License-Identifier: MIT OR Apache-2.0
/* The node of a page: pictures of overlapping ranges, and edges. */
#include <kernel/platform/numa.h>

#include <base/bits.h>

#include "check.h"
#include "numa_scene.h"

#define GIVEN(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct numa_scene scene;

static char letter_at(const struct numa *numa, uint64_t at)
{
	for (size_t i = 0; i < numa->range_count; i++) {
		const struct numa_range *range = &numa->ranges[i];
		uint32_t domain = numa->nodes[range->node].domain;

		if (range->start.raw <= at && at < range->end.raw)
			return (char)(domain + (range->flags & NUMA_HOTPLUG ?
						'a' : '0'));
	}
	return '.';
}

static bool gives_in_order(const char *const *rows, size_t count,
			   const char *want)
{
	struct numa numa;
	bool good = true;

	scene_begin(&scene, 3);
	for (size_t i = 0; i < count; i++)
		scene_picture(&scene, rows[i]);
	numa = scene_build(&scene);
	for (uint64_t page = 0; want[page] != '\0'; page++)
		if (letter_at(&numa, page * PAGE_SIZE) != want[page])
			good = false;
	if (letter_at(&numa, strlen(want) * PAGE_SIZE) != '.')
		good = false;
	scene_free(&numa);
	return good;
}

/* The order of the table makes no difference. */
static bool gives(const char *const *rows, const char *want)
{
	const char *backwards[8];
	size_t count = 0;

	while (rows[count] != NULL)
		count++;
	for (size_t i = 0; i < count; i++)
		backwards[i] = rows[count - 1 - i];
	return gives_in_order(rows, count, want) &&
	       gives_in_order(backwards, count, want);
}

CASE(numa_lets_the_range_that_begins_first_keep_what_it_has)
{
	CHECK(gives(GIVEN("000.111"), "000.111"));
	CHECK(gives(GIVEN("00000...",
			  "...11111"),
			  "00000111"));
	CHECK(gives(GIVEN("...00000",
			  "11111..."),
			  "11111000"));
	CHECK(gives(GIVEN("11111111",
			  "..00...."),
			  "11111111"));
	CHECK(gives(GIVEN("0000......",
			  ".11.......",
			  "..222222..",
			  ".....33333"),
			  "0000222233"));
}

CASE(numa_lets_the_lower_node_win_from_the_same_start)
{
	CHECK(gives(GIVEN(".0000..",
			  ".111111"),
			  ".000011"));
	CHECK(gives(GIVEN(".1111..",
			  ".000000"),
			  ".000000"));
	CHECK(gives(GIVEN(".2222",
			  ".1111",
			  ".3333"),
			  ".1111"));
	CHECK(gives(GIVEN("00..",
			  "0000"),
			  "0000"));
}

CASE(numa_lets_memory_that_is_there_win)
{
	CHECK(gives(GIVEN("aaaaaaaaaa",
			  "..11..22.."),
			  "aa11aa22aa"));
	CHECK(gives(GIVEN("..aaaa..",
			  "11111111"),
			  "11111111"));
	CHECK(gives(GIVEN("..aaaaaa",
			  "1111...."),
			  "1111aaaa"));
	CHECK(gives(GIVEN("aaaaaa..",
			  "....1111"),
			  "aaaa1111"));
	CHECK(gives(GIVEN("bbbbbb..",
			  "..aaaaaa",
			  ".0.0.0.0"),
			  "b0b0b0a0"));
	CHECK(gives(GIVEN("aaa.....",
			  "...00000"),
			  "aaa00000"));
	/* A part that the same winning range cuts from two. */
	CHECK(gives(GIVEN("aaaa......",
			  "....bbbbbb",
			  "..0000...."),
			  "aa0000bbbb"));
}

CASE(numa_joins_ranges_of_one_node)
{
	struct numa numa;

	scene_begin(&scene, 3);
	scene_picture(&scene, "0011..1100..00");
	scene_picture(&scene, "..........bb..");
	scene_picture(&scene, "....00........");
	scene_picture(&scene, "........0000..");
	numa = scene_build(&scene);
	CHECK(numa.listed_count == 8 && numa.range_count == 5);
	CHECK(numa.ranges[4].start.raw == 8 * PAGE_SIZE);
	CHECK(numa.ranges[4].end.raw == 14 * PAGE_SIZE);
	CHECK(numa.nodes[0].pages == 10 && numa.nodes[1].pages == 4);
	scene_free(&numa);
}

CASE(numa_gives_a_page_to_where_its_first_byte_is)
{
	static const struct {
		uint64_t start, end, first, pages;
	} rows[] = {
		{ 0, 0x1000, 0, 1 }, { 0, 1, 0, 1 }, { 1, 0x1000, 0, 0 },
		{ 1, 0x1001, 1, 1 }, { 0xfff, 0x2fff, 1, 2 },
		{ 0x400, 0x800, 0, 0 },
	};
	struct numa numa;

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		scene_begin(&scene, 3);
		scene_memory(&scene, 0, rows[i].start, rows[i].end);
		numa = scene_build(&scene);
		CHECK(numa.nodes[0].pages == rows[i].pages);
		CHECK(numa.range_count == (rows[i].pages > 0));
		if (rows[i].pages > 0)
			CHECK(numa.ranges[0].start.raw ==
			      rows[i].first * PAGE_SIZE);
		/* The listed range is the one of the table. */
		CHECK(numa.listed[0].start.raw == rows[i].start &&
		      numa.listed[0].end.raw == rows[i].end);
		scene_free(&numa);
	}
	scene_begin(&scene, 3);
	scene_memory(&scene, 0, 0, 0x1800);
	scene_memory(&scene, 1, 0x1800, 0x3000);
	numa = scene_build(&scene);
	CHECK(numa.nodes[0].pages == 2 && numa.nodes[1].pages == 1);
	scene_free(&numa);
}

CASE(numa_cuts_what_reaches_beyond_all_memory)
{
	struct numa numa;

	scene_begin(&scene, 3);
	scene_memory(&scene, 0, PHYSICAL_LIMIT - 2 * PAGE_SIZE, UINT64_MAX);
	scene_memory(&scene, 1, PHYSICAL_LIMIT - PAGE_SIZE + 1,
		     PHYSICAL_LIMIT + 1);
	numa = scene_build(&scene);
	CHECK(numa.node_count == 2);
	CHECK(numa.nodes[0].pages == 2 && numa.nodes[1].pages == 0);
	CHECK(numa.range_count == 1 && numa.listed_count == 2);
	CHECK(numa.listed[1].end.raw == PHYSICAL_LIMIT);
	CHECK(numa.cut == 2 && numa.left_out == 0);
	scene_free(&numa);
}

CASE(numa_counts_only_memory_that_is_there)
{
	struct numa numa;

	scene_begin(&scene, 3);
	scene_memory(&scene, 0, 0, 4 * PAGE_SIZE);
	draft_memory(&scene.srat, (struct draft_memory){
			0, HOT, 4 * PAGE_SIZE, 9 * PAGE_SIZE });
	draft_memory(&scene.srat, (struct draft_memory){
			1, PERSISTENT | 0xf8, MIB, 2 * MIB });
	numa = scene_build(&scene);
	CHECK(numa.nodes[0].pages == 4 && numa.nodes[1].pages == 0);
	CHECK(numa.range_count == 3);
	CHECK(numa.ranges[2].flags == PERSISTENT);
	CHECK(numa_node_at(&numa, (paddr_t){ MIB }).node == 1);
	scene_free(&numa);
}

CASE(numa_gives_memory_that_no_entry_names_to_node_0)
{
	struct numa_node_range found;
	struct numa numa;

	scene_begin(&scene, 3);
	scene_picture(&scene, "..0011..1");
	numa = scene_build(&scene);
	found = numa_node_at(&numa, (paddr_t){ 0 });
	CHECK(found.node == 0 && found.end.raw == 2 * PAGE_SIZE);
	found = numa_node_at(&numa, (paddr_t){ 4 * PAGE_SIZE });
	CHECK(found.node == 1 && found.end.raw == 6 * PAGE_SIZE);
	found = numa_node_at(&numa, (paddr_t){ 5 * PAGE_SIZE + 4095 });
	CHECK(found.node == 1 && found.end.raw == 6 * PAGE_SIZE);
	found = numa_node_at(&numa, (paddr_t){ 6 * PAGE_SIZE });
	CHECK(found.node == 0 && found.end.raw == 8 * PAGE_SIZE);
	found = numa_node_at(&numa, (paddr_t){ PHYSICAL_LIMIT - 1 });
	CHECK(found.node == 0 && found.end.raw == PHYSICAL_LIMIT);
	CHECK_ASSERTS((void)numa_node_at(&numa, (paddr_t){ PHYSICAL_LIMIT }));
	scene_free(&numa);
}

CASE(numa_counts_the_pages_of_a_map)
{
	struct region items[] = {
		{ { 0 }, { 3 * PAGE_SIZE }, REGION_LOW },
		{ { 3 * PAGE_SIZE }, { 5 * PAGE_SIZE }, REGION_KEEP },
		{ { 5 * PAGE_SIZE }, { 12 * PAGE_SIZE }, REGION_FREE },
		{ { 12 * PAGE_SIZE }, { 14 * PAGE_SIZE }, REGION_ACPI },
		{ { 14 * PAGE_SIZE }, { 20 * PAGE_SIZE }, REGION_LATER },
	};
	struct region_list list = { .items = items, .count = 5 };
	struct numa numa;

	scene_begin(&scene, 3);
	scene_picture(&scene, ".000001111..11ccc...");
	numa = scene_build(&scene);
	CHECK(numa.node_count == 3);
	/* A second call counts anew. */
	numa_count_regions(&numa, &list);
	numa_count_regions(&numa, &list);
	/* 0..3, 5, 10..12, 17..20 */
	CHECK(numa.nodes[0].pages == 3 + 1 + 2 + 3);
	CHECK(numa.outside == 1 + 2 + 3);
	CHECK(numa.nodes[1].pages == 4);
	/* A hot-plug range that is in the map has been plugged in. */
	CHECK(numa.nodes[2].pages == 3);
	scene_free(&numa);
	numa = scene_build_tables(&(struct numa_tables){ .srat = NULL });
	numa_count_regions(&numa, &list);
	CHECK(numa.node_count == 1 && numa.nodes[0].pages == 16);
	numa_add_regions(&numa, &list, REGION_ACPI);
	CHECK(numa.nodes[0].pages == 16 + 2);
	scene_free(&numa);
}

CASE(numa_takes_thousands_of_stripes)
{
	const uint64_t stripes = 6000, bytes = 32 * MIB;
	struct numa numa;

	scene_begin(&scene, 3);
	/* From the last to the first: the order must not matter. */
	for (uint64_t i = stripes; i-- > 0; )
		scene_memory(&scene, i % 3, i * bytes, (i + 1) * bytes);
	numa = scene_build(&scene);
	CHECK(numa.node_count == 3 && numa.range_count == stripes);
	for (uint32_t node = 0; node < 3; node++)
		CHECK(numa.nodes[node].pages ==
		      stripes / 3 * bytes / PAGE_SIZE);
	for (uint64_t i = 0; i < stripes; i++) {
		struct numa_node_range found;

		found = numa_node_at(&numa, (paddr_t){ i * bytes + MIB });
		CHECK(found.node == i % 3);
		CHECK(found.end.raw == (i + 1) * bytes);
	}
	scene_free(&numa);
}
