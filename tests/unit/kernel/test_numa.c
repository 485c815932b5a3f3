// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Nodes of real machines; random tables against a model that handles one page
 * at a time; the printed records; the audit.
 */
#include <kernel/platform/numa.h>

#include <base/bits.h>

#include "check.h"
#include "numa_model.h"
#include "numa_scene.h"

static struct numa_scene scene;

/* --- real machines --------------------------------------------------------*/

/* Read from the tables by another program. */
static const struct machine {
	const char *name;
	size_t nodes, cpus, listed, ranges;
	bool has_slit;
	uint64_t bytes[8];
	uint32_t cpus_of[8];
} machines[] = {
	{ "asrock-k10n78d-3e54", 1, 2, 3, 3, false,
	  { 0xa0000UL + 0xcff00000 + 0x130000000 }, { 2 } },
	{ "asustek-m4a88td-v-evo-usb3-822e", 1, 4, 3, 3, false,
	  { 0xa0000UL + 0xcff00000 + 0x130000000 }, { 4 } },
	{ "gigabyte-x299-ud4-ad9b", 1, 16, 2, 1, false, { 0x10a0000000 },
	  { 16 } },
	{ "hewlett-packard-proliant-dl165-g7-1979", 4, 16, 6, 6, true,
	  { 0xa0000UL + 0x7ff00000, 0x40000000UL + 0xc0000000, 0x100000000,
	    0x100000000 }, { 4, 4, 4, 4 } },
	{ "huanan-x99-qd4-v1-0-734c", 1, 28, 2, 2, false,
	  { 0x80000000 + 0xf80000000 }, { 28 } },
	{ "intel-x99-0ad6", 1, 20, 2, 2, false, { 0x80000000 + 0x380000000 },
	  { 20 } },
	{ "qemu-hotplug-64g", 1, 8, 4, 4, false,
	  { 0xa0000UL + 0x7ff00000 + 0x80000000 }, { 8 } },
	{ "qemu-numa2-dist21", 2, 4, 4, 4, true,
	  { 0xa0000UL + 0x7ff00000 + 0x40000000, 0x140000000 }, { 2, 2 } },
	{ "supermicro-h8qg6-58e8", 8, 64, 10, 10, true,
	  { 0xa0000UL + 0xd7f00000 + 0x328000000, 0x400000000, 0x400000000,
	    0x400000000, 0x400000000, 0x400000000, 0x400000000,
	    0x400000000 }, { 8, 8, 8, 8, 8, 8, 8, 8 } },
	{ "supermicro-x10dai-4a64", 2, 40, 5, 3, true,
	  { 0x80000000 + 0x1380000000, 0x1400000000 }, { 20, 20 } },
	{ "supermicro-x8dtt-ce92", 2, 16, 4, 4, true,
	  { 0xa0000UL + 0xbff00000 + 0x540000000, 0x600000000 }, { 8, 8 } },
};

static struct numa build_machine(const char *name)
{
	struct numa_tables tables = scene_machine(name);
	struct numa numa = scene_build_tables(&tables);

	scene_free_machine(&tables);
	return numa;
}

CASE(numa_reads_every_real_machine)
{
	CHECK(ARRAY_LENGTH(machines) == 11);
	for (size_t i = 0; i < ARRAY_LENGTH(machines); i++) {
		const struct machine *want = &machines[i];
		struct numa numa = build_machine(want->name);

		CHECK(numa.srat == ST_OK && !numa.srat_cut_short);
		CHECK(numa.slit == (want->has_slit ? ST_OK : ST_NOT_FOUND));
		CHECK(numa.node_count == want->nodes);
		CHECK(numa.cpu_count == want->cpus);
		CHECK(numa.listed_count == want->listed);
		CHECK(numa.range_count == want->ranges);
		for (uint32_t id = 0; id < numa.node_count; id++) {
			CHECK(numa.nodes[id].domain == id);
			CHECK(numa.nodes[id].pages << 12 == want->bytes[id]);
			CHECK(numa.nodes[id].cpus == want->cpus_of[id]);
			CHECK(numa.nodes[id].reachable == want->nodes);
		}
		scene_free(&numa);
	}
}

