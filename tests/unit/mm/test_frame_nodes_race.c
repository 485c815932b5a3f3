// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mm/frame/nodes.c: no request is refused while there is a free frame, also
 * when it goes from pool to pool in front of the search.
 *
 * The file is included with its calls of pools replaced, so that another CPU
 * can move the frame whenever the search is about to look at a pool.
 */
#include "check.h"
#include "frame_world.h"

#include <mm/frame/search.h>

static void before_a_look(const struct frame_pool *pool);

static bool try_after_a_move(struct frame_pool *pool, cpu_slot slot,
			     const struct frame_request *request, pfn_t *out)
{
	before_a_look(pool);
	return frame_pool_try(pool, slot, request, out);
}

static enum status alloc_after_a_move(struct frame_pool *pool, cpu_slot slot,
				      const struct frame_request *request,
				      pfn_t *out)
{
	before_a_look(pool);
	return frame_pool_alloc(pool, slot, request, out);
}

#define frame_pool_try		try_after_a_move
#define frame_pool_alloc	alloc_after_a_move
#include "../../../mm/frame/nodes.c"
#undef frame_pool_alloc

#define TINY	((struct frame_shape){ 6, 2 })
#define FRAMES	256UL		/* a giant of that shape: a pool             */
#define POOLS	3		/* the last one is full all the time         */
#define SEARCHES 0		/* the slots                                 */
#define MOVES	2

static const uint16_t first_pool[] = { 0, 1, 2, 3 };
static const uint8_t order[] = { 0, 1, 2, 1, 0, 2, 2, 1, 0 };
static const struct frame_place places[] = {
	{ 0, 0 }, { FRAMES, 1 }, { 2 * FRAMES, 2 } };
static struct frame_world *worlds[POOLS];
static struct frame_pool *pools[POOLS];
static struct frame_nodes nodes = {
	.pool = pools, .pools = POOLS, .count = POOLS,
	.first = first_pool, .order = order,
	.places = places, .place_count = POOLS,
};

/* The one frame, and how often it may still go from pool to pool. */
static pfn_t home[POOLS];
static unsigned where, moves_left;

static void give(unsigned pool)
{
	CHECK(frame_pool_free(pools[pool], MOVES, &(struct frame_return){
		.frame = home[pool], .size = FRAME_4K }) == ST_OK);
}

static void take(unsigned pool)
{
	struct frame_request one = { .owner = 1 };

	CHECK(frame_pool_alloc(pools[pool], MOVES, &one, &home[pool]) ==
	      ST_OK);
}

/* Free elsewhere before it is allocated here: there is always one. */
static void before_a_look(const struct frame_pool *pool)
{
	if (pool != pools[where] || moves_left == 0)
		return;
	moves_left--;
	give(1 - where);
	take(where);
	where = 1 - where;
}

static void set_up(unsigned moves)
{
	pfn_t frame;

	for (unsigned i = 0; i < POOLS; i++) {
		worlds[i] = frame_world_new(&(struct frame_world_request){
			.shape = TINY, .cpus = 2,
			.first = { i * FRAMES }, .frames = FRAMES });
		pools[i] = &worlds[i]->pool;
		CHECK(frame_pool_add(pools[i], 0, (struct frame_run){
			{ i * FRAMES }, FRAMES }) == ST_OK);
		for (unsigned n = 0; n < FRAMES; n++)
			CHECK(frame_pool_alloc(pools[i], 0,
					       &(struct frame_request){
						       .owner = 1 },
					       &frame) == ST_OK);
		home[i] = frame;
	}
	where = 1;
	give(where);
	moves_left = moves;
}

static void tear_down(void)
{
	for (unsigned i = 0; i < POOLS; i++)
		frame_world_free(worlds[i]);
}

CASE(frame_nodes_refuse_no_request_while_a_frame_goes_to_and_fro)
{
	struct frame_request one = { .owner = 1 };
	pfn_t frame;

	for (unsigned moves = 0; moves < 40; moves++) {
		set_up(moves);
		CHECK(frame_alloc(&nodes, SEARCHES, &one, &frame) == ST_OK);
		CHECK(moves_left == 0);
		CHECK(frame_alloc(&nodes, SEARCHES, &one, &frame) ==
		      ST_NO_MEMORY);
		tear_down();
	}
}

/* It never stands still: no refusal, and an end. */
CASE(frame_nodes_give_up_when_a_frame_never_stands_still)
{
	struct frame_request one = { .owner = 1 };
	pfn_t frame;

	set_up(UINT32_MAX);
	CHECK(frame_alloc(&nodes, SEARCHES, &one, &frame) == ST_CONFLICT);
	tear_down();
}
