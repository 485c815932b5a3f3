// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Requests that name frames instead of taking any: runs, one frame, below
 * 1 MiB. They look into blocks that no list led them to, so here the words
 * of a block that was never split are junk. In every order (TSO).
 */
#include "explored_scene.h"
#include "wide_scene.h"

#include "check.h"
#include "explorer.h"

/* One giant of two blocks of a word each. */
#define ALL 128
#define HALF 64
#define WANTED 100

static pfn_t got[3];
static struct scene scene;

/* A pool that has its first frames only, or its last. */
static void set_up(struct frame_run free)
{
	struct frame_pool_request request = pool_of(&scene, 0);

	request.frames = ALL;
	request.shape = (struct frame_shape){ 6, 1 };
	memset(scene.bits, 0x5b, sizeof(scene.bits));
	memset(scene.frame_owner, 0x5b, sizeof(scene.frame_owner));
	if (explored_frame_pool_init(&scene.pool, &request) != ST_OK ||
	    explored_frame_pool_add(&scene.pool, 0, free) != ST_OK)
		abort();
}

static void giant_is_free(void *context)
{
	(void)context;
	set_up((struct frame_run){ { 0 }, ALL });
}

static void upper_is_free(void *context)
{
	(void)context;
	set_up((struct frame_run){ { HALF }, HALF });
}

static void take(struct frame_request request)
{
	unsigned cpu = explore_cpu();

	request.owner = 1;
	scene.status[cpu] = explored_frame_pool_alloc(
		&scene.pool, 2 * cpu, &request, &got[cpu]);
}

static bool all_free_is(uint64_t want)
{
	return scene_has_free(&scene, want);
}

/* --- words that mean nothing -----------------------------------------------*/

static void take_a_block(void *context)
{
	(void)context;
	take((struct frame_request){ .size = FRAME_2M });
}

static void take_one(void *context)
{
	(void)context;
	take((struct frame_request){ .size = FRAME_4K });
}

static void take_one_low(void *context)
{
	(void)context;
	take((struct frame_request){ .limit = FRAME_BELOW_1M });
}

/* The lower block, and one frame of the upper. */
static void take_more_than_a_block(void *context)
{
	(void)context;
	take((struct frame_request){ .size = FRAME_RUN, .pages = HALF + 1 });
}

static void pick_wanted(void *context)
{
	(void)context;
	scene.status[0] = explored_frame_pool_alloc_at(
		&scene.pool, 0, (pfn_t){ WANTED }, 1);
}

static void block_or_run(void *context)
{
	bool run = scene.status[0] == ST_OK;

	(void)context;
	EXPLORE_CHECK(run != (scene.status[1] == ST_OK));
	EXPLORE_CHECK(all_free_is(run ? HALF - 1 : HALF));
}

CASE(frame_run_takes_no_frame_of_a_block_that_is_allocated_whole)
{
	explore_whole(&(struct exploration){
		.name = "run_uninit", .set_up = giant_is_free,
		.cpu = { take_more_than_a_block, take_a_block },
		.check = block_or_run, .preemptions = EXPLORE_AT_MOST(1) });
}

/* One of two giants of 64 blocks is free, and was never split. */
static void make_an_uninit_giant(void)
{
	wide_init_shape((struct frame_run){ { 4096 }, 8192 },
			(struct frame_shape){ 6, 6 });
	wide_free(4096, FRAME_1G);
}
WIDE_SET_UP(an_uninit_giant, make_an_uninit_giant)

static void take_the_giant(void *context)
{
	(void)context;
	wide_alloc((struct frame_request){ .size = FRAME_1G });
}

static void take_a_block_as_a_run(void *context)
{
	(void)context;
	wide_alloc((struct frame_request){ .size = FRAME_RUN, .pages = HALF });
}

static void giant_or_run(void *context)
{
	bool run = wide.status[1] == ST_OK;

	(void)context;
	EXPLORE_CHECK(run != (wide.status[0] == ST_OK));
	EXPLORE_CHECK(wide_has_free(run ? 4096 - HALF : 0));
}

/* No tree has the blocks of a giant that was never split. */
CASE(frame_run_takes_no_block_of_a_giant_that_is_allocated_whole)
{
	explore_whole(&(struct exploration){
		.name = "run_uninit_giant", .set_up = an_uninit_giant,
		.cpu = { take_the_giant, take_a_block_as_a_run },
		.check = giant_or_run, .preemptions = EXPLORE_AT_MOST(1) });
}

static void two_of_a_block_are_gone(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_OK && scene.status[1] == ST_OK);
	EXPLORE_CHECK(all_free_is(HALF - 2));
}

CASE(frame_pick_takes_no_frame_before_its_block_is_split)
{
	explore_whole(&(struct exploration){
		.name = "pick_uninit", .set_up = upper_is_free,
		.cpu = { pick_wanted, take_one },
		.check = two_of_a_block_are_gone,
		.preemptions = EXPLORE_AT_MOST(1) });
}