CASE(numa_orders_the_nodes_of_a_real_machine)
{
	struct numa numa = build_machine("supermicro-h8qg6-58e8");
	static const uint8_t orders[][8] = {
		{ 0, 1, 2, 4, 6, 3, 5, 7 }, { 1, 0, 3, 5, 7, 2, 4, 6 },
		{ 2, 0, 3, 4, 6, 1, 5, 7 }, { 3, 1, 2, 5, 7, 0, 4, 6 },
		{ 4, 0, 2, 5, 6, 1, 3, 7 }, { 5, 1, 3, 4, 7, 0, 2, 6 },
		{ 6, 0, 2, 4, 7, 1, 3, 5 }, { 7, 1, 3, 5, 6, 0, 2, 4 },
	};
	uint32_t node;

	for (uint32_t from = 0; from < 8; from++)
		CHECK(memcmp(numa_order_at(&numa, from), orders[from], 8) == 0);
	CHECK(numa_distance(&numa, 0, 3) == 22);
	CHECK(numa_distance(&numa, 3, 2) == 16);
	CHECK(numa_find_cpu(&numa, 135, &node) == ST_OK && node == 6);
	CHECK(numa_find_cpu(&numa, 32, &node) == ST_OK && node == 0);
	CHECK(numa_find_cpu(&numa, 48, &node) == ST_NOT_FOUND && node == 0);
	scene_free(&numa);
}

/* --- random tables --------------------------------------------------------*/

CASE(numa_agrees_with_the_model)
{
	struct numa_census census = { .rounds = 0 };
	uint64_t state = check_seed();

	while (census.rounds < 20000) {
		uint64_t before = state;
		const char *difference = numa_model_round(&state, &census);

		CHECK(difference == NULL);
		if (difference != NULL) {
			printf("# state %#lx: %s\n", before, difference);
			return;
		}
	}
	CHECK(numa_census_is_rich(&census));
}

CASE(numa_agrees_with_the_model_about_real_machines)
{
	for (size_t i = 0; i < ARRAY_LENGTH(machines); i++) {
		struct numa_tables tables = scene_machine(machines[i].name);
		struct numa numa = scene_build_tables(&tables);

		CHECK(numa_model_compare(&numa, &tables) == NULL);
		scene_free(&numa);
		scene_free_machine(&tables);
	}
}

/* --- processors that there are --------------------------------------------*/

CASE(numa_counts_processors_that_the_srat_does_not_name_on_node_0)
{
	struct numa_tables nothing = { .srat = NULL };
	struct numa numa = scene_build_tables(&nothing);

	CHECK(numa.nodes[0].cpus == 0);
	for (uint32_t apic = 0; apic < 4; apic++)
		numa_add_cpu(&numa, apic);
	CHECK(numa.nodes[0].cpus == 4);
	scene_free(&numa);

	/* 2 on node 0 and 7 on node 1, each with a processor of that id. */
	scene_begin_nodes(&scene, "27");
	numa = scene_build(&scene);
	CHECK(numa.nodes[0].cpus == 1 && numa.nodes[1].cpus == 1);
	numa_clear_cpus(&numa);
	CHECK(numa.nodes[0].cpus == 0 && numa.nodes[1].cpus == 0);
	numa_add_cpu(&numa, 7);
	numa_add_cpu(&numa, 100);
	numa_add_cpu(&numa, 0xffffffff);
	CHECK(numa.nodes[0].cpus == 2 && numa.nodes[1].cpus == 1);
	scene_free(&numa);
}

/* --- records and audit ----------------------------------------------------*/

struct text_sink {
	struct sink sink;
	char text[2048];
	size_t bytes;
};

static void put_text(struct sink *sink, const char *text, size_t bytes)
{
	struct text_sink *to = (struct text_sink *)sink;

	memcpy(to->text + to->bytes, text, bytes);
	to->bytes += bytes;
}

