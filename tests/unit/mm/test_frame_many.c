// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/many.c: many frames allocated at once, all of them or none. */
#include "many_scene.h"

#include <mm/frame/block.h>
#include <mm/frame/many.h>

static pfn_t held[ALL];

/* --- alloc -----------------------------------------------------------------*/

CASE(frame_many_gets_all_of_them_or_none)
{
	static const uint64_t counts[] = { 1, 2, 7, 63, 64, 65, 100, 300, 512 };

	for (unsigned i = 0; i < ARRAY_LENGTH(counts); i++) {
		struct frame_world *world = tiny(512);
		uint64_t count = counts[i], had = 0;

		while (had + count <= 512) {
			CHECK(get_many(world, held + had, count) == ST_OK);
			had += count;
			CHECK(are_mine(world, held, had));
			CHECK(frame_world_audit(world, 512 - had));
		}
		/* One more than there is, and nothing has changed. */
		CHECK(get_many(world, held + had, 512 - had + 1) ==
		      ST_NO_MEMORY);
		CHECK(are_mine(world, held, had));
		CHECK(frame_world_audit(world, 512 - had));
		if (had < 512)
			CHECK(get_many(world, held + had, 512 - had) == ST_OK);
		CHECK(frame_world_audit(world, 0));
		CHECK(give_many(world, held, 512) == ST_OK);
		CHECK(frame_world_audit(world, 512));
		CHECK(world->reports == 0);
		frame_world_free(world);
	}
}

/* As many as are free, wherever they lie, and no more. */
CASE(frame_many_finds_what_is_scattered)
{
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 200; round++) {
		struct frame_world *world = tiny(512);
		uint64_t gap = 1 + check_random(&seed) % 60, free = 0;

		CHECK(get_many(world, held, 512) == ST_OK);
		for (uint64_t i = 0; i < 512; i++) {
			if (check_random(&seed) % gap != 0)
				continue;
			CHECK(give(world, i) == ST_OK);
			free++;
		}
		CHECK(get_many(world, held, free + 1) == ST_NO_MEMORY);
		CHECK(frame_world_audit(world, free));
		if (free != 0)
			CHECK(get_many(world, held, free) == ST_OK);
		CHECK(are_mine(world, held, free));
		CHECK(frame_world_audit(world, 0));
		frame_world_free(world);
	}
}

CASE(frame_many_takes_split_blocks_before_whole_ones)
{
	struct frame_world *world = tiny(512);
	uint64_t block = get(world, FRAME_4K).raw / BLOCK;

	CHECK(get_many(world, held, 130) == ST_OK);
	for (unsigned i = 0; i < 63; i++)
		CHECK(held[i].raw / BLOCK == block);
	for (unsigned i = 63; i < 130; i++)
		CHECK(held[i].raw / BLOCK != block);
	/* Three of eight blocks, the lowest of their giant is whole. */
	CHECK(world->pool.blocks.level[0][0].plain == 0x10);
	frame_world_free(world);
}

CASE(frame_many_holds_no_block_when_it_has_all)
{
	struct frame_world *world = tiny(512);
	uint64_t block;

	CHECK(get_many(world, held, 3) == ST_OK);
	block = held[0].raw / BLOCK;
	CHECK(world->pool.hints[block].plain == BLOCK - 3);
	CHECK(frame_tree_has(&world->pool.classes[5], block));
	frame_world_free(world);
}

CASE(frame_many_opens_whole_blocks_without_a_word_of_bits)
{
	struct frame_world *world = tiny(512);

	CHECK(get_many(world, held, 2 * BLOCK + 1) == ST_OK);
	CHECK(are_mine(world, held, 2 * BLOCK + 1));
	/* Only the third block was ever listed as split. */
	CHECK(count_ones(world->pool.split.level[0][0].plain) == 1);
	CHECK(frame_world_audit(world, 512 - 2 * BLOCK - 1));
	/* They are single frames like any other. */
	CHECK(give(world, held[0].raw) == ST_OK);
	CHECK(give(world, held[0].raw) == ST_CONFLICT);
	CHECK(frame_world_audit(world, 512 - 2 * BLOCK));
	CHECK(give_many(world, held + 1, 2 * BLOCK) == ST_OK);
	CHECK(frame_world_audit(world, 512));
	frame_world_free(world);
}

