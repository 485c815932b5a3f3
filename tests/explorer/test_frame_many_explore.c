// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/many.c in races: all of them or none, in every order (TSO). */
#include "explored_scene.h"

#include "check.h"
#include "explorer.h"

/* Blocks of a word, two to a giant. */
#define WORD	64
#define WANTED	200

static struct scene scene;
static pfn_t got[3][FRAMES];

/* --- what processors do ----------------------------------------------------*/

static enum status get_many(uint64_t count)
{
	struct frame_request request = { .owner = 1 };
	unsigned cpu = explore_cpu() % 3;

	return explored_frame_pool_alloc_many(
		&scene.pool, 2 * cpu, &request,
		(struct frame_array){ got[cpu], count });
}

static enum status give_many(const pfn_t *frames, uint64_t count)
{
	return explored_frame_pool_free_many(
		&scene.pool, 2 * (explore_cpu() % 3),
		&(struct frame_many_return){
			.frames = frames, .count = count, .owner = 1 });
}

static enum status give(uint64_t frame)
{
	return explored_frame_pool_free(
		&scene.pool, 2 * (explore_cpu() % 3),
		&(struct frame_return){ .frame = { frame } });
}

static void take(enum frame_size size)
{
	struct frame_request request = { .size = size, .owner = 1 };
	unsigned cpu = explore_cpu();

	scene.status[cpu] = explored_frame_pool_alloc(
		&scene.pool, 2 * cpu, &request, got[cpu]);
}

static void take_one(void *context)
{
	(void)context;
	take(FRAME_4K);
}

static void take_a_block(void *context)
{
	(void)context;
	take(FRAME_2M);
}

static void take_two(void *context)
{
	(void)context;
	scene.status[explore_cpu()] = get_many(2);
}

static void take_four_in_a_handler(void *context)
{
	struct frame_request request = { .owner = 1 };

	(void)context;
	scene.status[1] = explored_frame_pool_alloc_many(
		&scene.pool, 3, &request, (struct frame_array){ got[1], 4 });
	atomic_fence_seq_cst();
}

static void take_three(void *context)
{
	(void)context;
	scene.status[explore_cpu()] = get_many(3);
}

static void take_a_word(void *context)
{
	(void)context;
	scene.status[explore_cpu()] = get_many(WORD);
}

static void give_ten(void *context)
{
	(void)context;
	scene.status[explore_cpu()] = give(10);
}

static void give_a_block(void *context)
{
	static pfn_t frames[WORD];

	(void)context;
	for (unsigned i = 0; i < WORD; i++)
		frames[i].raw = WORD + i;
	EXPLORE_CHECK(give_many(frames, WORD) == ST_OK);
}

/* --- scenes ----------------------------------------------------------------*/

/* The words of blocks that were never split are junk. */
static void all_is_free(void *context)
{
	struct frame_pool_request request = pool_of(&scene, 0);

	(void)context;
	request.shape = (struct frame_shape){ 6, 1 };
	memset(scene.bits, 0x5b, sizeof(scene.bits));
	memset(scene.frame_owner, 0x5b, sizeof(scene.frame_owner));
	if (explored_frame_pool_init(&scene.pool, &request) != ST_OK ||
	    explored_frame_pool_add(&scene.pool, 0, (struct frame_run){
			    { 0 }, FRAMES }) != ST_OK)
		abort();
}

static void none_is_free(void *context)
{
	all_is_free(context);
	if (get_many(FRAMES) != ST_OK)
		abort();
}

static void two_are_free(void *context)
{
	none_is_free(context);
	if (give(10) != ST_OK || give(WANTED) != ST_OK)
		abort();
}

static void three_are_free(void *context)
{
	two_are_free(context);
	if (give(11) != ST_OK)
		abort();
}

static bool all_free_is(uint64_t want)
{
	return scene_has_free(&scene, want) &&
	       scene.pool.activity[0].claiming.plain % 2 == 0 &&
	       scene.pool.activity[2].claiming.plain % 2 == 0;
}

/* --- refusals --------------------------------------------------------------*/

#define MISSING (WORD + 6)

/* A block but for one frame. */
static void all_but_one_are_free(void *context)
{
	static pfn_t frames[WORD - 1];
	unsigned count = 0;

	none_is_free(context);
	for (uint64_t at = WORD; at < 2 * WORD; at++)
		if (at != MISSING)
			frames[count++].raw = at;
	if (give_many(frames, count) != ST_OK)
		abort();
}

static void take_all_but_one(void *context)
{
	(void)context;
	scene.status[0] = get_many(WORD - 1);
}

static void give_the_missing(void *context)
{
	(void)context;
	EXPLORE_CHECK(give(MISSING) == ST_OK);
}

static void one_is_left(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_OK);
	EXPLORE_CHECK(all_free_is(1));
}

CASE(frame_many_is_not_refused_what_merges)
{
	explore_whole(&(struct exploration){
		.name = "many_merge", .set_up = all_but_one_are_free,
		.cpu = { take_all_but_one, give_the_missing },
		.check = one_is_left, .preemptions = EXPLORE_AT_MOST(1) });
}

