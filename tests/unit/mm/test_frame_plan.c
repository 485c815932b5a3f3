// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/plan.c: the pools, their cost, and the memory left out. */
#include <mm/frame_plan.h>

#include <base/bits.h>
#include <string.h>

#include "check.h"

#define CAPACITY	6100

/* Page numbers. */
#define MEBI(n)		((uint64_t)(n) << 8)
#define GIBI(n)		((uint64_t)(n) << 18)
#define TEBI(n)		((uint64_t)(n) << 28)

static struct frame_range ranges[CAPACITY];
static struct frame_plan plan;

static void start(unsigned nodes, unsigned slots)
{
	plan = (struct frame_plan){
		.ranges = ranges, .capacity = CAPACITY, .nodes = nodes,
		.slots = slots, .shape = FRAME_SHAPE_PC, .least_pages = 1 };
}

static void add(unsigned node, uint64_t first, uint64_t pages)
{
	CHECK(frame_plan_add(&plan, (struct frame_range){
		.first = first, .end = first + pages,
		.node = (uint16_t)node }) == ST_OK);
}

static void add_in_use(unsigned node, uint64_t first, uint64_t pages)
{
	CHECK(frame_plan_add(&plan, (struct frame_range){
		.first = first, .end = first + pages,
		.node = (uint16_t)node, .in_use = true }) == ST_OK);
}

/* Checks the limits of the header on the result, not how it was made. */
static bool costs_little(void)
{
	uint64_t ranges_most = (plan.count - plan.left_out_ranges) *
			       FRAME_PLAN_RANGE_BYTES;
	uint64_t pools_most = (plan.pools + plan.nodes) *
			      FRAME_PLAN_POOL_BYTES(plan.slots);
	bool good = plan.bytes <= plan.pages * PAGE_SIZE / 10000 * 3 +
					  ranges_most + pools_most;

	if (!good)
		printf("# pages %lu bytes %lu ranges %zu pools %u\n",
		       plan.pages, plan.bytes, plan.count, plan.pools);
	return good;
}

static bool builds(void)
{
	return frame_plan_build(&plan) == ST_OK &&
	       frame_plan_audit(&plan) && costs_little();
}

static unsigned pool_at(uint64_t frame)
{
	size_t index;

	if (frame_plan_find(&plan, (pfn_t){ frame }, &index) != ST_OK)
		return FRAME_NO_POOL;
	return ranges[index].pool;
}

static void add_pc(uint64_t pages)
{
	add_in_use(0, 16, 144);
	add_in_use(0, MEBI(1), pages < GIBI(2) ? pages - MEBI(1) : MEBI(2047));
	if (pages > GIBI(2))
		add(0, GIBI(4), pages - GIBI(2));
}

/* --- one pool is enough ----------------------------------------------------*/

CASE(frame_plan_makes_one_pool_of_a_pc)
{
	static const uint64_t sizes[] = {
		MEBI(64), MEBI(512), GIBI(3), GIBI(9), GIBI(600), TEBI(12) };

	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		start(1, 2);
		add_pc(sizes[i]);
		CHECK(builds() && plan.pools == 1);
		CHECK(plan.pages == sizes[i] - MEBI(1) + 144);
		CHECK(plan.left_out_ranges == 0);
		CHECK(frame_plan_request(&plan, 0).first.raw == 0);
	}
}

CASE(frame_plan_keeps_holes_that_cost_little)
{
	start(1, 2);
	add_in_use(0, MEBI(1), TEBI(1) - GIBI(12));
	add(0, TEBI(1) + GIBI(114), TEBI(11));
	CHECK(builds() && plan.pools == 1);
	/* Nor is a hole inside of giants any. */
	start(1, 2);
	for (uint64_t i = 0; i < 200; i++)
		add_in_use(0, GIBI(i) + 77, MEBI(512));
	CHECK(builds() && plan.pools == 1);
}

