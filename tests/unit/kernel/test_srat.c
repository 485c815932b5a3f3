// SPDX-License-Identifier: MIT OR Apache-2.0
/* The tables: each kind of odd entry and odd SLIT, and damage at every byte. */
#include <kernel/platform/numa.h>

#include <base/bits.h>

#include "check.h"
#include "numa_scene.h"

static struct numa_scene scene;

/* --- entries --------------------------------------------------------------*/

CASE(numa_reads_narrow_domains_before_revision_2)
{
	for (unsigned revision = 0; revision < 5; revision++) {
		bool wide = revision >= 2;
		struct numa numa;

		scene_begin(&scene, revision);
		draft_affinity(&scene.srat, 0xabcdef01, 7, 1);
		scene_memory(&scene, 0x12345602, 0, 4 * PAGE_SIZE);
		draft_affinity_x2(&scene.srat, 0x11223303, 300, 1);
		numa = scene_build(&scene);
		CHECK(numa.node_count == 3);
		CHECK(numa.nodes[0].domain == (wide ? 0x11223303 : 1));
		CHECK(numa.nodes[1].domain == (wide ? 0x12345602 : 2));
		CHECK(numa.nodes[2].domain == (wide ? 0xabcdef01 :
						      0x11223303));
		scene_free(&numa);
	}
}

CASE(numa_ignores_entries_that_do_not_count)
{
	struct numa numa;

	scene_begin(&scene, 3);
	scene_memory(&scene, 9, 0, PAGE_SIZE);
	/* Disabled, empty, wrapping, beyond all memory. */
	draft_memory(&scene.srat, (struct draft_memory){ 1, 0, 0, PAGE_SIZE });
	draft_memory(&scene.srat, (struct draft_memory){
			1, HOT & ~NUMA_ENABLED, 0, PAGE_SIZE });
	scene_memory(&scene, 2, PAGE_SIZE, PAGE_SIZE);
	scene_memory(&scene, 3, PAGE_SIZE, 0);
	scene_memory(&scene, 4, PHYSICAL_LIMIT, PHYSICAL_LIMIT + PAGE_SIZE);
	draft_affinity(&scene.srat, 5, 1, 0xfffffffe);
	draft_affinity_x2(&scene.srat, 6, 2, 0xfffffffe);
	draft_affinity(&scene.srat, 7, 255, 1);
	draft_affinity_x2(&scene.srat, 8, 0xffffffff, 1);
	for (unsigned type = 3; type < 256; type++)
		memset(draft_entry(&scene.srat, type, 18) + 2, 1, 16);
	numa = scene_build(&scene);
	CHECK(numa.srat == ST_OK && !numa.srat_cut_short);
	CHECK(numa.node_count == 1 && numa.nodes[0].domain == 9);
	CHECK(numa.cpu_count == 0 && numa.listed_count == 1);
	CHECK(numa.range_count == 1 && numa.nodes[0].pages == 1);
	CHECK(numa.left_out == 2 && numa.cut == 0);
	scene_free(&numa);
}

CASE(numa_counts_what_it_leaves_out_even_if_nothing_is_left)
{
	struct numa numa;

	scene_begin(&scene, 3);
	scene_memory(&scene, 4, PHYSICAL_LIMIT, PHYSICAL_LIMIT + PAGE_SIZE);
	scene_memory(&scene, 4, UINT64_MAX - PAGE_SIZE, UINT64_MAX);
	numa = scene_build(&scene);
	CHECK(numa.srat == ST_NOT_FOUND && numa.node_count == 1);
	CHECK(numa.left_out == 2 && numa.cut == 0);
	scene_free(&numa);
}

CASE(numa_reads_no_entry_that_is_too_short)
{
	static const size_t needs[] = { 16, 40, 24 };

	for (unsigned type = 0; type < 3; type++) {
		for (size_t bytes = 2; bytes < 60; bytes++) {
			uint8_t *entry;
			struct numa numa;

			scene_begin(&scene, 3);
			entry = draft_entry(&scene.srat, type, bytes);
			/* Flags, and a range that is not empty. */
			for (size_t i = 2; i < bytes; i++)
				entry[i] = i == 4 || i == 12 || i == 17 ||
					   i == 28;
			numa = scene_build(&scene);
			CHECK(numa.cpu_count + numa.listed_count ==
			      (bytes >= needs[type]));
			CHECK(numa.srat == (bytes >= needs[type] ?
					    ST_OK : ST_NOT_FOUND));
			scene_free(&numa);
		}
	}
}

