// SPDX-License-Identifier: MIT OR Apache-2.0
/* Split, merge, unlist, refuse and the last frame, in every order (TSO). */
#include "explored_scene.h"

#include "check.h"
#include "explorer.h"
#include "frame_world.h"

static struct scene scene;

/* All allocated but `free`; the pool begins at frame `begin`. */
static void make_pool(struct scene *at, uint64_t begin,
		      struct frame_run free)
{
	struct frame_pool_request request = pool_of(at, begin);
	struct frame_request one = { .owner = 1 };
	pfn_t frame;

	if (explored_frame_pool_init(&at->pool, &request) != ST_OK ||
	    explored_frame_pool_add(&at->pool, 0, (struct frame_run){
			    { begin }, FRAMES }) != ST_OK)
		abort();
	for (unsigned i = 0; i < FRAMES; i++)
		if (explored_frame_pool_alloc(&at->pool, 0, &one, &frame) !=
		    ST_OK)
			abort();
	for (uint64_t i = 0; i < free.frames; i++)
		if (explored_frame_pool_free(&at->pool, 0,
				&(struct frame_return){
					.frame = { free.first.raw + i } }) !=
		    ST_OK)
			abort();
}

/* Made once, by some 300 calls of the pool; all schedules begin with a copy. */
static void set_up_pool(struct scene *at, uint64_t begin,
			struct frame_run free)
{
	static struct {
		const struct scene *of;
		struct frame_run free;
		struct scene scene;
	} made[3];
	unsigned i = 0;

	while (made[i].of != NULL &&
	       (made[i].of != at || made[i].free.frames != free.frames ||
		made[i].free.first.raw != free.first.raw))
		if (++i == sizeof(made) / sizeof(*made))
			abort();
	if (made[i].of == NULL) {
		make_pool(at, begin, free);
		made[i].of = at;
		made[i].free = free;
		made[i].scene = *at;
	}
	*at = made[i].scene;
}

/* All allocated but `first` ... `first + frames`. */
static void leave_free(uint64_t first, uint64_t frames)
{
	set_up_pool(&scene, 0, (struct frame_run){ { first }, frames });
}

static enum status take(pfn_t *out)
{
	struct frame_request one = { .owner = 1 };

	return explored_frame_pool_alloc(&scene.pool, 2 * explore_cpu(), &one,
					 out);
}

static enum status give(uint64_t frame)
{
	struct frame_return what = { { frame }, FRAME_4K, 0, 0, NULL };

	return explored_frame_pool_free(&scene.pool, 2 * explore_cpu(), &what);
}

static bool all_free_is(uint64_t want)
{
	return scene_has_free(&scene, want);
}

static void take_one(void *context)
{
	pfn_t frame;

	(void)context;
	scene.status[explore_cpu()] = take(&frame);
}

static void take_and_give(void *context)
{
	pfn_t frame;
	enum status status = take(&frame);

	(void)context;
	EXPLORE_CHECK(status == ST_OK);
	EXPLORE_CHECK(give(frame.raw) == ST_OK);
}

static void give_ten(void *context)
{
	(void)context;
	scene.status[explore_cpu()] = give(10);
}

static void give_eleven(void *context)
{
	(void)context;
	scene.status[explore_cpu()] = give(11);
}

static void one_is_free(void *context)
{
	(void)context;
	leave_free(10, 1);
}

static void one_has_it(void *context)
{
	(void)context;
	EXPLORE_CHECK((scene.status[0] == ST_OK) + (scene.status[1] == ST_OK)
		      == 1);
	EXPLORE_CHECK((scene.status[0] == ST_NO_MEMORY) +
		      (scene.status[1] == ST_NO_MEMORY) == 1);
	EXPLORE_CHECK(all_free_is(0));
}

CASE(frame_explore_gives_the_last_frame_to_one)
{
	explore_whole(&(struct exploration){
		.name = "last_frame", .set_up = one_is_free,
		.cpu = { take_one, take_one }, .check = one_has_it,
		.preemptions = EXPLORE_AT_MOST(1) });
}

static void block_is_free(void *context)
{
	(void)context;
	leave_free(0, BLOCK);
}

static void block_is_free_again(void *context)
{
	(void)context;
	EXPLORE_CHECK(all_free_is(BLOCK));
}

/* A block that splits and merges: no request for a free frame fails. */
CASE(frame_explore_never_refuses_while_a_block_splits_and_merges)
{
	explore_whole(&(struct exploration){
		.name = "split_merge", .set_up = block_is_free,
		.cpu = { take_and_give, take_and_give },
		.check = block_is_free_again,
		.preemptions = EXPLORE_AT_MOST(1) });
}