CASE(numa_prints_records)
{
	struct text_sink to = { .sink.put = put_text };
	struct numa numa;

	scene_begin(&scene, 3);
	draft_affinity_x2(&scene.srat, 70000, 4294967294, 1);
	draft_affinity(&scene.srat, 2, 5, 1);
	draft_memory(&scene.srat, (struct draft_memory){
			2, PERSISTENT | HOT, 64 * GIB, 65 * GIB });
	draft_memory(&scene.srat, (struct draft_memory){
			2, HOT, 4 * GIB, 5 * GIB });
	scene_memory(&scene, 70000, 0, MIB);
	draft_memory(&scene.srat, (struct draft_memory){
			2, PERSISTENT, 8 * GIB, 9 * GIB });
	numa = scene_build(&scene);
	numa_print_records(&numa, &to.sink);
	scene_free(&numa);
	CHECK(strcmp(to.text,
		     "@node id=0 domain=2 pages=0 cpus=1\n"
		     "@node id=1 domain=70000 pages=256 cpus=1\n"
		     "@distance from=0 to=0 value=10\n"
		     "@distance from=0 to=1 value=20\n"
		     "@distance from=1 to=0 value=20\n"
		     "@distance from=1 to=1 value=10\n"
		     "@cpu apic=5 domain=2 enabled=1\n"
		     "@cpu apic=4294967294 domain=70000 enabled=1\n"
		     "@range start=0x0 end=0x100000 domain=70000 "
		     "flags=enabled\n"
		     "@range start=0x100000000 end=0x140000000 domain=2 "
		     "flags=enabled+hotplug\n"
		     "@range start=0x200000000 end=0x240000000 domain=2 "
		     "flags=enabled+nonvolatile\n"
		     "@range start=0x1000000000 end=0x1040000000 domain=2 "
		     "flags=enabled+hotplug+nonvolatile\n") == 0);
}

#define CHECK_SEES(place, wrong)					\
	do {								\
		__typeof__(place) kept_ = (place);			\
		(place) = (wrong);					\
		CHECK(!numa_audit(&numa));				\
		(place) = kept_;					\
		CHECK(numa_audit(&numa));				\
	} while (0)

CASE(numa_audit_sees_what_must_not_be)
{
	struct numa numa;

	scene_begin_nodes(&scene, "013");
	scene_picture(&scene, "00.11");
	scene_slit(&scene, 4, "\x0a\x14\x00\x1e"
		    "\x14\x0a\x00\xff"
		    "\x00\x00\x00\x00"
		    "\x14\x14\x00\x0a");
	numa = scene_build(&scene);
	CHECK(numa.slit == ST_OK);
	CHECK_SEES(numa.node_count, 0);
	CHECK_SEES(numa.node_count, NUMA_NODES + 1);
	CHECK_SEES(numa.nodes[1].domain, 0);
	CHECK_SEES(numa.ranges[1].start.raw, PAGE_SIZE);
	CHECK_SEES(numa.ranges[1].start.raw, 3 * PAGE_SIZE + 1);
	CHECK_SEES(numa.ranges[1].end.raw, 3 * PAGE_SIZE);
	CHECK_SEES(numa.ranges[1].end.raw, PHYSICAL_LIMIT + PAGE_SIZE);
	CHECK_SEES(numa.ranges[1].node, 3);
	CHECK_SEES(numa.cpus[1].apic, 0);
	CHECK_SEES(numa.cpus[1].node, 3);
	CHECK_SEES(numa.distances[0], 11);
	CHECK_SEES(numa.distances[1], 9);
	CHECK_SEES(numa.distances[1], 31);
	CHECK_SEES(numa.distances[1], 255);
	CHECK_SEES(numa.distances[5], 30);
	CHECK_SEES(numa.orders[0], 1);
	CHECK_SEES(numa.orders[1], 2);
	CHECK_SEES(numa.orders[1], 0);
	CHECK_SEES(numa.orders[2], 3);
	CHECK_SEES(numa.orders[7], 1);
	CHECK_SEES(numa.nodes[0].reachable, 0);
	CHECK_SEES(numa.nodes[0].reachable, 2);
	CHECK_SEES(numa.nodes[0].reachable, 4);
	scene_free(&numa);
}
