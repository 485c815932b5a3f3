// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/pick in races: every order of two CPUs that want one frame (TSO). */
#include "explored_scene.h"

#include "check.h"
#include "explorer.h"

#define WANTED 100

static struct scene scene;

static void one_block_is_free(void *context)
{
	struct frame_pool_request request = pool_of(&scene, 0);

	(void)context;
	if (explored_frame_pool_init(&scene.pool, &request) != ST_OK ||
	    explored_frame_pool_add(&scene.pool, 0, (struct frame_run){
			    { 0 }, BLOCK }) != ST_OK)
		abort();
}

static void giant_is_free(void *context)
{
	one_block_is_free(context);
	if (explored_frame_pool_add(&scene.pool, 0, (struct frame_run){
			    { BLOCK }, BLOCK }) != ST_OK)
		abort();
}

static void pick_wanted(void *context)
{
	(void)context;
	scene.status[explore_cpu()] = explored_frame_pool_alloc_at(
		&scene.pool, 2 * explore_cpu(), (pfn_t){ WANTED }, OWNER_BAD);
}

static void one_picked(void *context)
{
	bool first = scene.status[0] == ST_OK;
	uint64_t had = context == NULL ? BLOCK : FRAMES;

	EXPLORE_CHECK(scene.status[first] == ST_CONFLICT);
	EXPLORE_CHECK(scene.status[!first] == ST_OK);
	EXPLORE_CHECK(scene_has_free(&scene, had - 1));
	EXPLORE_CHECK(scene.frame_owner[WANTED].plain == OWNER_BAD);
}

CASE(frame_pick_gives_it_to_one_of_two)
{
	explore_whole(&(struct exploration){
		.name = "pick_pick", .set_up = one_block_is_free,
		.cpu = { pick_wanted, pick_wanted }, .check = one_picked,
		.preemptions = EXPLORE_AT_MOST(1) });
	explore_whole(&(struct exploration){
		.name = "pick_pick_giant", .set_up = giant_is_free,
		.context = &scene,
		.cpu = { pick_wanted, pick_wanted }, .check = one_picked,
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* Splits the block and makes it whole again, with the wanted one in it. */
static void take_and_give(void *context)
{
	struct frame_request one = { .owner = 1 };
	cpu_slot slot = 2 * explore_cpu();
	pfn_t frame;

	(void)context;
	EXPLORE_CHECK(explored_frame_pool_alloc(&scene.pool, slot, &one,
						&frame) == ST_OK);
	EXPLORE_CHECK(frame.raw != WANTED);
	EXPLORE_CHECK(explored_frame_pool_free(&scene.pool, slot,
					       &(struct frame_return){
		frame, FRAME_4K, 0, 0, NULL }) == ST_OK);
}

static void wanted_is_gone(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_OK);
	EXPLORE_CHECK(scene_has_free(&scene, BLOCK - 1));
}

CASE(frame_pick_finds_it_while_its_block_splits_and_merges)
{
	explore_whole(&(struct exploration){
		.name = "pick_merge", .set_up = one_block_is_free,
		.cpu = { pick_wanted, take_and_give },
		.check = wanted_is_gone,
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* All that there is: one of them gets the wanted frame. */
static void only_wanted_is_free(void *context)
{
	struct frame_request one = { .owner = 1 };
	pfn_t frame;

	one_block_is_free(context);
	for (unsigned i = 0; i < BLOCK; i++)
		if (explored_frame_pool_alloc(&scene.pool, 0, &one, &frame) !=
		    ST_OK)
			abort();
	if (explored_frame_pool_free(&scene.pool, 0, &(struct frame_return){
			{ WANTED }, FRAME_4K, 0, 0, NULL }) != ST_OK)
		abort();
}

static void take_last(void *context)
{
	struct frame_request one = { .owner = 1 };
	pfn_t frame;

	(void)context;
	scene.status[1] = explored_frame_pool_alloc(&scene.pool, 2, &one,
						    &frame);
}

static void one_got_the_last(void *context)
{
	(void)context;
	EXPLORE_CHECK((scene.status[0] == ST_OK) != (scene.status[1] == ST_OK));
	EXPLORE_CHECK(scene.status[0] == ST_OK ||
		      scene.status[0] == ST_CONFLICT);
	EXPLORE_CHECK(scene.status[1] == ST_OK ||
		      scene.status[1] == ST_NO_MEMORY);
	EXPLORE_CHECK(scene.frame_owner[WANTED].plain ==
		      (scene.status[0] == ST_OK ? OWNER_BAD : 1));
	EXPLORE_CHECK(scene_has_free(&scene, 0));
}

CASE(frame_pick_and_alloc_never_both_get_the_last)
{
	explore_whole(&(struct exploration){
		.name = "pick_take", .set_up = only_wanted_is_free,
		.cpu = { pick_wanted, take_last }, .check = one_got_the_last,
		.preemptions = EXPLORE_AT_MOST(1) });
}