CASE(frame_below_1m_takes_no_frame_before_its_block_is_split)
{
	explore_whole(&(struct exploration){
		.name = "low_uninit", .set_up = upper_is_free,
		.cpu = { take_one_low, take_one },
		.check = two_of_a_block_are_gone,
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* --- a whole block that is in the list of split ones -----------------------*/

/*
 * So a CPU leaves it that saw a frame in a block which it unlists, and lists
 * it again after others have made the block whole.
 */
static void whole_but_listed(void *context)
{
	struct frame_request one = { .owner = 1 };
	pfn_t frame;

	upper_is_free(context);
	if (explored_frame_pool_alloc(&scene.pool, 0, &one, &frame) != ST_OK ||
	    explored_frame_pool_free(&scene.pool, 0, &(struct frame_return){
			    frame, FRAME_4K, 0, 0, NULL }) != ST_OK)
		abort();
	frame_enter(&scene.pool, 0);
	explored_frame_tree_list(&scene.pool, &scene.pool.split, 1);
	frame_leave(&scene.pool, 0);
}

/* The one unlists it while the other splits it: a store may be on its way. */
CASE(frame_split_lists_what_is_being_unlisted)
{
	explore_whole(&(struct exploration){
		.name = "split_unlist", .set_up = whole_but_listed,
		.cpu = { pick_wanted, take_one },
		.check = two_of_a_block_are_gone,
		.preemptions = EXPLORE_AT_MOST(2) });
}

/* --- a run that is not to be had -------------------------------------------*/

/* A block, and one frame of the next. */
static void a_block_and_one(void *context)
{
	(void)context;
	set_up((struct frame_run){ { 0 }, HALF + 1 });
}

static void take_one_and_another(void *context)
{
	enum status first;

	take_one(context);
	first = scene.status[1];
	take_one(context);
	EXPLORE_CHECK(first == scene.status[1]);
}

static void the_run_or_two(void *context)
{
	(void)context;
	EXPLORE_CHECK(all_free_is(scene.status[0] == ST_OK ? 0 : HALF - 1));
}

static void take_one_and_a_block(void *context)
{
	enum status first;

	take_one(context);
	first = scene.status[1];
	take((struct frame_request){ .size = FRAME_RUN, .pages = HALF });
	EXPLORE_CHECK(first == ST_OK ? scene.status[1] != ST_NO_MEMORY :
				       scene.status[1] == ST_NO_MEMORY);
}

/* The owner of one of the frames knows that the others are free. */
CASE(frame_run_hides_nothing_that_it_does_not_get)
{
	explore_whole(&(struct exploration){
		.name = "run_in_parts", .set_up = a_block_and_one,
		.cpu = { take_more_than_a_block, take_one_and_another },
		.check = the_run_or_two,
		.preemptions = EXPLORE_AT_MOST(1) });
	explore_whole(&(struct exploration){
		.name = "run_and_run", .set_up = a_block_and_one,
		.cpu = { take_more_than_a_block, take_one_and_a_block },
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* The giant, and if that is broken the block with the wanted frame. */
static void take_the_giant_or_a_block(void *context)
{
	(void)context;
	take((struct frame_request){ .size = FRAME_1G });
	scene.status[2] = scene.status[1];
	if (scene.status[2] == ST_NO_MEMORY)
		take((struct frame_request){ .size = FRAME_2M });
}

/* It was refused because the other has a frame of it, not because it tries. */
static void refused_for_a_reason(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[2] == ST_OK || scene.status[0] == ST_OK);
	EXPLORE_CHECK(all_free_is(scene.status[2] == ST_OK ? 0 :
		ALL - (scene.status[0] == ST_OK) -
		(scene.status[1] == ST_OK ? HALF : 0)));
}

CASE(frame_pick_breaks_nothing_that_it_does_not_get)
{
	explore_whole(&(struct exploration){
		.name = "pick_giant", .set_up = giant_is_free,
		.cpu = { pick_wanted, take_the_giant_or_a_block },
		.check = refused_for_a_reason,
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* All frames of the upper block have come home; its merge is still to come. */
static void not_merged_yet(void *context)
{
	giant_is_free(context);
	if (!explored_frame_split_giant(&scene.pool, 0, 0) ||
	    !explored_frame_split_block(&scene.pool, 0, 1))
		abort();
}

/*
 * Whom it interrupted will not merge that. Alone, so not explored: without a
 * bound it would not come back.
 */
CASE(frame_run_for_a_handler_does_not_wait)
{
	struct frame_request run = { .size = FRAME_RUN, .pages = ALL,
				     .owner = 1 };
	pfn_t frame;

	not_merged_yet(NULL);
	CHECK(explored_frame_pool_alloc(&scene.pool, 1, &run, &frame) ==
	      ST_NO_MEMORY);
	/* It passes over that block, and finds the other. */
	run.pages = HALF;
	CHECK(explored_frame_pool_alloc(&scene.pool, 1, &run, &frame) == ST_OK);
	CHECK(frame.raw == 0);
}