/* Bytes of a pool's whole arrays. */
static uint64_t whole_bytes(uint64_t giants)
{
	struct frame_pool_request request = {
		.frames = GIBI(giants), .shape = FRAME_SHAPE_PC, .slots = 2 };
	struct frame_pool_sizes sizes;

	CHECK(frame_pool_measure(&request, &sizes) == ST_OK);
	return frame_plan_whole_bytes(&sizes);
}

/* Holes may cost this much, and not a giant more. */
CASE(frame_plan_cuts_where_holes_cost_more_than_their_share)
{
	static const uint64_t each[] = { MEBI(64), GIBI(1), GIBI(32) };

	for (size_t i = 0; i < ARRAY_LENGTH(each); i++) {
		uint64_t giants = each[i] >= GIBI(1) ? each[i] >> 18 : 1;
		uint64_t most = 2 * each[i] * PAGE_SIZE / 65536 +
				FRAME_PLAN_POOL_BYTES(2), cost, hole = 0;

		do {
			start(1, 2);
			add_in_use(0, GIBI(8), each[i]);
			add(0, GIBI(8 + giants + ++hole), each[i]);
			CHECK(builds());
		} while (plan.pools == 1);
		cost = whole_bytes(2 * giants + hole - 1) -
		       whole_bytes(2 * giants);
		CHECK(cost <= most && cost > most - 3 * KIB - hole);
	}
}

CASE(frame_plan_counts_a_page_of_metadata_once)
{
	uint64_t bytes;

	start(1, 2);
	add_in_use(0, 16, MEBI(64));
	CHECK(builds());
	bytes = plan.bytes;
	start(1, 2);
	add_in_use(0, 16, 300);
	for (unsigned i = 0; i < 10; i++)
		add(0, 400 + i * 100, 90);
	add(0, MEBI(6), MEBI(58) + 16);
	CHECK(builds() && plan.pools == 1 && plan.bytes == bytes);
}

/* --- memory that is far away -----------------------------------------------*/

/* 64 MiB, and a page: 35 MiB of metadata if it were one pool. */
CASE(frame_plan_sets_a_page_far_away_apart)
{
	static const uint64_t far[] = {
		TEBI(1) - 1, TEBI(16) - 1, TEBI(16), TEBI(25), TEBI(64) - 1 };

	for (size_t i = 0; i < ARRAY_LENGTH(far); i++) {
		start(1, 2);
		add_pc(MEBI(64));
		add(0, far[i], 1);
		CHECK(builds() && plan.pools == 2);
		CHECK(plan.bytes <= 80 * KIB);
		CHECK(pool_at(far[i]) == 1 && plan.pool[1].pages == 1);
		CHECK(frame_plan_request(&plan, 1).frames <= GIBI(1));
		CHECK(frame_plan_largest(&plan, 0) == 0);
	}
}

CASE(frame_plan_cuts_at_the_largest_holes)
{
	/* One of 460 GiB may stay where there is so much memory. */
	start(1, 2);
	add_in_use(0, GIBI(10), GIBI(22));
	add(0, GIBI(32 + 460), GIBI(22));
	add(0, GIBI(514 + 900), GIBI(22));
	CHECK(builds() && plan.pools == 2);
	CHECK(pool_at(GIBI(492)) == 0 && pool_at(GIBI(1414)) == 1);
	start(1, 2);
	add_in_use(0, 16, GIBI(1));
	add(0, GIBI(400), GIBI(1));
	add(0, GIBI(404), GIBI(1));
	add(0, GIBI(900), GIBI(1));
	add(0, GIBI(1000), GIBI(1));
	CHECK(builds() && plan.pools == 4);
	CHECK(pool_at(GIBI(400)) == 1 && pool_at(GIBI(404)) == 1);
	CHECK(pool_at(GIBI(900)) == 2 && pool_at(GIBI(1000)) == 3);
	CHECK(pool_at(GIBI(402)) == FRAME_NO_POOL);
}

