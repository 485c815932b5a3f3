// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * No request is refused memory that is free, while other CPUs move it. Each
 * exploration fails without one announcement (frame_enter, frame_begin_claim)
 * or without one part of the proof of a refusal.
 */
#include "wide_scene.h"

static void take_a_frame(void *context)
{
	(void)context;
	wide_alloc((struct frame_request){ .size = FRAME_4K });
}

static void take_a_block(void *context)
{
	(void)context;
	wide_alloc((struct frame_request){ .size = FRAME_2M });
}

static void take_a_giant(void *context)
{
	(void)context;
	wide_alloc((struct frame_request){ .size = FRAME_1G });
}

/* One CPU's message to another: a step is done. */
static void tell(void)
{
	atomic_store_release(&wide.done, 1);
}

static bool was_told(void)
{
	return atomic_load_acquire(&wide.done) == 1;
}

/* --- two free into one word, one of them allocates again -------------------*/

/* Blocks 2 and 4 of the tree's first word; neither giant becomes whole. */
static void make_two_blocks(void)
{
	wide_init(WIDE_RUN);
	wide_break_giant(1);
	wide_break_giant(2);
}
WIDE_SET_UP(two_blocks, make_two_blocks)

static void free_block_two(void *context)
{
	(void)context;
	wide_free(wide_frame(2), FRAME_2M);
}

static void free_block_four_take_one(void *context)
{
	wide_free(wide_frame(4), FRAME_2M);
	take_a_block(context);
}

static void second_took_a_block(void *context)
{
	(void)context;
	EXPLORE_CHECK(wide.status[1] == ST_OK);
	EXPLORE_CHECK(wide_has_free(WIDE_BLOCK));
}

/* The first free has set its bit and is about to set the one above. */
CASE(frame_refuse_nothing_while_a_block_comes_back)
{
	explore_whole(&(struct exploration){
		.name = "blocks_back", .set_up = two_blocks,
		.cpu = { free_block_two, free_block_four_take_one },
		.check = second_took_a_block,
		.preemptions = EXPLORE_AT_MOST(1) });
}

static void make_giants(void)
{
	wide_init(WIDE_RUN);
}
WIDE_SET_UP(giants, make_giants)

static void free_giant_two(void *context)
{
	(void)context;
	wide_free(wide_frame(2 * 2), FRAME_1G);
}

static void free_giant_four_take_one(void *context)
{
	wide_free(wide_frame(2 * 4), FRAME_1G);
	take_a_giant(context);
}

static void second_took_a_giant(void *context)
{
	(void)context;
	EXPLORE_CHECK(wide.status[1] == ST_OK);
	EXPLORE_CHECK(wide_has_free(WIDE_GIANT));
}