/* Another CPU, or a handler that it interrupted, is in the middle of it. */
CASE(frame_many_has_no_verdict_while_another_is_at_it)
{
	struct frame_world *world = tiny(512);
	struct frame_activity *activity = world->pool.activity;
	struct frame_request request = { .owner = MINE };
	struct frame_array out = { held, 513 };

	activity[2].moving.plain++;
	CHECK(get_many(world, held, 513) == ST_CONFLICT);
	CHECK(get_many(world, held, 512) == ST_OK);
	CHECK(give_many(world, held, 512) == ST_OK);
	activity[2].moving.plain++;
	activity[2].claiming.plain++;
	CHECK(get_many(world, held, 513) == ST_CONFLICT);
	CHECK(frame_pool_alloc_many(&world->pool, 3, &request, out) ==
	      ST_NO_MEMORY);
	request.patience = FRAME_NO_WAIT;
	CHECK(frame_pool_alloc_many(&world->pool, 0, &request, out) ==
	      ST_NO_MEMORY);
	activity[2].claiming.plain++;
	CHECK(get_many(world, held, 513) == ST_NO_MEMORY);
	for (unsigned slot = 0; slot < 4; slot++)
		CHECK(activity[slot].claiming.plain % 2 == 0);
	CHECK(frame_world_audit(world, 512));
	frame_world_free(world);
}

CASE(frame_many_zeroes_what_should_be_zero)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = TINY, .frames = 512,
			.cpus = 1, .memory = FRAME_WORLD_MEMORY });
	struct frame_request request = {
		.owner = MINE, .contents = FRAME_ZEROED };
	uint64_t zeros = 0;

	memset(world->memory, 0xa5, 512 * PAGE_SIZE);
	CHECK(frame_pool_alloc_many(&world->pool, 0, &request,
				    (struct frame_array){ held, 77 }) == ST_OK);
	for (unsigned i = 0; i < 77; i++)
		for (uint64_t at = 0; at < PAGE_SIZE; at++)
			zeros += world->memory[held[i].raw * PAGE_SIZE + at] ==
				 0;
	CHECK(zeros == 77 * PAGE_SIZE);
	for (uint64_t at = 0; at < 512 * PAGE_SIZE; at++)
		zeros -= world->memory[at] == 0;
	CHECK(zeros == 0);
	frame_world_free(world);
}

CASE(frame_many_refuses_nonsense_requests)
{
	struct frame_world *world = tiny(512);
	struct frame_request bad[] = {
		{ .owner = 0 }, { .owner = FRAME_BYTE_FIXED },
		{ .owner = 1, .size = FRAME_2M },
		{ .owner = 1, .size = FRAME_RUN, .pages = 3 },
		{ .owner = 1, .limit = FRAME_BELOW_4G },
		{ .owner = 1, .contents = (enum frame_contents)9 },
		{ .owner = 1, .patience = (enum frame_patience)2 },
	};
	struct frame_array three = { held, 3 };

	for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++)
		CHECK(frame_pool_alloc_many(&world->pool, 0, &bad[i], three) ==
		      ST_BAD_ARGUMENT);
	CHECK(get_many(world, held, 0) == ST_BAD_ARGUMENT);
	CHECK(give_many(world, held, 0) == ST_BAD_ARGUMENT);
	CHECK(frame_pool_free_many(&world->pool, 0,
				   &(struct frame_many_return){
		.frames = held, .count = 1 }) == ST_BAD_ARGUMENT);
	CHECK(world->reports == 0 && frame_world_audit(world, 512));
	frame_world_free(world);
}

CASE(frame_many_asserts_that_the_slot_is_the_pools)
{
	struct frame_world *world = tiny(512);
	struct frame_request request = { .owner = MINE };

	CHECK(get_many(world, held, 1) == ST_OK);
	CHECK_ASSERTS((void)!frame_pool_alloc_many(
		&world->pool, 4, &request, (struct frame_array){ held, 1 }));
	CHECK_ASSERTS((void)!frame_pool_free_many(
		&world->pool, 4, &(struct frame_many_return){
			.frames = held, .count = 1, .owner = MINE }));
	frame_world_free(world);
}