CASE(numa_ends_at_an_impossible_entry)
{
	static const uint8_t ends[][4] = {
		{ 0 }, { 0, 0 }, { 1, 1 }, { 1, 0, 1, 1 }, { 1, 5, 0, 1 },
	};
	static const size_t bytes[] = { 1, 2, 2, 4, 4 };

	for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
		struct numa numa;

		scene_begin(&scene, 3);
		scene_memory(&scene, 1, 0, PAGE_SIZE);
		memcpy(scene.srat.data + scene.srat.bytes, ends[i], bytes[i]);
		scene.srat.bytes += bytes[i];
		numa = scene_build(&scene);
		CHECK(numa.srat == ST_OK && numa.srat_cut_short);
		CHECK(numa.node_count == 1 && numa.nodes[0].pages == 1);
		scene_free(&numa);
	}
}

CASE(numa_takes_the_first_entry_of_a_processor)
{
	struct numa numa;
	uint32_t node;

	scene_begin(&scene, 3);
	draft_affinity_x2(&scene.srat, 4, 300, 1);
	draft_affinity(&scene.srat, 4, 7, 1);
	draft_affinity_x2(&scene.srat, 4, 7, 1);
	draft_affinity_x2(&scene.srat, 2, 7, 1);
	draft_affinity_x2(&scene.srat, 2, 255, 1);
	numa = scene_build(&scene);
	CHECK(numa.node_count == 2 && numa.cpu_count == 3);
	CHECK(numa.nodes[0].cpus == 1 && numa.nodes[1].cpus == 2);
	CHECK(numa_find_cpu(&numa, 7, &node) == ST_OK && node == 1);
	CHECK(numa_find_cpu(&numa, 255, &node) == ST_OK && node == 0);
	CHECK(numa_find_cpu(&numa, 300, &node) == ST_OK && node == 1);
	scene_free(&numa);
}

CASE(numa_numbers_domains_without_gaps)
{
	static const uint32_t domains[] = { 0xffffffff, 70000, 3, 255, 256 };
	static const uint32_t sorted[] = { 3, 255, 256, 70000, 0xffffffff };
	struct numa numa;

	scene_begin(&scene, 2);
	for (uint64_t i = 0; i < 5; i++)
		scene_memory(&scene, domains[i], i << 20, (i + 1) << 20);
	/* One with a processor and no memory, one the other way round. */
	draft_affinity(&scene.srat, 3, 0, 1);
	draft_affinity(&scene.srat, 17, 1, 1);
	numa = scene_build(&scene);
	CHECK(numa.node_count == 6);
	for (size_t i = 0; i < 6; i++)
		CHECK(numa.nodes[i].domain == (i == 0 ? 3 : i == 1 ? 17 :
					       sorted[i - 1]));
	CHECK(numa.nodes[1].pages == 0 && numa.nodes[1].cpus == 1);
	CHECK(numa.nodes[5].pages == 256 && numa.nodes[5].cpus == 0);
	CHECK(numa_node_at(&numa, (paddr_t){ 0 }).node == 5);
	scene_free(&numa);
}

/* --- distances ------------------------------------------------------------*/

static enum status slit_status(void)
{
	struct numa numa = scene_build(&scene);
	enum status status = numa.slit;

	for (uint32_t i = 0; status != ST_OK && i < numa.node_count; i++)
		for (uint32_t j = 0; j < numa.node_count; j++)
			CHECK(numa_distance(&numa, i, j) == (i == j ? 10 : 20));
	scene_free(&numa);
	return status;
}

CASE(numa_reads_distances_by_domain)
{
	struct numa numa;

	/* Rows 1 and 2 belong to no node and may have any value. */
	scene_begin_nodes(&scene, "03");
	scene_slit(&scene, 4, "\x0a\x00\x00\x15"
		    "\x00\x00\x00\x00"
		    "\xff\xff\xff\xff"
		    "\x1f\x01\x02\x0a");
	numa = scene_build(&scene);
	CHECK(numa.slit == ST_OK);
	CHECK(numa_distance(&numa, 0, 1) == 0x15);
	CHECK(numa_distance(&numa, 1, 0) == 0x1f);
	CHECK_ASSERTS((void)numa_distance(&numa, 0, 2));
	CHECK_ASSERTS((void)numa_order_at(&numa, 2));
	scene_free(&numa);
}