static void two_are_allocated(void *context)
{
	(void)context;
	leave_free(0, BLOCK);
	/* Two of the block, at known places. */
	if (!explored_frame_split_block(&scene.pool, 0, 0))
		abort();
	scene.bits[0].plain &= ~(3UL << 10);
	scene.frame_owner[10].plain = scene.frame_owner[11].plain = 1;
}

static void both_came_home(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_OK && scene.status[1] == ST_OK);
	EXPLORE_CHECK(all_free_is(BLOCK));
}

CASE(frame_explore_merges_when_two_free_the_last_two)
{
	explore_whole(&(struct exploration){
		.name = "two_frees", .set_up = two_are_allocated,
		.cpu = { give_ten, give_eleven }, .check = both_came_home,
		.preemptions = EXPLORE_AT_MOST(1) });
}

static void one_is_allocated(void *context)
{
	two_are_allocated(context);
	scene.bits[0].plain |= 1UL << 11;
	scene.frame_owner[11].plain = 0;
}

static void one_fewer(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_OK && scene.status[1] == ST_OK);
	EXPLORE_CHECK(all_free_is(BLOCK - 1));
}

/* The free makes the block whole, the other takes from it meanwhile. */
CASE(frame_explore_merges_or_takes_but_not_both)
{
	explore_whole(&(struct exploration){
		.name = "merge_take", .set_up = one_is_allocated,
		.cpu = { give_ten, take_one }, .check = one_fewer,
		.preemptions = EXPLORE_AT_MOST(1) });
}

static void all_are_ones(void *context)
{
	(void)context;
	leave_free(0, BLOCK);
	if (!explored_frame_split_block(&scene.pool, 0, 0))
		abort();
}

static void merge(void *context)
{
	(void)context;
	explored_frame_merge_block(&scene.pool, 0, 0);
}

static void allocate_a_frame(void *context)
{
	uint64_t taken = claim_bits(&scene.bits[1], 1);

	(void)context;
	if (taken != 0)
		EXPLORE_CHECK(explored_frame_return_word(&scene.pool, 2, 1,
							 taken) == 0);
}

/*
 * The merge meets a frame that is allocated, and that is given back before the
 * words which the merge took are: who gives it back sees no whole block.
 */
CASE(frame_explore_merges_what_came_home_while_a_merge_failed)
{
	explore_whole(&(struct exploration){
		.name = "merge_again", .set_up = all_are_ones,
		.cpu = { merge, allocate_a_frame },
		.check = block_is_free_again, .model = EXPLORE_WEAK,
		.preemptions = EXPLORE_AT_MOST(3) });
}

/* Word by word, as a cache does, until it finds none in the block. */
static void refill_twice(void *context)
{
	struct frame_claim claim = { .most = 64, .block = 0 };
	cpu_slot slot = 2 * explore_cpu();

	(void)context;
	if (explored_frame_claim_word(&scene.pool, slot, &claim) != 0)
		(void)explored_frame_claim_word(&scene.pool, slot, &claim);
}

static void rest_is_reachable(void *context)
{
	struct frame_request one = { .owner = 1 };
	struct frame_stats stats;
	pfn_t frame;

	(void)context;
	frame_pool_stats(&scene.pool, &stats);
	EXPLORE_CHECK(stats.free_frames == 0 ||
		      explored_frame_pool_alloc(&scene.pool, 0, &one,
						&frame) == ST_OK);
}

/* The words of a merge that fails are zero when the block is unlisted. */
CASE(frame_explore_lists_what_a_failed_merge_returns)
{
	explore_whole(&(struct exploration){
		.name = "merge_unlist", .set_up = all_are_ones,
		.cpu = { merge, refill_twice },
		.check = rest_is_reachable, .model = EXPLORE_SEQUENTIAL,
		.preemptions = EXPLORE_AT_MOST(3) });
}

/* A giant of two leaf words, so that a merge takes one after the other. */
#define WIDE_FRAMES 8192

struct wide {
	struct frame_pool pool;
	atomic_u64 bits[WIDE_FRAMES / 64];
	atomic_u16 hints[WIDE_FRAMES / 64];
	atomic_u8 frame_owner[WIDE_FRAMES], block_owner[WIDE_FRAMES / 64];
	atomic_u8 giant_owner[64];
	atomic_u64 trees[256];
	struct frame_activity activity[6];
};

static struct wide wide;