/* A second copy of an allocated frame, that another CPU's flush returned. */
CASE(frame_many_drops_what_is_allocated_already)
{
	struct frame_world *world = tiny(512);
	uint64_t copy, block;

	CHECK(get_many(world, held, 512) == ST_OK);
	copy = held[100].raw;
	CHECK(give(world, copy) == ST_OK && give(world, 5) == ST_OK);
	world->pool.frame_owner[copy].plain = OTHERS;
	CHECK(get_many(world, held, 2) == ST_NO_MEMORY);
	CHECK(world->reports == 1 && world->last.frame.raw == copy);
	CHECK(world->last.kind == FRAME_FREED_AT_ONCE);
	CHECK(get_many(world, held, 1) == ST_OK && held[0].raw == 5);
	CHECK(world->pool.frame_owner[copy].plain == OTHERS);
	frame_world_free(world);

	world = tiny(512);
	block = get(world, FRAME_2M).raw;
	CHECK(frame_return_blocks(&world->pool, 0, 0,
				  1UL << block / BLOCK) == 0);
	CHECK(get_many(world, held, 512) == ST_NO_MEMORY);
	CHECK(world->reports == 1 && world->last.frame.raw == block);
	CHECK(get_many(world, held, 512 - BLOCK) == ST_OK);
	CHECK(are_mine(world, held, 512 - BLOCK));
	frame_world_free(world);
}

/* --- a free of what it holds -----------------------------------------------*/

/*
 * Wrongly, since no caller has it yet: it is dropped, and named. `again`: it
 * was allocated once more, and is another owner's now.
 */
static void expect_dropped(bool again)
{
	static const uint8_t alone[] = { 0 };
	struct frame_world *world = tiny(512);
	struct frame_pool *pool = &world->pool;
	struct frame_many many = {
		.pool = &pool, .order = alone, .pools = 1, .slot = 0 };
	pfn_t freed;

	CHECK(frame_many_init(&many, MINE, (struct frame_array){
		held, 515 }) == ST_OK);
	frame_many_claim(&many, 0);
	freed = held[100];
	CHECK(frame_pool_free(pool, 2, &(struct frame_return){
		.frame = freed, .caller = MARK }) == ST_OK);
	if (again)
		CHECK(frame_pool_alloc_at(pool, 2, freed, OTHERS) == ST_OK);
	CHECK(frame_many_finish(&many) == ST_NO_MEMORY);
	CHECK(world->reports == 1);
	CHECK(world->last.kind == FRAME_FREED_AT_ONCE);
	CHECK(world->last.frame.raw == freed.raw);
	CHECK(pool->frame_owner[freed.raw].plain == (again ? OTHERS : 0));
	CHECK(frame_world_audit(world, 512 - again));
	CHECK(get_many(world, held, 512 - again) == ST_OK);
	CHECK(are_mine(world, held, 512 - again));
	frame_world_free(world);
}

CASE(frame_many_gives_nothing_back_that_was_freed_meanwhile)
{
	expect_dropped(false);
	expect_dropped(true);
}

/* --- nodes -----------------------------------------------------------------*/

#define POOL	256UL

static const struct frame_place places[] = { { 0, 0 }, { 1024, 1 } };
static const uint16_t firsts[] = { 0, 1, 2, 2 };
static const uint8_t orders[] = { 0, 1, 1, 0, 0, 1 };

struct machine {
	struct frame_world *world[2];
	struct frame_pool *pool[2];
	struct frame_nodes nodes;
};

static void set_up(struct machine *machine)
{
	machine->nodes = (struct frame_nodes){
		.pool = machine->pool, .pools = 2, .count = 3,
		.first = firsts, .order = orders,
		.places = places, .place_count = 2,
	};
	for (unsigned i = 0; i < 2; i++) {
		machine->world[i] = frame_world_full(
			&(struct frame_world_request){
				.shape = TINY, .first = { 1024 * i },
				.frames = POOL, .cpus = 1 });
		machine->pool[i] = &machine->world[i]->pool;
	}
}

static bool audit(const struct machine *machine, uint64_t free0,
		  uint64_t free1)
{
	return frame_world_audit(machine->world[0], free0) &&
	       frame_world_audit(machine->world[1], free1);
}

static void tear_down(struct machine *machine)
{
	frame_world_free(machine->world[0]);
	frame_world_free(machine->world[1]);
}