/* 1,408 GiB of 3 TiB at 16 to 25 TiB, as boards of 384 GiB. */
CASE(frame_plan_makes_a_pool_of_each_board)
{
	start(8, 64);
	for (unsigned board = 0; board < 8; board++) {
		uint64_t at = TEBI(board * 3) + (board ? 0 : MEBI(1));

		if (board == 0)
			add_in_use(0, at, GIBI(2) - MEBI(1));
		add(board, at + GIBI(4), GIBI(board == 5 ? 256 : 384));
	}
	CHECK(builds() && plan.pools == 8);
	for (unsigned board = 0; board < 8; board++) {
		CHECK(frame_plan_largest(&plan, board) == board);
		CHECK(pool_at(TEBI(board * 3) + GIBI(100)) == board);
		CHECK(plan.first[board] == board);
	}
}

CASE(frame_plan_cuts_what_32_bits_do_not_reach)
{
	/* Without any hole; 4 GiB apart, as there is more than one. */
	start(1, 2);
	add_in_use(0, MEBI(1), TEBI(64) - MEBI(1));
	CHECK(builds() && plan.pools == 5 && plan.count == 5);
	CHECK(pool_at(MEBI(1)) == 0 && pool_at(GIBI(4) - 1) == 0);
	CHECK(pool_at(GIBI(4)) == 1 && pool_at(TEBI(16) - 1) == 1);
	CHECK(pool_at(TEBI(16)) == 2 && pool_at(TEBI(64) - 1) == 4);
	CHECK(plan.pages == TEBI(64) - MEBI(1));
	/* Exactly 16 TiB are one pool, across a multiple of it too. */
	start(1, 2);
	add_in_use(0, MEBI(1), TEBI(16) - MEBI(1));
	CHECK(builds() && plan.pools == 1);
	CHECK(frame_plan_request(&plan, 0).frames == FRAME_POOL_MOST);
	start(1, 2);
	add_in_use(0, TEBI(10), TEBI(16));
	CHECK(builds() && plan.pools == 1 && plan.count == 2);
	/* A giant more; and a hole to cut at. */
	start(1, 2);
	add_in_use(0, TEBI(10), TEBI(16) + 1);
	CHECK(builds() && plan.pools == 2);
	start(1, 2);
	add_in_use(0, TEBI(10), TEBI(15));
	add(0, TEBI(26), TEBI(5));
	CHECK(builds() && plan.pools == 2);
	CHECK(pool_at(TEBI(25) - 1) == 0 && pool_at(TEBI(26)) == 1);
}

/* --- order -----------------------------------------------------------------*/

CASE(frame_plan_asks_memory_below_4_gib_last)
{
	uint8_t order[4];

	start(2, 2);
	add_in_use(0, MEBI(1), GIBI(3));
	add(0, GIBI(4), GIBI(5));
	add(1, GIBI(20), GIBI(5));
	add(0, TEBI(20), GIBI(1));
	add(0, TEBI(40), GIBI(20));
	CHECK(builds() && plan.pools == 5);
	CHECK(frame_plan_order(&plan, 0, order) == 4);
	CHECK(order[0] == 3 && order[1] == 1 && order[2] == 2);
	CHECK(order[3] == 0 && pool_at(MEBI(1)) == 0);
	CHECK(frame_plan_largest(&plan, 0) == 3);
	CHECK(frame_plan_order(&plan, 1, order) == 1 && order[0] == 4);
	/* The largest may lie below: it is last all the same. */
	start(1, 2);
	add_pc(MEBI(64));
	add(0, TEBI(16), 1);
	CHECK(builds() && frame_plan_order(&plan, 0, order) == 2);
	CHECK(order[0] == 1 && order[1] == 0);
	CHECK(frame_plan_largest(&plan, 0) == 0);
}

/* --- nodes -----------------------------------------------------------------*/