/* Of the refill below, which writes no owner. */
static struct frame_word claimed;

/* A refill that finds nothing: that must not be a refusal. */
static void take_one_or_wait(void *context)
{
	struct frame_claim claim = {
		.limit = FRAME_ANYWHERE, .most = 1, .block = BLOCK_NONE,
	};
	uint64_t mask = explored_frame_claim_word(&scene.pool, 2, &claim);

	(void)context;
	claimed = (struct frame_word){ claim.word * WORD, mask };
	scene.status[1] = mask != 0 ? ST_OK : ST_CONFLICT;
	EXPLORE_CHECK(mask != 0 ||
		      !explored_frame_nothing_left(&scene.pool, 2, ANY_FREE));
	/* A hint that is stored late doubles the schedules at each load. */
	atomic_fence_seq_cst();
}

static void one_was_there(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_NO_MEMORY);
	for (uint64_t rest = claimed.mask; rest != 0; rest &= rest - 1)
		scene.frame_owner[claimed.first +
				  (uint64_t)__builtin_ctzl(rest)].plain = 1;
	EXPLORE_CHECK(all_free_is(scene.status[1] == ST_OK ? 1 : 2));
}

/* At every instant there are two, or the other one will return them. */
CASE(frame_many_hides_nothing_that_it_does_not_get)
{
	explore_whole(&(struct exploration){
		.name = "many_one", .set_up = two_are_free,
		.cpu = { take_three, take_one_or_wait },
		.check = one_was_there,
		.preemptions = EXPLORE_AT_MOST(1) });
}

static void two_were_there(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_OK);
	EXPLORE_CHECK(scene.status[1] == ST_NO_MEMORY);
	EXPLORE_CHECK(all_free_is(1));
}

/* It may hold all of them for a moment, but it wants one more. */
CASE(frame_many_is_not_refused_what_another_will_return)
{
	explore_whole(&(struct exploration){
		.name = "many_many", .set_up = three_are_free,
		.cpu = { take_two, take_four_in_a_handler },
		.check = two_were_there, .model = EXPLORE_SEQUENTIAL,
		.preemptions = EXPLORE_AT_MOST(2) });
}

static void a_block_is_free(void *context)
{
	none_is_free(context);
	give_a_block(context);
}

static bool is_nothing_left(void)
{
	static const uint8_t alone[] = { 0 };
	struct frame_pool *pool = &scene.pool;
	struct frame_many many = {
		.pool = &pool, .order = alone, .pools = 1, .slot = 0 };

	return nothing_left(&many);
}

static void refuse_one(void *context)
{
	(void)context;
	EXPLORE_CHECK(!is_nothing_left());
}

static void take_and_give_one(void *context)
{
	take_one(context);
	EXPLORE_CHECK(scene.status[1] == ST_OK);
	EXPLORE_CHECK(give(got[1][0].raw) == ST_OK);
}

/* Nothing is in sight while it splits, and while it merges. */
CASE(frame_many_is_not_refused_between_two_moves)
{
	explore_whole(&(struct exploration){
		.name = "many_moves", .set_up = a_block_is_free,
		.cpu = { refuse_one, take_and_give_one },
		.preemptions = EXPLORE_AT_MOST(3) });
}

/* No other CPU is at it: frames of any size are something. */
CASE(frame_many_is_refused_when_nothing_of_any_size_is_left)
{
	all_is_free(NULL);
	CHECK(!is_nothing_left());
	a_block_is_free(NULL);
	CHECK(!is_nothing_left());
	none_is_free(NULL);
	CHECK(is_nothing_left());
	two_are_free(NULL);
	CHECK(!is_nothing_left());
}

static void take_one_of_many(void *context)
{
	(void)context;
	scene.status[0] = get_many(1);
}

static void give_ten_and_take_a_block(void *context)
{
	give_ten(context);
	EXPLORE_CHECK(scene.status[1] == ST_OK);
	take_a_block(context);
}

static void one_of_many_was_there(void *context)
{
	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_OK);
}

