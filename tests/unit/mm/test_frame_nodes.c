// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/nodes.c: nodes with several pools, with none, and their places. */
#include "check.h"
#include "frame_world.h"

#define TINY	((struct frame_shape){ 6, 2 })
#define FRAMES	256UL		/* a giant of that shape                     */
#define MARK	((const void *)0x1234)
#define POOLS	4

/*
 * Node 0 has pools 0 and 1, node 1 none, node 2 pools 2 and 3. Pool 1 has
 * memory on both sides of pool 2's.
 */
static const struct frame_place places[] = {
	{ 1 * FRAMES, 0 }, { 3 * FRAMES, 1 }, { 4 * FRAMES, 2 },
	{ 5 * FRAMES, 1 }, { 9 * FRAMES, 3 },
};
static const uint16_t first[] = { 0, 2, 2, 4 };
static const uint8_t order[] = {
	1, 0, 3, 2,
	3, 2, 1, 0,
	3, 2, 1, 0,
};
/* In giants; the second one of pool 1 is not its own. */
static const struct frame_run memory[POOLS][2] = {
	{ { { 1 }, 1 } }, { { { 3 }, 1 }, { { 5 }, 1 } },
	{ { { 4 }, 1 } }, { { { 9 }, 1 } },
};

struct machine {
	struct frame_world *world[POOLS];
	struct frame_pool *pool[POOLS];
	struct frame_nodes nodes;
};

static void add(struct machine *machine, unsigned pool)
{
	for (unsigned i = 0; i < 2 && memory[pool][i].frames != 0; i++) {
		struct frame_run run = memory[pool][i];

		run.first.raw *= FRAMES;
		run.frames *= FRAMES;
		CHECK(frame_pool_add(machine->pool[pool], 0, run) == ST_OK);
	}
}

static void set_up(struct machine *machine)
{
	machine->nodes = (struct frame_nodes){
		.pool = machine->pool, .pools = POOLS, .count = 3,
		.first = first, .order = order,
		.places = places, .place_count = 5,
	};
	for (unsigned i = 0; i < POOLS; i++) {
		machine->world[i] = frame_world_new(
			&(struct frame_world_request){
				.shape = TINY, .cpus = 1,
				.first = { memory[i][0].first.raw * FRAMES },
				.frames = i == 1 ? 3 * FRAMES : FRAMES });
		machine->pool[i] = &machine->world[i]->pool;
		add(machine, i);
	}
}

static void tear_down(struct machine *machine)
{
	for (unsigned i = 0; i < POOLS; i++)
		frame_world_free(machine->world[i]);
}

static unsigned pool_of(const struct machine *machine, uint64_t frame)
{
	unsigned pool;

	if (frame_nodes_find(&machine->nodes, (pfn_t){ frame }, &pool) !=
	    ST_OK)
		return POOLS;
	return pool;
}

CASE(frame_nodes_find_the_pool_of_each_frame_and_of_no_other)
{
	static const unsigned wanted[] = {
		POOLS, 0, POOLS, 1, 2, 1, POOLS, POOLS, POOLS, 3, POOLS };
	struct machine machine;

	set_up(&machine);
	for (uint64_t frame = 0; frame < 11 * FRAMES; frame++)
		CHECK(pool_of(&machine, frame) == wanted[frame / FRAMES]);
	CHECK(pool_of(&machine, UINT64_MAX) == POOLS);
	machine.nodes.place_count = 0;
	CHECK(pool_of(&machine, FRAMES) == POOLS);
	tear_down(&machine);
}

/* Which giants are used up, one after the other. */
static void expect_giants(struct machine *machine,
			  const struct frame_request *request,
			  const uint64_t *giants, unsigned count)
{
	pfn_t frame;

	for (unsigned i = 0; i < count * FRAMES; i++) {
		CHECK(frame_alloc(&machine->nodes, 0, request, &frame) ==
		      ST_OK);
		CHECK(frame.raw / FRAMES == giants[i / FRAMES]);
	}
	CHECK(frame_alloc(&machine->nodes, 0, request, &frame) ==
	      ST_NO_MEMORY);
}

CASE(frame_nodes_use_all_pools_of_a_node_before_another_node)
{
	static const uint64_t giants[] = { 5, 3, 1, 9, 4 };
	struct frame_request request = { .owner = 1 };
	struct machine machine;

	set_up(&machine);
	expect_giants(&machine, &request, giants, 5);
	tear_down(&machine);
}

CASE(frame_nodes_require_every_pool_of_the_node_and_no_other)
{
	static const uint64_t here[] = { 5, 3, 1 }, there[] = { 9, 4 };
	struct frame_request request = {
		.owner = 1, .rule = FRAME_NODE_REQUIRED };
	struct machine machine;

	set_up(&machine);
	expect_giants(&machine, &request, here, 3);
	request.node = 2;
	expect_giants(&machine, &request, there, 2);
	tear_down(&machine);
}

CASE(frame_nodes_without_memory_use_the_nearest_or_are_refused)
{
	static const uint64_t giants[] = { 9, 4, 5, 3, 1 };
	struct frame_request request = {
		.owner = 1, .node = 1, .rule = FRAME_NODE_REQUIRED };
	struct machine machine;

	set_up(&machine);
	expect_giants(&machine, &request, giants, 0);
	request.rule = FRAME_NODE_PREFERRED;
	expect_giants(&machine, &request, giants, 5);
	request.node = 3;
	CHECK(frame_alloc(&machine.nodes, 0, &request, &(pfn_t){ 0 }) ==
	      ST_BAD_ARGUMENT);
	request.node = 1;
	request.rule = (enum frame_node_rule)(FRAME_NODE_REQUIRED + 1);
	CHECK(frame_alloc(&machine.nodes, 0, &request, &(pfn_t){ 0 }) ==
	      ST_BAD_ARGUMENT);
	tear_down(&machine);
}

static enum status put(struct machine *machine, uint64_t frame)
{
	return frame_free(&machine->nodes, 0, &(struct frame_return){
		{ frame }, FRAME_4K, 0, 0, MARK });
}

CASE(frame_nodes_free_to_the_frames_own_pool)
{
	struct frame_request request = { .owner = 1 };
	struct machine machine;
	pfn_t frame;

	set_up(&machine);
	for (unsigned i = 0; i < 5 * FRAMES; i++)
		CHECK(frame_alloc(&machine.nodes, 0, &request, &frame) ==
		      ST_OK);
	for (uint64_t giant = 0; giant < 11; giant++) {
		bool is_memory = pool_of(&machine, giant * FRAMES) < POOLS;

		for (uint64_t i = 0; i < FRAMES; i++)
			CHECK(put(&machine, giant * FRAMES + i) ==
			      (is_memory ? ST_OK : ST_BAD_RANGE));
		CHECK(is_memory ||
		      machine.world[0]->last.frame.raw / FRAMES == giant);
	}
	CHECK(machine.world[0]->reports == 6 * FRAMES);
	CHECK(machine.world[0]->last.kind == FRAME_FOREIGN);
	CHECK(machine.world[0]->last.caller == MARK);
	CHECK(put(&machine, 4 * FRAMES) == ST_CONFLICT);
	for (unsigned i = 0; i < POOLS; i++)
		CHECK(frame_world_audit(machine.world[i],
					i == 1 ? 2 * FRAMES : FRAMES));
	tear_down(&machine);
}