CASE(frame_plan_knows_nodes_of_a_frame_and_without_memory)
{
	uint8_t order[4];

	start(5, 8);
	add_in_use(0, 16, MEBI(64));
	add(1, MEBI(128), MEBI(64));
	add(2, MEBI(256), 1);
	add(4, GIBI(8), MEBI(64));
	CHECK(builds() && plan.pools == 4);
	CHECK(plan.pool[2].node == 2 && plan.pool[2].pages == 1);
	CHECK(frame_plan_order(&plan, 3, order) == 0);
	CHECK(frame_plan_largest(&plan, 3) == FRAME_NO_POOL);
	CHECK(frame_plan_largest(&plan, 4) == 3);
	CHECK(plan.first[3] == 3 && plan.first[4] == 3 && plan.first[5] == 4);
}

CASE(frame_plan_finds_places_of_nodes_that_alternate)
{
	struct frame_place places[64];

	start(2, 2);
	add_in_use(0, 16, GIBI(1));
	for (unsigned i = 0; i < 40; i++)
		add(i % 2, GIBI(4) + MEBI(i * 32), MEBI(32));
	add(1, GIBI(4) + MEBI(1290), MEBI(32));
	CHECK(builds() && plan.pools == 2);
	/* The last two are one place, as are the first two. */
	CHECK(frame_plan_places(&plan, NULL) == 40);
	CHECK(frame_plan_places(&plan, places) == 40);
	CHECK(places[0].first == 16 && places[0].pool == 0);
	CHECK(places[39].first == GIBI(4) + MEBI(39 * 32) &&
	      places[39].pool == 1);
}

CASE(frame_plan_refuses_more_pools_than_there_may_be)
{
	for (unsigned pools = 255; pools <= 257; pools++) {
		start(4, 2);
		add_in_use(0, 16, GIBI(1));
		for (unsigned i = 1; i < pools; i++)
			add(i % 4, GIBI(i * 250), GIBI(1));
		CHECK(frame_plan_build(&plan) ==
		      (pools > FRAME_POOLS_MAX ? ST_FULL : ST_OK));
		if (pools > FRAME_POOLS_MAX)
			continue;
		CHECK(plan.pools == pools && builds());
	}
}

CASE(frame_plan_refuses_more_ranges_than_it_has_room_for)
{
	start(1, 2);
	plan.capacity = 2;
	add(0, 0, GIBI(5));
	CHECK(plan.count == 2);
	CHECK(frame_plan_add(&plan, (struct frame_range){
		.first = GIBI(5), .end = GIBI(6) }) == ST_OK);
	CHECK(frame_plan_add(&plan, (struct frame_range){
		.first = GIBI(7), .end = GIBI(8) }) == ST_FULL);
	CHECK(builds() && plan.pages == GIBI(6));
	start(1, 2);
	CHECK(frame_plan_build(&plan) == ST_NO_MEMORY);
	CHECK(!frame_plan_leave_out_more(&plan));
}

/* --- what stays out --------------------------------------------------------*/

/* As the kernel does it, on one node. */
static unsigned build_with_less(void)
{
	unsigned tries = 1;

	while (frame_plan_build(&plan) != ST_OK) {
		CHECK(frame_plan_leave_out_more(&plan));
		tries++;
	}
	return tries;
}

CASE(frame_plan_leaves_out_crumbs_that_would_take_all_memory)
{
	/* In each GiB a page: one pool, but a few pages for each of them. */
	start(1, 2);
	add_pc(MEBI(64));
	for (unsigned i = 1; i <= 6000; i++)
		add(0, GIBI(i), 1);
	CHECK(frame_plan_build(&plan) == ST_NO_MEMORY);
	CHECK(build_with_less() == 2 && builds());
	CHECK(plan.left_out_ranges == 6000 && plan.left_out_pages == 6000);
	CHECK(plan.pools == 1 && pool_at(GIBI(3)) == FRAME_NO_POOL);
	CHECK(frame_plan_places(&plan, NULL) == 1);
	/* In each 8 GiB, so that each would be a pool. */
	start(1, 2);
	add_pc(MEBI(64));
	for (unsigned i = 1; i <= 6000; i++)
		add(0, GIBI(i * 8), 1 + i % 4);
	add(0, TEBI(60), 5);
	CHECK(frame_plan_build(&plan) == ST_FULL);
	CHECK(build_with_less() == 4 && builds());
	CHECK(plan.left_out_ranges == 6001 && plan.least_pages == 8);
	CHECK(pool_at(TEBI(60)) == FRAME_NO_POOL);
}