CASE(numa_uses_a_slit_as_a_whole_or_not_at_all)
{
	scene_begin_nodes(&scene, "01");
	CHECK(slit_status() == ST_NOT_FOUND);
	scene_slit(&scene, 2, "\x0a\x15\x15\x0a");
	CHECK(slit_status() == ST_OK);
	scene_slit(&scene, 2, "\x0a\x0a\xfe\x0a");
	CHECK(slit_status() == ST_OK);
	scene_slit(&scene, 2, "\x0a\x09\x15\x0a");
	CHECK(slit_status() == ST_CORRUPT);
	scene_slit(&scene, 2, "\x0a\x15\x00\x0a");
	CHECK(slit_status() == ST_CORRUPT);
	scene_slit(&scene, 2, "\x0b\x15\x15\x0a");
	CHECK(slit_status() == ST_CORRUPT);
	scene_slit(&scene, 2, "\x0a\x15\x15\xff");
	CHECK(slit_status() == ST_CORRUPT);
	/* Rows for more nodes than there are, and for fewer. */
	scene_slit(&scene, 3, "\x0a\x15\x00\x15\x0a\x00\x00\x00\x00");
	CHECK(slit_status() == ST_OK);
	scene_slit(&scene, 1, "\x0a");
	CHECK(slit_status() == ST_UNSUPPORTED);
	scene_slit(&scene, 0, "");
	CHECK(slit_status() == ST_UNSUPPORTED);
	scene_begin_nodes(&scene, "02");
	scene_slit(&scene, 2, "\x0a\x15\x15\x0a");
	CHECK(slit_status() == ST_UNSUPPORTED);
}

CASE(numa_refuses_a_slit_larger_than_its_table)
{
	static const uint64_t rows[] = {
		3, 4, 65536, 1UL << 32, (1UL << 32) + 2, 1UL << 33,
		UINT64_MAX, UINT64_MAX - 1,
	};

	scene_begin_nodes(&scene, "01");
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		scene_slit(&scene, 2, "\x0a\x15\x15\x0a");
		draft_put(scene.slit.data + 36, rows[i], 8);
		draft_seal(&scene.slit);
		CHECK(slit_status() == ST_CORRUPT);
	}
	/* One with bytes after its matrix is complete. */
	scene_slit(&scene, 2, "\x0a\x15\x15\x0a");
	scene.slit.bytes += 3;
	draft_seal(&scene.slit);
	CHECK(slit_status() == ST_OK);
	scene.slit.bytes -= 4;
	draft_seal(&scene.slit);
	CHECK(slit_status() == ST_CORRUPT);
	scene.slit.bytes = 43;
	draft_seal(&scene.slit);
	CHECK(slit_status() == ST_CORRUPT);
}

CASE(numa_reaches_no_node_that_is_unreachable)
{
	struct numa numa;

	scene_begin_nodes(&scene, "0123");
	scene_slit(&scene, 4, "\x0a\xff\x14\x14"
		    "\x14\x0a\xff\xff"
		    "\x0a\x0a\x0a\x0a"
		    "\x1e\x14\xff\x0a");
	numa = scene_build(&scene);
	CHECK(numa.slit == ST_OK && numa_distance(&numa, 0, 1) == 255);
	CHECK(numa.nodes[0].reachable == 3 &&
	      memcmp(numa_order_at(&numa, 0), "\0\2\3", 3) == 0);
	CHECK(numa.nodes[1].reachable == 2 &&
	      memcmp(numa_order_at(&numa, 1), "\1\0", 2) == 0);
	/* All equally near: the node itself is first. */
	CHECK(numa.nodes[2].reachable == 4 &&
	      memcmp(numa_order_at(&numa, 2), "\2\0\1\3", 4) == 0);
	CHECK(numa.nodes[3].reachable == 3 &&
	      memcmp(numa_order_at(&numa, 3), "\3\1\0", 3) == 0);
	scene_free(&numa);
}

/* --- damage and limits ----------------------------------------------------*/

CASE(numa_makes_one_node_of_nothing)
{
	struct numa_tables none = { .srat = NULL };
	struct numa numa = scene_build_tables(&none);

	CHECK(numa.srat == ST_NOT_FOUND && scene_is_one_node(&numa));
	scene_free(&numa);
	scene_slit(&scene, 2, "\x0a\x15\x15\x0a");
	none.slit = scene.slit.data;
	none.slit_bytes = scene.slit.bytes;
	numa = scene_build_tables(&none);
	CHECK(numa.srat == ST_NOT_FOUND && scene_is_one_node(&numa));
	scene_free(&numa);
	scene_begin(&scene, 3);
	numa = scene_build(&scene);
	CHECK(numa.srat == ST_NOT_FOUND && scene_is_one_node(&numa));
	scene_free(&numa);
	draft_begin(&scene.srat, "SRAT", 3, 47);
	numa = scene_build(&scene);
	CHECK(numa.srat == ST_CORRUPT && scene_is_one_node(&numa));
	scene_free(&numa);
}

/* srat[0..bytes) in memory that ends there, without an SLIT. */
static bool is_refused(const uint8_t *srat, size_t bytes)
{
	struct numa_tables tables = { .srat_bytes = bytes };
	struct numa numa;
	bool good;

	tables.srat = draft_copy(srat, bytes);
	numa = scene_build_tables(&tables);
	good = numa.srat == ST_CORRUPT && scene_is_one_node(&numa);
	scene_free(&numa);
	scene_free_machine(&tables);
	return good;
}

