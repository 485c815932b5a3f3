// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A search proves nothing while other CPUs free memory that it has passed and
 * claim memory that it has not reached: here, memory that fits the request is
 * free at every instant.
 */
#include "wide_scene.h"

/* If it is free. */
static void take_frame(uint64_t frame)
{
	(void)wide_claim_frame(frame);
}

/* The rest of an alloc whose first search has found nothing. */
static void search(struct frame_request request)
{
	cpu_slot slot = wide_slot();

	request.owner = 1;
	wide.status[slot / 2] = alloc_by_search(&wide.pool, slot, &request,
						&wide.got[slot / 2]);
}

static void search_run(uint64_t pages)
{
	search((struct frame_request){ .size = FRAME_RUN, .pages = pages });
}

static void it_was_there(void *context)
{
	(void)context;
	EXPLORE_CHECK(wide.status[0] == ST_OK);
	EXPLORE_CHECK(frame_pool_audit(&wide.pool));
}

/*
 * In a pool that begins at frame 0 the first block is searched last. Fewer
 * slots to look at are fewer accesses, and none of them is missed.
 */
#define BEGIN WIDE_GIANT

static void make_pool(uint64_t first, uint64_t giants, unsigned cpus)
{
	wide_init((struct frame_run){ { first }, giants * WIDE_GIANT });
	wide.pool.slots = 2 * cpus;
}

/* --- two frames in a row ---------------------------------------------------*/

#define PAIR (3UL << 4)

/* Of block 0 frame 4, and 5 with one free more; of block 1 frames 0 and 1. */
static void make_two_pairs(void)
{
	make_pool(BEGIN, 1, 3);
	wide_break_giant(0);
	wide_break_block(0);
	wide_break_block(1);
	wide_free(wide_frame(0) + 4, FRAME_4K);
	wide_free(wide_frame(1), FRAME_4K);
	wide_free(wide_frame(1) + 1, FRAME_4K);
}
WIDE_SET_UP(two_pairs, make_two_pairs)

static void take_a_pair(void *context)
{
	(void)context;
	search_run(2);
}

static void free_a_frame(void *context)
{
	(void)context;
	wide_free(wide_frame(0) + 5, FRAME_4K);
}

static void flush_a_frame(void *context)
{
	struct frame_word word = { 0, 1UL << 5 };

	(void)context;
	wide.frame_owner[5].plain = FRAME_BYTE_FREE;
	explored_frame_return_words(&wide.pool, wide_slot(), &word, 1);
}

static void free_a_frame_claim_one(void *context)
{
	free_a_frame(context);
	take_frame(wide_frame(1));
}

static void flush_a_frame_claim_one(void *context)
{
	flush_a_frame(context);
	take_frame(wide_frame(1));
}

CASE(frame_search_sees_a_frame_that_was_freed_behind_it)
{
	struct exploration frees = {
		.name = "run_and_free", .set_up = two_pairs,
		.cpu = { take_a_pair, free_a_frame_claim_one },
		.check = it_was_there, .model = EXPLORE_SEQUENTIAL,
		.preemptions = EXPLORE_AT_MOST(2) };

	explore_whole(&frees);
	frees.name = "run_and_flush";
	frees.cpu[1] = flush_a_frame_claim_one;
	explore_whole(&frees);
}

/* The free has set its bit, but not returned: the third CPU sees both. */
static void take_when_both_are_there(void *context)
{
	(void)context;
	if ((atomic_load_acquire(&wide.bits[0]) & PAIR) == PAIR)
		take_frame(wide_frame(1));
}

/* A free that began before, as far as the search can tell. */
static void make_pairs_and_a_free(void)
{
	make_two_pairs();
	wide.activity[2].frees.plain++;
	wide.frame_owner[5].plain = FRAME_BYTE_FREE;
}
WIDE_SET_UP(pairs_and_a_free, make_pairs_and_a_free)

static void end_the_free(void *context)
{
	atomic_u64 *frees = &wide.activity[2].frees;

	(void)context;
	atomic_fetch_or_seq_cst(&wide.bits[0], 1UL << 5);
	atomic_store_release(frees, atomic_load_relaxed(frees) + 1);
}

CASE(frame_search_sees_a_frame_before_its_free_returns)
{
	struct exploration frees = {
		.name = "run_in_free", .set_up = two_pairs,
		.cpu = { take_a_pair, free_a_frame,
			 take_when_both_are_there },
		.check = it_was_there, .model = EXPLORE_SEQUENTIAL,
		.preemptions = EXPLORE_AT_MOST(2) };

	explore_whole(&frees);
	frees.name = "run_in_flush";
	frees.cpu[1] = flush_a_frame;
	explore_whole(&frees);
	frees.name = "run_in_begun_free";
	frees.set_up = pairs_and_a_free;
	frees.cpu[1] = end_the_free;
	explore_whole(&frees);
}

