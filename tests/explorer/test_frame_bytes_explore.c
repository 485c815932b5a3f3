// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A block that is split in place, beside CPUs that query, allocate, exchange
 * bytes or split the same block. The pool has one block, which is allocated
 * whole; its words and frames' bytes are junk, since it was never split. In
 * every order (TSO).
 */
#include "explored_scene.h"

#include "check.h"
#include "explorer.h"

/* One giant of two blocks of a word each; only the upper is the pool's. */
#define ALL 128
#define HALF 64
#define FIRST 64
#define LAST 127
#define FROM 65
#define TO 66
#define OTHER 67

static struct scene scene;
static uint8_t was[3];
static bool seen_split;

static void block_is_allocated(void *context)
{
	struct frame_pool_request request = pool_of(&scene, 0);
	struct frame_request block = { .size = FRAME_2M, .owner = FROM };
	pfn_t frame;

	(void)context;
	request.frames = ALL;
	request.shape = (struct frame_shape){ 6, 1 };
	memset(scene.bits, 0x5b, sizeof(scene.bits));
	memset(scene.frame_owner, 0x5b, sizeof(scene.frame_owner));
	if (explored_frame_pool_init(&scene.pool, &request) != ST_OK ||
	    explored_frame_pool_add(&scene.pool, 0, (struct frame_run){
			    { HALF }, HALF }) != ST_OK ||
	    explored_frame_pool_alloc(&scene.pool, 0, &block, &frame) !=
		    ST_OK || frame.raw != FIRST)
		abort();
	seen_split = false;
}

static void split_it(void *context)
{
	unsigned cpu = explore_cpu();
	struct frame_byte_change change = {
		{ FIRST }, FRAME_2M, FROM, (uint8_t)(TO + cpu) };

	(void)context;
	scene.status[cpu] = explored_frame_pool_split(&scene.pool, &change);
}

static bool frames_have(uint8_t byte)
{
	for (uint64_t i = FIRST; i <= LAST; i++) {
		struct frame_info info = explored_frame_pool_query(
			&scene.pool, (pfn_t){ i });

		if (info.state != FRAME_STATE_ALLOCATED ||
		    info.size != FRAME_4K || info.owner != byte)
			return false;
	}
	return scene_has_free(&scene, 0);
}

static void all_frames_are_split(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_OK);
	EXPLORE_CHECK(frames_have(TO));
}

/* --- beside a reader, and beside one that allocates ------------------------*/

/* Allocated whole, then being split, then as a frame; never back again. */
static void query_it(void *context)
{
	static const uint64_t frames[] = { FIRST, LAST, LAST };

	(void)context;
	for (unsigned i = 0; i < ARRAY_LENGTH(frames); i++) {
		struct frame_info info = explored_frame_pool_query(
			&scene.pool, (pfn_t){ frames[i] });

		EXPLORE_CHECK(info.state == FRAME_STATE_ALLOCATED);
		if (info.size == FRAME_4K) {
			EXPLORE_CHECK(info.owner == TO);
			seen_split = true;
		} else {
			EXPLORE_CHECK(!seen_split && info.size == FRAME_2M);
			EXPLORE_CHECK(info.owner == FROM ||
				      info.owner == FRAME_BYTE_SPLITTING);
		}
	}
}

CASE(frame_split_in_place_is_allocated_for_a_reader_at_each_instant)
{
	explore_whole(&(struct exploration){
		.name = "split_query", .set_up = block_is_allocated,
		.cpu = { split_it, query_it },
		.check = all_frames_are_split,
		.preemptions = EXPLORE_AT_MOST(3) });
}

static void get_nothing(struct frame_request request)
{
	pfn_t frame;

	request.owner = 1;
	EXPLORE_CHECK(explored_frame_pool_alloc(
			      &scene.pool, 2 * explore_cpu(), &request,
			      &frame) == ST_NO_MEMORY);
}

static void get_no_frame(void *context)
{
	(void)context;
	get_nothing((struct frame_request){ .size = FRAME_4K });
	get_nothing((struct frame_request){ .size = FRAME_2M });
}

static void get_no_run(void *context)
{
	(void)context;
	get_nothing((struct frame_request){ .size = FRAME_RUN, .pages = 3 });
	get_nothing((struct frame_request){ .limit = FRAME_BELOW_1M });
}

