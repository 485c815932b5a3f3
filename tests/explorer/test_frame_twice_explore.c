// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two CPUs free one frame, block or giant at the same moment: one of them is
 * refused and reported, in every order, as long as nothing merges meanwhile.
 */
#include "wide_scene.h"

static unsigned reports;
static enum frame_size size;

static void count_report(struct frame_reporter *reporter,
			 const struct frame_bad_free *bad)
{
	(void)reporter;
	EXPLORE_CHECK(bad->frame.raw == wide_frame(2));
	EXPLORE_CHECK(bad->kind == FRAME_NOT_ALLOCATED ||
		      bad->kind == FRAME_FREED_AT_ONCE);
	reports++;
}

static struct frame_reporter reporter = { count_report };

/* Giant 1 is allocated, or block 2 of it, or frame 0 of that. */
static void set_up(void *context)
{
	(void)context;
	wide_init((struct frame_run){ { WIDE_GIANT }, 2 * WIDE_GIANT });
	if (size != FRAME_1G)
		wide_break_giant(1);
	if (size == FRAME_4K)
		wide_break_block(2);
	wide.pool.slots = 4;
	wide.pool.reporter = &reporter;
	reports = 0;
}

static void free_it(void *context)
{
	struct frame_return what = {
		.frame = { wide_frame(2) }, .size = size };

	(void)context;
	wide.status[explore_cpu()] = explored_frame_pool_free(
		&wide.pool, wide_slot(), &what);
}

static void one_was_refused(void *context)
{
	static const uint64_t frames[] = {
		[FRAME_4K] = 1,
		[FRAME_2M] = WIDE_BLOCK,
		[FRAME_1G] = WIDE_GIANT,
	};
	bool second = wide.status[0] != ST_OK;

	(void)context;
	EXPLORE_CHECK(wide.status[second] == ST_OK);
	EXPLORE_CHECK(wide.status[!second] == ST_CONFLICT);
	EXPLORE_CHECK(reports == 1);
	EXPLORE_CHECK(wide_has_free(frames[size]));
}

static void explore_frees_of(enum frame_size which, const char *name)
{
	size = which;
	explore_whole(&(struct exploration){
		.name = name, .set_up = set_up,
		.cpu = { free_it, free_it }, .check = one_was_refused,
		.preemptions = EXPLORE_AT_MOST(2) });
}

CASE(frame_twice_takes_a_frame_back_once)
{
	explore_frees_of(FRAME_4K, "frame_twice");
}

CASE(frame_twice_takes_a_block_back_once)
{
	explore_frees_of(FRAME_2M, "block_twice");
}

CASE(frame_twice_takes_a_giant_back_once)
{
	explore_frees_of(FRAME_1G, "giant_twice");
}