/* --- a block and a frame, a giant and a frame ------------------------------*/

/* Block 0 is allocated; of block 1 both ends are free, and block 2. */
static void make_block_ends(void)
{
	make_pool(BEGIN, 2, 3);
	wide_break_giant(1);
	wide_break_giant(0);
	wide_break_block(1);
	wide_free(wide_frame(1), FRAME_4K);
	wide_free(wide_frame(2) - 1, FRAME_4K);
	wide_free(wide_frame(2), FRAME_2M);
}
WIDE_SET_UP(block_ends, make_block_ends)

static void take_a_block_and_a_frame(void *context)
{
	(void)context;
	search_run(WIDE_BLOCK + 1);
}

static void free_a_block(void *context)
{
	(void)context;
	wide_free(wide_frame(0), FRAME_2M);
}

static void free_a_block_take_one(void *context)
{
	free_a_block(context);
	take_frame(wide_frame(2) - 1);
}

static void take_when_the_block_is_there(void *context)
{
	(void)context;
	if (atomic_load_acquire(&wide.pool.blocks.level[0][0]) & 1)
		take_frame(wide_frame(2) - 1);
}

CASE(frame_search_sees_a_block_that_was_freed_behind_it)
{
	struct exploration frees = {
		.name = "run_and_block", .set_up = block_ends,
		.cpu = { take_a_block_and_a_frame, free_a_block_take_one },
		.check = it_was_there, .model = EXPLORE_SEQUENTIAL,
		.preemptions = EXPLORE_AT_MOST(2) };

	explore_whole(&frees);
	frees.name = "run_in_block";
	frees.cpu[1] = free_a_block;
	frees.cpu[2] = take_when_the_block_is_there;
	explore_whole(&frees);
}

/* Giant 0 is allocated; of giant 1 both ends are free, and giant 2. */
static void make_giant_ends(void)
{
	make_pool(BEGIN, 3, 2);
	wide_break_giant(1);
	wide_break_block(2);
	wide_break_block(3);
	wide_free(wide_frame(2), FRAME_4K);
	wide_free(wide_frame(4) - 1, FRAME_4K);
	wide_free(wide_frame(4), FRAME_1G);
}
WIDE_SET_UP(giant_ends, make_giant_ends)

static void take_a_giant_and_a_frame(void *context)
{
	(void)context;
	search_run(WIDE_GIANT + 1);
}

static void free_a_giant_take_one(void *context)
{
	(void)context;
	wide_free(wide_frame(0), FRAME_1G);
	take_frame(wide_frame(4) - 1);
}

CASE(frame_search_sees_a_giant_that_was_freed_behind_it)
{
	explore_whole(&(struct exploration){
		.name = "run_and_giant", .set_up = giant_ends,
		.cpu = { take_a_giant_and_a_frame, free_a_giant_take_one },
		.check = it_was_there, .model = EXPLORE_SEQUENTIAL,
		.preemptions = EXPLORE_AT_MOST(2) });
}

/* --- below a limit ---------------------------------------------------------*/

/* A frame of block 2 is free; block 0 is allocated, frame by frame. */
static void make_low_frames(void)
{
	make_pool(0, 2, 2);
	wide_break_giant(1);
	wide_break_giant(0);
	wide_break_block(0);
	wide_break_block(2);
	wide_free(wide_frame(2) + 9, FRAME_4K);
}
WIDE_SET_UP(low_frames, make_low_frames)

static void take_below_1m(void *context)
{
	(void)context;
	search((struct frame_request){ .limit = FRAME_BELOW_1M });
}

static void take_below_4g(void *context)
{
	(void)context;
	search((struct frame_request){ .limit = FRAME_BELOW_4G });
}

/* Upward, as the search below 1 MiB goes. */
static void free_below_take_above(void *context)
{
	(void)context;
	wide_free(3, FRAME_4K);
	take_frame(wide_frame(2) + 9);
}

static void make_high_frames(void)
{
	make_low_frames();
	wide_free(3, FRAME_4K);
	wide_must_alloc(FRAME_4K, wide_frame(2) + 9);
}
WIDE_SET_UP(high_frames, make_high_frames)

/* Downward, as any other goes. */
static void free_above_take_below(void *context)
{
	(void)context;
	wide_free(wide_frame(2) + 9, FRAME_4K);
	take_frame(3);
}

CASE(frame_search_sees_a_frame_below_its_limit)
{
	struct exploration frees = {
		.name = "low_and_free", .set_up = low_frames,
		.cpu = { take_below_1m, free_below_take_above },
		.check = it_was_there, .model = EXPLORE_SEQUENTIAL,
		.preemptions = EXPLORE_AT_MOST(2) };

	explore_whole(&frees);
	frees.name = "below_4g_and_free";
	frees.set_up = high_frames;
	frees.cpu[0] = take_below_4g;
	frees.cpu[1] = free_above_take_below;
	explore_whole(&frees);
}