static void all_blocks_are_whole(void *context)
{
	struct frame_pool_request request = {
		.frames = WIDE_FRAMES, .shape = { 6, 7 }, .slots = 6,
		.bits = wide.bits, .hints = wide.hints,
		.frame_owner = wide.frame_owner,
		.block_owner = wide.block_owner,
		.giant_owner = wide.giant_owner,
		.trees = wide.trees, .activity = wide.activity,
	};
	struct frame_pool_sizes sizes;

	(void)context;
	if (explored_frame_pool_measure(&request, &sizes) != ST_OK ||
	    sizes.trees > sizeof(wide.trees) ||
	    sizes.giant_owner > sizeof(wide.giant_owner) ||
	    explored_frame_pool_init(&wide.pool, &request) != ST_OK ||
	    explored_frame_pool_add(&wide.pool, 0, (struct frame_run){
			    { 0 }, WIDE_FRAMES }) != ST_OK ||
	    !explored_frame_split_giant(&wide.pool, 0, 0))
		abort();
}

static void merge_wide(void *context)
{
	(void)context;
	explored_frame_merge_giant(&wide.pool, 0, 0);
}

static void allocate_a_block(void *context)
{
	struct frame_pool *pool = &wide.pool;
	uint64_t taken;

	(void)context;
	frame_enter(pool, 2);
	taken = explored_frame_tree_claim(pool, &pool->blocks, 1, 1);
	frame_leave(pool, 2);
	if (taken != 0)
		EXPLORE_CHECK(explored_frame_return_blocks(pool, 2, 1, taken) ==
			      0);
}

static void wide_is_a_giant_again(void *context)
{
	struct frame_stats stats;

	(void)context;
	frame_pool_stats(&wide.pool, &stats);
	EXPLORE_CHECK(stats.free_frames == WIDE_FRAMES);
	EXPLORE_CHECK(stats.whole_giants == 1);
	EXPLORE_CHECK(frame_pool_audit(&wide.pool));
}

CASE(frame_explore_merges_a_giant_when_its_merge_failed)
{
	explore_whole(&(struct exploration){
		.name = "giant_again", .set_up = all_blocks_are_whole,
		.cpu = { merge_wide, allocate_a_block },
		.check = wide_is_a_giant_again, .model = EXPLORE_WEAK,
		.preemptions = EXPLORE_AT_MOST(3) });
}

/* Its block is still listed. */
static void none_is_free(void *context)
{
	(void)context;
	leave_free(10, 1);
	scene.bits[0].plain &= ~(1UL << 10);
	scene.frame_owner[10].plain = 1;
}

static void free_is_reachable(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_OK);
	EXPLORE_CHECK(all_free_is(scene.status[1] == ST_OK ? 0 : 1));
}

/* Unlisting an empty block against a free into it. */
CASE(frame_explore_unlists_no_block_that_has_a_frame)
{
	explore_whole(&(struct exploration){
		.name = "unlist", .set_up = none_is_free,
		.cpu = { give_ten, take_one }, .check = free_is_reachable,
		.preemptions = EXPLORE_AT_MOST(1) });
}

/*
 * The same where loads may be late, as C's memory model has it: here the
 * order named at each access counts, and x86 hides none that is missing.
 */
CASE(frame_explore_refuses_no_request_where_loads_are_late)
{
	explore_whole(&(struct exploration){
		.name = "weak_split_merge", .set_up = block_is_free,
		.cpu = { take_and_give, take_and_give },
		.check = block_is_free_again, .model = EXPLORE_WEAK,
		.preemptions = EXPLORE_AT_MOST(1) });
}

CASE(frame_explore_unlists_no_block_where_loads_are_late)
{
	explore_whole(&(struct exploration){
		.name = "weak_unlist", .set_up = none_is_free,
		.cpu = { give_ten, take_one }, .check = free_is_reachable,
		.model = EXPLORE_WEAK, .preemptions = EXPLORE_AT_MOST(1) });
}

/* --- a block that another CPU was quicker to take --------------------------*/

static void take_some(void *context)
{
	struct frame_claim claim = {
		.limit = FRAME_ANYWHERE, .most = 4, .block = BLOCK_NONE,
	};
	uint64_t mask = explored_frame_claim_word(&scene.pool,
						  2 * explore_cpu(), &claim);

	(void)context;
	/* The named block is read again: it must have been split. */
	EXPLORE_CHECK((mask != 0) == (claim.block != BLOCK_NONE));
}

static void take_block(void *context)
{
	struct frame_request whole = { .size = FRAME_2M, .owner = 1 };
	pfn_t frame;

	(void)context;
	scene.status[explore_cpu()] = explored_frame_pool_alloc(
		&scene.pool, 2 * explore_cpu(), &whole, &frame);
}