CASE(numa_makes_one_node_of_every_damaged_srat)
{
	size_t bytes = 0;
	uint8_t *table = draft_read("srat-qemu-numa2-dist21", &bytes);

	for (size_t n = 0; n < bytes; n++)
		CHECK(is_refused(table, n));
	for (size_t i = 0; i < bytes * 8; i++) {
		table[i / 8] ^= 1 << i % 8;
		CHECK(is_refused(table, bytes));
		table[i / 8] ^= 1 << i % 8;
	}
	free(table);
}

CASE(numa_guesses_with_every_damaged_slit)
{
	size_t bytes = 0;
	uint8_t *table = draft_read("slit-qemu-numa2-dist21", &bytes);

	scene_begin_nodes(&scene, "01");
	scene.has_slit = true;
	memcpy(scene.slit.data, table, bytes);
	for (scene.slit.bytes = 0; scene.slit.bytes < bytes;
	     scene.slit.bytes++)
		CHECK(slit_status() == ST_CORRUPT);
	CHECK(slit_status() == ST_OK);
	for (size_t i = 0; i < bytes * 8; i++) {
		scene.slit.data[i / 8] ^= 1 << i % 8;
		CHECK(slit_status() == ST_CORRUPT);
		scene.slit.data[i / 8] ^= 1 << i % 8;
	}
	free(table);
}

CASE(numa_survives_every_flip_under_a_right_checksum)
{
	size_t bytes = 0;
	uint8_t *table = draft_read("srat-qemu-hotplug-64g", &bytes);

	for (size_t i = 36 * 8; i < bytes * 8; i++) {
		struct numa numa;

		scene_begin(&scene, 3);
		memcpy(scene.srat.data, table, bytes);
		scene.srat.bytes = bytes;
		scene.srat.data[i / 8] ^= 1 << i % 8;
		numa = scene_build(&scene);
		CHECK(numa.srat == ST_OK ||
		      (numa.srat == ST_NOT_FOUND && i / 8 == 49));
		scene_free(&numa);
	}
	for (size_t n = 48; n < bytes; n++) {
		struct numa numa;

		scene_begin(&scene, 3);
		memcpy(scene.srat.data, table, n);
		scene.srat.bytes = n;
		numa = scene_build(&scene);
		scene_free(&numa);
	}
	free(table);
}

CASE(numa_serves_large_machines)
{
	struct numa numa;
	uint32_t node;

	scene_begin(&scene, 3);
	for (uint32_t i = 0; i < 1024; i++)
		draft_affinity_x2(&scene.srat, i % 64, 1023 - i, 1);
	for (uint64_t i = 0; i < 4096; i++)
		scene_memory(&scene, (uint32_t)(i % 64), i * GIB,
			     (i + 1) * GIB);
	numa = scene_build(&scene);
	CHECK(numa.node_count == 64 && numa.cpu_count == 1024);
	CHECK(numa.range_count == 4096);
	for (uint32_t i = 0; i < 64; i++)
		CHECK(numa.nodes[i].cpus == 16 &&
		      numa.nodes[i].pages << 12 == 64 * GIB);
	CHECK(numa_find_cpu(&numa, 1023, &node) == ST_OK && node == 0);
	CHECK(numa_node_at(&numa, (paddr_t){ 4095 * GIB }).node == 63);
	scene_free(&numa);
}

CASE(numa_refuses_more_domains_than_it_can_number)
{
	struct numa numa;

	scene_begin(&scene, 3);
	for (uint32_t i = 0; i < NUMA_NODES; i++)
		draft_affinity_x2(&scene.srat, i * 1000, i, 1);
	numa = scene_build(&scene);
	CHECK(numa.srat == ST_OK && numa.node_count == NUMA_NODES);
	CHECK(numa_order_at(&numa, 255)[0] == 255);
	CHECK(numa_order_at(&numa, 255)[255] == 254);
	scene_free(&numa);
	draft_affinity_x2(&scene.srat, 7, 999, 1);
	numa = scene_build(&scene);
	CHECK(numa.srat == ST_FULL && scene_is_one_node(&numa));
	scene_free(&numa);
}

CASE(numa_says_when_there_is_too_little_memory)
{
	struct numa_request request = { .memory = NULL };
	struct numa numa;

	scene_begin_nodes(&scene, "012");
	scene_memory(&scene, 1, 0, MIB);
	draft_seal(&scene.srat);
	request.tables.srat = scene.srat.data;
	request.tables.srat_bytes = scene.srat.bytes;
	request.memory_bytes = numa_memory_bytes(&request.tables);
	request.memory = malloc(request.memory_bytes);
	CHECK(numa_build(&numa, &request) == ST_OK);
	while (request.memory_bytes-- > 0)
		CHECK(numa_build(&numa, &request) == ST_FULL);
	free(request.memory);
}