/* The block is behind it when the frame comes, and gone when it gets there. */
CASE(frame_many_is_not_refused_what_it_did_not_see)
{
	explore_whole(&(struct exploration){
		.name = "many_root", .set_up = a_block_is_free,
		.cpu = { take_one_of_many, give_ten_and_take_a_block },
		.check = one_of_many_was_there,
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* --- frees -----------------------------------------------------------------*/

static void give_two_at_once(void *context)
{
	static const pfn_t frames[] = { { 10 }, { WANTED } };

	(void)context;
	scene.status[explore_cpu()] = give_many(frames, 2);
}

static void ten_was_named(void *context)
{
	(void)context;
	EXPLORE_CHECK((scene.status[0] == ST_OK) != (scene.status[1] == ST_OK));
	EXPLORE_CHECK(scene.status[0] == ST_OK ||
		      scene.status[0] == ST_CONFLICT);
	EXPLORE_CHECK(scene.pool.bad_frees.plain == 1);
	EXPLORE_CHECK(scene.bits[0].plain == 1UL << 10);
}

CASE(frame_many_finds_what_another_frees_at_once)
{
	explore_whole(&(struct exploration){
		.name = "many_twice", .set_up = none_is_free,
		.cpu = { give_two_at_once, give_ten }, .check = ten_was_named,
		.preemptions = EXPLORE_AT_MOST(2) });
}

static void some_of_the_block_are_gone(void *context)
{
	uint64_t one = context == NULL ? 1 : WORD;

	EXPLORE_CHECK(scene.status[1] == ST_OK ||
		      scene.status[1] == ST_NO_MEMORY ||
		      scene.status[1] == ST_CONFLICT);
	EXPLORE_CHECK(all_free_is(scene.status[1] == ST_OK ? WORD - one :
							     WORD));
}

CASE(frame_many_makes_a_block_whole_while_others_want_it)
{
	explore_whole(&(struct exploration){
		.name = "many_whole_one", .set_up = none_is_free,
		.cpu = { give_a_block, take_one },
		.check = some_of_the_block_are_gone,
		.preemptions = EXPLORE_AT_MOST(2) });
	explore_whole(&(struct exploration){
		.name = "many_whole_block", .set_up = none_is_free,
		.cpu = { give_a_block, take_a_block }, .context = &scene,
		.check = some_of_the_block_are_gone,
		.preemptions = EXPLORE_AT_MOST(2) });
	explore_whole(&(struct exploration){
		.name = "many_whole_many", .set_up = none_is_free,
		.cpu = { give_a_block, take_a_word }, .context = &scene,
		.check = some_of_the_block_are_gone,
		.preemptions = EXPLORE_AT_MOST(1) });
}

/* Block 1 is listed as split although nothing of it is free. */
static void listed_block(void *context)
{
	none_is_free(context);
	frame_enter(&scene.pool, 0);
	explored_frame_tree_list(&scene.pool, &scene.pool.split, 1);
	frame_leave(&scene.pool, 0);
}

CASE(frame_many_makes_a_block_whole_that_another_unlists)
{
	explore_whole(&(struct exploration){
		.name = "many_unlist", .set_up = listed_block,
		.cpu = { give_a_block, take_one },
		.check = some_of_the_block_are_gone,
		.preemptions = EXPLORE_AT_MOST(2) });
}

/* Its block shares a word of the summary with the other one. */
static void give_ten_and_refuse(void *context)
{
	give_ten(context);
	EXPLORE_CHECK(scene.status[1] == ST_OK);
	EXPLORE_CHECK(!explored_frame_nothing_left(&scene.pool, 2, ANY_FREE));
}

static void the_block_is_free(void *context)
{
	(void)context;
	EXPLORE_CHECK(all_free_is(WORD + 1));
}

CASE(frame_many_unlists_a_block_and_hides_no_other)
{
	explore_whole(&(struct exploration){
		.name = "many_unlist_other", .set_up = listed_block,
		.cpu = { give_a_block, give_ten_and_refuse },
		.check = the_block_is_free,
		.preemptions = EXPLORE_AT_MOST(3) });
}

/* --- whole blocks that are filled ------------------------------------------*/

static void pick_wanted(void *context)
{
	(void)context;
	scene.status[1] = explored_frame_pool_alloc_at(
		&scene.pool, 2, (pfn_t){ WANTED }, 2);
}

static void wanted_has_one_owner(void *context)
{
	bool picked = scene.status[1] == ST_OK;

	(void)context;
	EXPLORE_CHECK(scene.status[0] == ST_OK);
	EXPLORE_CHECK(picked || scene.status[1] == ST_CONFLICT);
	EXPLORE_CHECK(scene.frame_owner[WANTED].plain == (picked ? 2 : 1));
	EXPLORE_CHECK(all_free_is(FRAMES - WORD - picked));
}

CASE(frame_many_fills_a_block_of_which_another_wants_one)
{
	explore_whole(&(struct exploration){
		.name = "many_pick", .set_up = all_is_free,
		.cpu = { take_a_word, pick_wanted },
		.check = wanted_has_one_owner,
		.preemptions = EXPLORE_AT_MOST(1) });
}

static void query_wanted(void *context)
{
	(void)context;
	for (unsigned i = 0; i < 2; i++) {
		struct frame_info info = explored_frame_pool_query(
			&scene.pool, (pfn_t){ WANTED });

		EXPLORE_CHECK(info.owner ==
			      (info.state == FRAME_STATE_ALLOCATED ? 1 : 0));
		EXPLORE_CHECK(info.state == FRAME_STATE_FREE ||
			      info.state == FRAME_STATE_CACHED ||
			      info.state == FRAME_STATE_ALLOCATED);
		EXPLORE_CHECK(info.state != FRAME_STATE_FREE ||
			      info.size != FRAME_4K);
	}
}

CASE(frame_many_shows_no_junk_of_a_block_that_it_fills)
{
	explore_whole(&(struct exploration){
		.name = "many_query", .set_up = all_is_free,
		.cpu = { take_a_word, query_wanted },
		.preemptions = EXPLORE_AT_MOST(2) });
}