CASE(frame_explore_forgets_a_block_that_it_did_not_get)
{
	explore_whole(&(struct exploration){
		.name = "lost_block", .set_up = block_is_free,
		.cpu = { take_some, take_block },
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* --- a giant, when something else comes home -------------------------------*/

#define SMALL_BLOCK 64

/* Two giants of two blocks: the lower one is free, the other allocated. */
static void a_giant_is_free(void *context)
{
	struct frame_pool_request request = pool_of(&scene, 0);
	struct frame_request whole = { .size = FRAME_2M, .owner = 1 };
	pfn_t frame;

	(void)context;
	request.shape = (struct frame_shape){ 6, 1 };
	if (explored_frame_pool_init(&scene.pool, &request) != ST_OK ||
	    explored_frame_pool_add(&scene.pool, 0, (struct frame_run){
			    { 0 }, FRAMES }) != ST_OK)
		abort();
	for (uint64_t at = FRAMES; at > FRAMES / 2; at -= SMALL_BLOCK)
		if (explored_frame_pool_alloc(&scene.pool, 0, &whole,
					      &frame) != ST_OK ||
		    frame.raw != at - SMALL_BLOCK)
			abort();
}

static enum status give_block(uint64_t frame)
{
	struct frame_return what = { { frame }, FRAME_2M, 0, 0, NULL };

	return explored_frame_pool_free(&scene.pool, 2 * explore_cpu(), &what);
}

static void give_the_last_block(void *context)
{
	(void)context;
	EXPLORE_CHECK(give_block(FRAMES - SMALL_BLOCK) == ST_OK);
}

static void take_and_give_a_block(void *context)
{
	struct frame_request whole = { .size = FRAME_2M, .owner = 1 };
	pfn_t frame;

	(void)context;
	EXPLORE_CHECK(explored_frame_pool_alloc(&scene.pool,
						2 * explore_cpu(), &whole,
						&frame) == ST_OK);
	EXPLORE_CHECK(give_block(frame.raw) == ST_OK);
}

static void the_giant_is_whole(void *context)
{
	struct frame_stats stats;

	(void)context;
	EXPLORE_CHECK(all_free_is(FRAMES / 2 + SMALL_BLOCK));
	frame_pool_stats(&scene.pool, &stats);
	EXPLORE_CHECK(stats.whole_giants == 1);
}

/* The CPU that breaks a giant takes frames of it, and so will merge it. */
CASE(frame_explore_breaks_no_giant_for_a_frame_from_elsewhere)
{
	explore_whole(&(struct exploration){
		.name = "break_take", .set_up = a_giant_is_free,
		.cpu = { take_and_give, give_the_last_block },
		.check = the_giant_is_whole,
		.preemptions = EXPLORE_AT_MOST(1) });
}

CASE(frame_explore_breaks_no_giant_for_a_block_from_elsewhere)
{
	explore_whole(&(struct exploration){
		.name = "break_take_block", .set_up = a_giant_is_free,
		.cpu = { take_and_give_a_block, give_the_last_block },
		.check = the_giant_is_whole,
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* --- two nodes -------------------------------------------------------------*/

static struct scene far;
static const uint8_t nearest_first[] = { 0, 1, 1, 0 };
static struct frame_pool *pools[] = { &scene.pool, &far.pool };
static const uint16_t first_pool[] = { 0, 1, 2 };
static struct frame_nodes nodes = {
	.pool = pools, .pools = 2, .count = 2, .first = first_pool,
	.order = nearest_first };

static void one_is_far(void *context)
{
	none_is_free(context);
	set_up_pool(&far, FRAMES, (struct frame_run){ { FRAMES + 20 }, 1 });
}

static void take_anywhere(void *context)
{
	struct frame_request one = { .owner = 1 };
	pfn_t frame;

	(void)context;
	scene.status[explore_cpu()] = explored_frame_alloc(
		&nodes, 2 * explore_cpu(), &one, &frame);
}

/* At every instant one of the two is free. */
static void give_here_then_take_there(void *context)
{
	struct frame_request there = { .owner = 1, .node = 1,
				       .rule = FRAME_NODE_REQUIRED };
	pfn_t frame;

	give_ten(context);
	scene.status[2] = explored_frame_alloc(&nodes, 2 * explore_cpu(),
					       &there, &frame);
}

static void no_request_was_refused(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_OK && scene.status[1] == ST_OK);
}

/* A frame that moves from one node to the other cannot hide behind that. */
CASE(frame_explore_refuses_no_request_between_two_nodes)
{
	explore_whole(&(struct exploration){
		.name = "two_nodes", .set_up = one_is_far,
		.cpu = { take_anywhere, give_here_then_take_there },
		.check = no_request_was_refused,
		.preemptions = EXPLORE_AT_MOST(1) });
}
