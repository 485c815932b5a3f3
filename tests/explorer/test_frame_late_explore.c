// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A merge that is left is made up for before a request is refused, in every
 * order. Here a merge is left at its first failure.
 */
#define EXPLORED_MERGE_TRIES 1

#include "explored_scene.h"

#include "check.h"
#include "explorer.h"

static struct scene scene;

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* Two free blocks, of which `split` are split. */
static void make_pool(unsigned split)
{
	struct frame_pool_request request = pool_of(&scene, 0);

	memset(&scene, 0, sizeof(scene));
	must(explored_frame_pool_init(&scene.pool, &request) == ST_OK);
	must(explored_frame_pool_add(&scene.pool, 0, (struct frame_run){
		{ 0 }, FRAMES }) == ST_OK);
	must(explored_frame_split_giant(&scene.pool, 0, 0));
	for (unsigned i = 0; i < split; i++)
		must(explored_frame_split_block(&scene.pool, 0, i));
}

static void alloc_a_block(void *context)
{
	struct frame_request block = { .size = FRAME_2M, .owner = 1 };
	unsigned cpu = explore_cpu();
	pfn_t frame;

	(void)context;
	scene.status[cpu] = explored_frame_pool_alloc(
		&scene.pool, 2 * cpu, &block, &frame);
}

/* --- a merge that fails ----------------------------------------------------*/

/* Block 1 is allocated, and of block 0 the first frame. */
static void all_but_a_frame(void *context)
{
	struct frame_request one = { .size = FRAME_2M, .owner = 1 };
	pfn_t frame;

	(void)context;
	make_pool(1);
	must(explored_frame_pool_alloc(&scene.pool, 0, &one, &frame) == ST_OK);
	one.size = FRAME_4K;
	must(explored_frame_pool_alloc(&scene.pool, 0, &one, &frame) == ST_OK);
	must(frame.raw == 0);
}

static void free_the_frame(void *context)
{
	(void)context;
	EXPLORE_CHECK(explored_frame_pool_free(
		&scene.pool, 0, &(struct frame_return){
			.frame = { 0 } }) == ST_OK);
}

static void claim_and_return_another(void *context)
{
	uint64_t claimed = claim_bits(&scene.bits[1], 1);

	(void)context;
	if (claimed != 0)
		EXPLORE_CHECK(explored_frame_return_word(
			&scene.pool, 2, 1, claimed) == 0);
}

static void block_is_there(void *context)
{
	struct frame_request block = { .size = FRAME_2M, .owner = 1 };
	pfn_t frame;

	(void)context;
	EXPLORE_CHECK(scene_has_free(&scene, BLOCK));
	EXPLORE_CHECK(explored_frame_pool_alloc(&scene.pool, 0, &block,
						&frame) == ST_OK);
	EXPLORE_CHECK(scene_has_free(&scene, 0));
}

CASE(frame_late_leaves_no_block_unmerged)
{
	struct exploration fails = {
		.name = "late_block", .set_up = all_but_a_frame,
		.cpu = { free_the_frame, claim_and_return_another },
		.check = block_is_there, .model = EXPLORE_SEQUENTIAL,
		.preemptions = EXPLORE_AT_MOST(3) };

	explore_whole(&fails);
	fails.name = "late_block_weak";
	fails.model = EXPLORE_WEAK;
	explore_whole(&fails);
}

/* --- making up -------------------------------------------------------------*/

static void two_late_blocks(void *context)
{
	(void)context;
	make_pool(2);
	scene.pool.root.plain |= FRAME_LATE;
}

static void both_got_one(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_OK && scene.status[1] == ST_OK);
	EXPLORE_CHECK(scene_has_free(&scene, 0));
}

/* One of them merges both; meanwhile neither is reachable. */
CASE(frame_late_refuses_no_block_while_it_is_merged)
{
	explore_whole(&(struct exploration){
		.name = "late_blocks", .set_up = two_late_blocks,
		.cpu = { alloc_a_block, alloc_a_block },
		.check = both_got_one, .preemptions = EXPLORE_AT_MOST(1) });
}

/* A merge of block 0 has all words, and another is left already. */
static void merge_will_fail(void *context)
{
	(void)context;
	make_pool(1);
	scene.bits[0].plain = scene.bits[1].plain = 0;
}

/* The end of a merge that failed, and that is left. */
static void leave_the_merge(void)
{
	frame_enter(&scene.pool, 2);
	for (unsigned i = 0; i < 2; i++)
		atomic_fetch_or_seq_cst(&scene.bits[i], ALL_ONES);
	explored_frame_tree_list(&scene.pool, &scene.pool.split, 0);
	frame_leave(&scene.pool, 2);
	frame_merge_later(&scene.pool);
}

static void another_is_late(void *context)
{
	merge_will_fail(context);
	scene.pool.root.plain |= FRAME_LATE;
}

static void make_up(void *context)
{
	(void)context;
	explored_frame_merge_late(&scene.pool, 0);
}

static void leave_a_merge(void *context)
{
	(void)context;
	leave_the_merge();
}

static void it_is_late_or_merged(void *context)
{
	struct frame_stats stats;

	(void)context;
	frame_pool_stats(&scene.pool, &stats);
	EXPLORE_CHECK(stats.free_frames == FRAMES);
	EXPLORE_CHECK(frame_has_late(&scene.pool) ||
		      frame_tree_has(&scene.pool.giants, 0));
}

CASE(frame_late_forgets_no_merge_that_is_left_meanwhile)
{
	struct exploration meets = {
		.name = "late_again", .set_up = another_is_late,
		.cpu = { make_up, leave_a_merge },
		.check = it_is_late_or_merged,
		.preemptions = EXPLORE_AT_MOST(2) };

	explore_whole(&meets);
	meets.name = "late_again_weak";
	meets.model = EXPLORE_WEAK;
	explore_whole(&meets);
}

/* --- a refusal -------------------------------------------------------------*/

/* Block 0 is free before a block is claimed; none if the search misses both. */
static void leave_the_merge_take_a_block(void *context)
{
	struct frame_claim claim = { .most = 1, .block = BLOCK_NONE };
	uint64_t mask;

	(void)context;
	leave_the_merge();
	mask = explored_frame_claim_blocks(&scene.pool, 2, &claim);
	if (mask != 0)
		scene.block_owner[__builtin_ctzl(mask)].plain = 1;
}

static void find_a_block_left(void *context)
{
	(void)context;
	EXPLORE_CHECK(!explored_frame_nothing_left(
		&scene.pool, 0, 1UL << ROOT_BLOCKS | 1UL << ROOT_GIANTS));
}

static void search_below_4g(void *context)
{
	struct frame_request block = {
		.size = FRAME_2M, .limit = FRAME_BELOW_4G, .owner = 1,
	};
	pfn_t frame;

	(void)context;
	EXPLORE_CHECK(alloc_by_search(&scene.pool, 0, &block, &frame) ==
		      ST_OK);
}

CASE(frame_late_is_no_refusal)
{
	struct exploration looks = {
		.name = "late_root", .set_up = merge_will_fail,
		.cpu = { find_a_block_left, leave_the_merge_take_a_block },
		.preemptions = EXPLORE_AT_MOST(2) };

	explore_whole(&looks);
	looks.name = "late_search";
	looks.cpu[0] = search_below_4g;
	looks.preemptions = EXPLORE_AT_MOST(1);
	explore_whole(&looks);
}