CASE(frame_many_falls_back_to_other_nodes_unless_told_not_to)
{
	struct frame_request request = { .owner = MINE, .node = 1 };
	struct frame_array out = { held, POOL + 1 };
	struct machine machine;

	set_up(&machine);
	request.rule = FRAME_NODE_REQUIRED;
	CHECK(frame_alloc_many(&machine.nodes, 0, &request, out) ==
	      ST_NO_MEMORY);
	CHECK(audit(&machine, POOL, POOL));
	request.rule = FRAME_NODE_PREFERRED;
	CHECK(frame_alloc_many(&machine.nodes, 0, &request, out) == ST_OK);
	CHECK(audit(&machine, POOL - 1, 0));
	for (unsigned i = 0; i <= POOL; i++)
		CHECK(held[i].raw / 1024 == (i < POOL));
	/* One more than is left: all of them are returned to both pools. */
	out.frames += POOL + 1;
	out.count = POOL;
	request.node = 0;
	CHECK(frame_alloc_many(&machine.nodes, 0, &request, out) ==
	      ST_NO_MEMORY);
	CHECK(audit(&machine, POOL - 1, 0));
	request.node = 2;
	request.rule = FRAME_NODE_REQUIRED;
	CHECK(frame_alloc_many(&machine.nodes, 0, &request, out) ==
	      ST_NO_MEMORY);
	request.node = 3;
	CHECK(frame_alloc_many(&machine.nodes, 0, &request, out) ==
	      ST_BAD_ARGUMENT);
	tear_down(&machine);
}

CASE(frame_many_claims_in_no_pool_that_it_does_not_ask)
{
	struct frame_request request = { .owner = MINE, .node = 1 };
	struct machine machine;

	set_up(&machine);
	CHECK(frame_alloc_many(&machine.nodes, 0, &request,
			       (struct frame_array){ held, POOL }) == ST_OK);
	CHECK(machine.pool[1]->activity[0].claiming.plain == 2);
	CHECK(machine.pool[0]->activity[0].claiming.plain == 0);
	CHECK(audit(&machine, POOL, 0));
	tear_down(&machine);
}

CASE(frame_many_frees_to_the_pools_that_the_frames_are_of)
{
	struct frame_request request = { .owner = MINE };
	struct frame_array out = { held, 2 * POOL };
	struct frame_many_return back = {
		.frames = held, .count = 2 * POOL, .owner = MINE,
		.caller = MARK };
	uint64_t seed = check_seed();
	struct machine machine;
	pfn_t good;

	set_up(&machine);
	CHECK(frame_alloc_many(&machine.nodes, 0, &request, out) == ST_OK);
	CHECK(audit(&machine, 0, 0));
	shuffle(held, 2 * POOL, &seed);
	good = held[400];
	held[400].raw = 700;
	CHECK(frame_free_many(&machine.nodes, 0, &back) == ST_BAD_RANGE);
	CHECK(audit(&machine, 0, 0));
	held[400] = good;
	/* One pool alone has not all of them. */
	CHECK(frame_pool_free_many(machine.pool[0], 0, &back) ==
	      ST_BAD_RANGE);
	CHECK(audit(&machine, 0, 0));
	CHECK(frame_free_many(&machine.nodes, 0, &back) == ST_OK);
	CHECK(audit(&machine, POOL, POOL));
	tear_down(&machine);
}

/* --- a walk ----------------------------------------------------------------*/

/* Each array is a chunk of `held`; singles and blocks come in between. */
CASE(frame_many_walks_at_random_beside_the_others)
{
	enum { CHUNKS = 24, MOST = 200, FRAMES = 2048 };
	static pfn_t chunk[CHUNKS][MOST];
	uint64_t count[CHUNKS] = { 0 }, seed = check_seed(), free = FRAMES;
	struct frame_world *world = tiny(FRAMES);

	for (unsigned step = 0; step < 20000; step++) {
		uint64_t roll = check_random(&seed);
		unsigned at = roll % CHUNKS;
		uint64_t wanted = 1 + (roll >> 8) % MOST;

		if (count[at] == 0) {
			enum status status = get_many(world, chunk[at], wanted);

			CHECK(status == (wanted <= free ? ST_OK :
							  ST_NO_MEMORY));
			if (status == ST_OK)
				count[at] = wanted;
			free -= count[at];
		} else if (roll >> 32 & 1) {
			shuffle(chunk[at], count[at], &seed);
			CHECK(give_many(world, chunk[at], count[at]) == ST_OK);
			free += count[at];
			count[at] = 0;
		} else {
			CHECK(give(world, chunk[at][--count[at]].raw) ==
			      ST_OK);
			free++;
		}
		if (step % 16 == 0)
			CHECK(frame_world_audit(world, free));
	}
	for (unsigned i = 0; i < CHUNKS; i++)
		CHECK(count[i] == 0 || are_mine(world, chunk[i], count[i]));
	frame_world_free(world);
}