CASE(frame_plan_never_leaves_out_what_is_in_use)
{
	start(1, 2);
	add_in_use(0, 16, MEBI(64));
	add_in_use(0, GIBI(100), 1);
	add(0, GIBI(200), 3);
	add(0, GIBI(300), GIBI(8));
	CHECK(builds() && plan.pools == 4);
	CHECK(frame_plan_leave_out_more(&plan) && plan.least_pages == 4);
	CHECK(builds() && pool_at(GIBI(200)) == FRAME_NO_POOL);
	CHECK(pool_at(GIBI(100)) < plan.pools && plan.left_out_pages == 3);
	CHECK(frame_plan_leave_out_more(&plan));
	CHECK(builds() && plan.left_out_pages == 3 + GIBI(8));
	CHECK(pool_at(GIBI(100)) < plan.pools);
	CHECK(!frame_plan_leave_out_more(&plan));
	/* One that touches it is one with it, on either side. */
	start(1, 2);
	add_in_use(0, 16, MEBI(64));
	add(0, GIBI(10), 5);
	add_in_use(0, GIBI(10) + 5, 1);
	add(0, GIBI(10) + 6, 5);
	CHECK(builds() && plan.count == 2);
	CHECK(!frame_plan_leave_out_more(&plan));
}

/* --- any layout ------------------------------------------------------------*/

static uint64_t below(uint64_t *seed, uint64_t limit)
{
	return check_random(seed) % limit;
}

/* Of any magnitude. */
static uint64_t length(uint64_t *seed, unsigned bits)
{
	return 1 + below(seed, 1UL << (1 + below(seed, bits)));
}

static void add_anything(uint64_t *seed)
{
	unsigned most = 1 + (unsigned)below(seed, 60);
	unsigned hole_bits = 1 + (unsigned)below(seed, 31);
	unsigned run_bits = 1 + (unsigned)below(seed, 31);
	uint64_t at = 0;

	for (unsigned i = 0; i < most; i++) {
		uint64_t pages, node = below(seed, plan.nodes);

		at += length(seed, hole_bits) - 1;
		pages = length(seed, run_bits);
		if (at + pages > TEBI(64))
			break;
		/* Nodes share no block. */
		if (i > 0)
			at = align_up(at, 512);
		add((unsigned)node, at, pages);
		at += pages;
	}
	if (plan.count == 0)
		add(0, MEBI(1), MEBI(64));
	ranges[below(seed, plan.count)].in_use = true;
}

CASE(frame_plan_costs_little_whatever_the_layout)
{
	uint64_t seed = check_seed() ^ 0x91a2;
	unsigned built = 0, several = 0;

	for (unsigned round = 0; round < 20000; round++) {
		start(1 + (unsigned)below(&seed, 8),
		      2 * (1 + (unsigned)below(&seed, 16)));
		add_anything(&seed);
		while (frame_plan_build(&plan) != ST_OK &&
		       frame_plan_leave_out_more(&plan))
			;
		if (frame_plan_build(&plan) != ST_OK)
			continue;
		built++;
		several += plan.pools > plan.nodes;
		CHECK(frame_plan_audit(&plan) && costs_little());
		for (size_t i = 0; i < plan.count; i++) {
			CHECK(pool_at(ranges[i].first) == ranges[i].pool);
			CHECK(pool_at(ranges[i].end - 1) == ranges[i].pool);
		}
	}
	CHECK(built > 10000 && several > 2000);
	printf("# built %u several %u\n", built, several);
}