static void get_not_this_frame(void *context)
{
	(void)context;
	EXPLORE_CHECK(explored_frame_pool_alloc_at(
			      &scene.pool, 2 * explore_cpu(),
			      (pfn_t){ LAST }, 1) == ST_CONFLICT);
}

CASE(frame_split_in_place_gives_no_frame_to_one_that_allocates)
{
	explore_whole(&(struct exploration){
		.name = "split_alloc", .set_up = block_is_allocated,
		.cpu = { split_it, get_no_frame },
		.check = all_frames_are_split,
		.preemptions = EXPLORE_AT_MOST(2) });
	explore_whole(&(struct exploration){
		.name = "split_run", .set_up = block_is_allocated,
		.cpu = { split_it, get_no_run },
		.check = all_frames_are_split,
		.preemptions = EXPLORE_AT_MOST(2) });
	explore_whole(&(struct exploration){
		.name = "split_at", .set_up = block_is_allocated,
		.cpu = { split_it, get_not_this_frame },
		.check = all_frames_are_split,
		.preemptions = EXPLORE_AT_MOST(2) });
}

/* --- beside CPUs that change the same byte ---------------------------------*/

static void one_has_split_it(void *context)
{
	bool first = scene.status[0] == ST_OK;

	(void)context;
	EXPLORE_CHECK(first != (scene.status[1] == ST_OK));
	EXPLORE_CHECK(scene.status[first] == ST_CONFLICT);
	EXPLORE_CHECK(frames_have(first ? TO : TO + 1));
}

CASE(frame_split_in_place_succeeds_on_one_cpu)
{
	explore_whole(&(struct exploration){
		.name = "split_twice", .set_up = block_is_allocated,
		.cpu = { split_it, split_it },
		.check = one_has_split_it,
		.preemptions = EXPLORE_AT_MOST(3) });
}

static void exchange_it(void *context)
{
	unsigned cpu = explore_cpu();
	struct frame_byte_change change = {
		{ FIRST }, FRAME_2M, FROM, OTHER };

	(void)context;
	scene.status[cpu] = explored_frame_pool_exchange_byte(
		&scene.pool, &change, &was[cpu]);
}

/* The count of sharers goes to the block, or it was too late. */
static void split_or_exchanged(void *context)
{
	struct frame_info info = explored_frame_pool_query(&scene.pool,
							   (pfn_t){ FIRST });

	(void)context;
	if (scene.status[0] == ST_OK) {
		EXPLORE_CHECK(scene.status[1] == ST_NOT_FOUND ||
			      scene.status[1] == ST_CONFLICT);
		EXPLORE_CHECK(was[1] == (scene.status[1] == ST_CONFLICT ?
				FRAME_BYTE_SPLITTING : FRAME_BYTE_FREE));
		EXPLORE_CHECK(frames_have(TO));
		return;
	}
	EXPLORE_CHECK(scene.status[0] == ST_CONFLICT);
	EXPLORE_CHECK(scene.status[1] == ST_OK && was[1] == FROM);
	EXPLORE_CHECK(info.size == FRAME_2M && info.owner == OTHER);
}

CASE(frame_split_in_place_or_an_exchange_is_too_late)
{
	explore_whole(&(struct exploration){
		.name = "split_exchange", .set_up = block_is_allocated,
		.cpu = { split_it, exchange_it },
		.check = split_or_exchanged,
		.preemptions = EXPLORE_AT_MOST(3) });
}

/* Adds one, however often another CPU is faster. */
static void count_up(void *context)
{
	struct frame_byte_change change = { { FIRST }, FRAME_2M, FROM, 0 };
	enum status status;

	(void)context;
	do {
		change.to = (uint8_t)(change.from + 1);
		status = explored_frame_pool_exchange_byte(
			&scene.pool, &change, &change.from);
	} while (status == ST_CONFLICT);
	EXPLORE_CHECK(status == ST_OK);
}

static void three_more(void *context)
{
	struct frame_info info = explored_frame_pool_query(&scene.pool,
							   (pfn_t){ FIRST });

	(void)context;
	EXPLORE_CHECK(info.owner == FROM + 3);
}

CASE(frame_bytes_lose_no_count)
{
	explore_whole(&(struct exploration){
		.name = "count", .set_up = block_is_allocated,
		.cpu = { count_up, count_up, count_up },
		.check = three_more,
		.preemptions = EXPLORE_AT_MOST(3) });
}