CASE(frame_refuse_nothing_while_a_giant_comes_back)
{
	explore_whole(&(struct exploration){
		.name = "giants_back", .set_up = giants,
		.cpu = { free_giant_two, free_giant_four_take_one },
		.check = second_took_a_giant,
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* A late store of another CPU left a hint for a block that is unlisted. */
static void make_an_unlisted_block(void)
{
	wide_init(WIDE_RUN);
	wide_break_giant(1);
	wide_break_block(2);
	frame_tree_claim_one(&wide.pool, &wide.pool.split, 2);
	wide.hints[2].plain = 5;
}
WIDE_SET_UP(an_unlisted_block, make_an_unlisted_block)

static void free_ten(void *context)
{
	(void)context;
	wide_free(wide_frame(2) + 10, FRAME_4K);
}

static void free_eleven_take_one(void *context)
{
	wide_free(wide_frame(2) + 11, FRAME_4K);
	take_a_frame(context);
}

static void second_took_a_frame(void *context)
{
	(void)context;
	EXPLORE_CHECK(wide.status[1] == ST_OK);
	EXPLORE_CHECK(wide_has_free(1));
}

CASE(frame_refuse_nothing_while_a_frame_comes_back)
{
	explore_whole(&(struct exploration){
		.name = "frames_back", .set_up = an_unlisted_block,
		.cpu = { free_ten, free_eleven_take_one },
		.check = second_took_a_frame,
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* --- a block that is unlisted ----------------------------------------------*/

/* All allocated, but listed still as one to take from. */
static void make_an_empty_block(void)
{
	wide_init(WIDE_RUN);
	wide_break_giant(1);
	wide_break_block(2);
	frame_enter(&wide.pool, 0);
	explored_frame_tree_list(&wide.pool, &wide.pool.split, 2);
	frame_leave(&wide.pool, 0);
	wide.hints[2].plain = FRAME_HINT_HELD;
}
WIDE_SET_UP(an_empty_block, make_an_empty_block)

/* A search found all words zero. */
static void unlist_it(void *context)
{
	(void)context;
	unlist(&wide.pool, wide_slot(), 2);
}

static void free_ten_take_one(void *context)
{
	free_ten(context);
	take_a_frame(context);
}

static void second_has_its_frame(void *context)
{
	(void)context;
	EXPLORE_CHECK(wide.status[1] == ST_OK);
	EXPLORE_CHECK(wide_has_free(0));
}

CASE(frame_refuse_nothing_while_a_block_is_unlisted)
{
	struct exploration unlists = {
		.name = "unlists", .set_up = an_empty_block,
		.cpu = { unlist_it, free_ten_take_one },
		.check = second_has_its_frame,
		.preemptions = EXPLORE_AT_MOST(2) };

	explore_whole(&unlists);
	unlists.name = "weak_unlists";
	unlists.model = EXPLORE_WEAK;
	explore_whole(&unlists);
}

/* --- a giant that merges ---------------------------------------------------*/

static void make_half_a_giant(void)
{
	wide_init(WIDE_RUN);
	wide_break_giant(1);
	wide_free(wide_frame(3), FRAME_2M);
}
WIDE_SET_UP(half_a_giant, make_half_a_giant)

/* Both blocks are unreachable before the giant is reachable. */
CASE(frame_refuse_nothing_while_a_giant_merges)
{
	explore_whole(&(struct exploration){
		.name = "giant_merges", .set_up = half_a_giant,
		.cpu = { free_block_two, take_a_block },
		.check = second_took_a_block,
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* --- a request below 1 MiB that gets nothing -------------------------------*/

static void make_a_low_block(void)
{
	wide_init((struct frame_run){ { 0 }, 2 * WIDE_GIANT });
	wide_break_giant(0);
	wide_free(0, FRAME_2M);
}
WIDE_SET_UP(a_low_block, make_a_low_block)

static void take_a_low_frame(void *context)
{
	(void)context;
	wide_alloc((struct frame_request){ .limit = FRAME_BELOW_1M });
}

/* A CPU that is refused the block must not find all its frames free. */
static void take_a_block_or_its_frames(void *context)
{
	struct frame_claim claim = { .most = WIDE_BLOCK, .block = BLOCK_NONE };
	uint64_t mask;

	take_a_block(context);
	if (wide.status[1] == ST_OK)
		return;
	mask = explored_frame_claim_word(&wide.pool, wide_slot(), &claim);
	EXPLORE_CHECK(mask != ALL_ONES);
	for (; mask != 0; mask &= mask - 1)
		wide.frame_owner[claim.word * 64 +
				 (uint64_t)__builtin_ctzl(mask)].plain = 1;
}

static void one_has_the_low_block(void *context)
{
	(void)context;
	EXPLORE_CHECK((wide.status[0] == ST_OK) != (wide.status[1] == ST_OK));
	EXPLORE_CHECK(wide_has_free(0));
}

/* CPU 0 splits the block, and may come too late for a frame of it. */
CASE(frame_refuse_nothing_that_is_split_in_vain)
{
	explore_whole(&(struct exploration){
		.name = "split_in_vain", .set_up = a_low_block,
		.cpu = { take_a_low_frame, take_a_block_or_its_frames },
		.check = one_has_the_low_block,
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* --- a run that is claimed in vain -----------------------------------------*/

/* Block 0 is free, and the first frame of block 1. */
static void make_a_block_and_a_frame(void)
{
	wide_init((struct frame_run){ { WIDE_GIANT }, WIDE_GIANT });
	wide.pool.slots = 6;
	wide_break_giant(0);
	wide_break_block(1);
	wide_free(wide_frame(0), FRAME_2M);
	wide_free(wide_frame(1), FRAME_4K);
}
WIDE_SET_UP(a_block_and_a_frame, make_a_block_and_a_frame)

static void take_the_run(void *context)
{
	(void)context;
	wide_alloc((struct frame_request){ .size = FRAME_RUN,
					   .pages = WIDE_BLOCK + 1 });
}

static void take_its_end(void *context)
{
	(void)context;
	if (wide_claim_frame(wide_frame(1)))
		tell();
}

static void take_a_frame_when_told(void *context)
{
	wide.status[2] = ST_DENIED;
	if (was_told())
		take_a_frame(context);
}

static void run_or_frame(void *context)
{
	bool told = atomic_load_relaxed(&wide.done) == 1;

	(void)context;
	EXPLORE_CHECK((wide.status[0] == ST_OK) != told);
	EXPLORE_CHECK(wide.status[2] == ST_OK || wide.status[2] == ST_DENIED);
	EXPLORE_CHECK(frame_pool_audit(&wide.pool));
}

/* The run holds block 0 until it has returned it; CPU 2 may have a frame. */
CASE(frame_refuse_nothing_that_a_run_returns)
{
	explore_whole(&(struct exploration){
		.name = "run_in_vain", .set_up = a_block_and_a_frame,
		.cpu = { take_the_run, take_its_end, take_a_frame_when_told },
		.check = run_or_frame, .model = EXPLORE_SEQUENTIAL,
		.preemptions = EXPLORE_AT_MOST(2) });
}

/* --- two looks at the slots ------------------------------------------------*/

/* A block is free at every instant. */
static void find_nothing_left(void *context)
{
	(void)context;
	EXPLORE_CHECK(!explored_frame_nothing_left(
		&wide.pool, wide_slot(),
		1UL << ROOT_BLOCKS | 1UL << ROOT_GIANTS));
}

/* Between the two passes over the slots both blocks may vanish and return. */
CASE(frame_refuse_only_what_two_looks_agree_on)
{
	struct exploration looks = {
		.name = "two_looks", .set_up = half_a_giant,
		.cpu = { find_nothing_left, free_block_two },
		.model = EXPLORE_SEQUENTIAL,
		.preemptions = EXPLORE_AT_MOST(3) };

	explore_whole(&looks);
	looks.name = "weak_two_looks";
	looks.model = EXPLORE_WEAK;
	explore_whole(&looks);
}

/* --- the last of two words are taken ---------------------------------------*/

/*
 * A CPU takes the last of a word and goes to clear the bit above; meanwhile
 * another of that word is freed. Until the CPU has looked again that bit is
 * gone, and a second CPU that takes the last of another word clears the root.
 */
static void make_two_last_blocks(void)
{
	make_two_blocks();
	wide_break_giant(64);
	wide_free(wide_frame(2), FRAME_2M);
	wide_free(wide_frame(128), FRAME_2M);
}
WIDE_SET_UP(two_last_blocks, make_two_last_blocks)

static void take_the_lower_block(void *context)
{
	struct frame_claim claim = { .limit = FRAME_BELOW_4G, .most = 1 };

	(void)context;
	EXPLORE_CHECK(explored_frame_claim_blocks(&wide.pool, wide_slot(),
						  &claim) != 0);
}

static void free_block_four_tell(void *context)
{
	(void)context;
	wide_free(wide_frame(4), FRAME_2M);
	tell();
}

static void take_a_block_when_told(void *context)
{
	wide.status[3] = ST_DENIED;
	if (was_told())
		take_a_block(context);
}

/* Three blocks for three CPUs; CPU 3 may have asked too early. */
static void last_was_not_refused(void *context)
{
	(void)context;
	EXPLORE_CHECK(wide.status[1] == ST_OK);
	EXPLORE_CHECK(wide.status[3] == ST_OK || wide.status[3] == ST_DENIED);
}

CASE(frame_refuse_no_block_while_others_take_the_last)
{
	explore_whole(&(struct exploration){
		.name = "last_blocks", .set_up = two_last_blocks,
		.cpu = { take_the_lower_block, take_a_block,
			 free_block_four_tell, take_a_block_when_told },
		.check = last_was_not_refused, .model = EXPLORE_SEQUENTIAL,
		.preemptions = EXPLORE_AT_MOST(2) });
}

static void make_two_last_giants(void)
{
	wide_init(WIDE_RUN);
	wide_free(wide_frame(2), FRAME_1G);
	wide_free(wide_frame(128), FRAME_1G);
}
WIDE_SET_UP(two_last_giants, make_two_last_giants)

static void take_the_lower_giant(void *context)
{
	struct frame_claim claim = { .limit = FRAME_BELOW_4G };

	(void)context;
	EXPLORE_CHECK(explored_frame_claim_giants(&wide.pool, wide_slot(),
						  &claim) != 0);
}

static void free_giant_two_tell(void *context)
{
	free_giant_two(context);
	tell();
}

static void take_a_giant_when_told(void *context)
{
	wide.status[3] = ST_DENIED;
	if (was_told())
		take_a_giant(context);
}

CASE(frame_refuse_no_giant_while_others_take_the_last)
{
	explore_whole(&(struct exploration){
		.name = "last_giants", .set_up = two_last_giants,
		.cpu = { take_the_lower_giant, take_a_giant,
			 free_giant_two_tell, take_a_giant_when_told },
		.check = last_was_not_refused, .model = EXPLORE_SEQUENTIAL,
		.preemptions = EXPLORE_AT_MOST(2) });
}
