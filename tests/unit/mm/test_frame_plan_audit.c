// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mm/frame/plan.c: the audit of a plan sees each thing that can be wrong. The
 * damage is such that no other check of the audit sees it.
 */
#include <mm/frame_plan.h>

#include <base/bits.h>
#include <string.h>

#include "check.h"

/* Page numbers. */
#define MEBI(n)		((uint64_t)(n) << 8)
#define GIBI(n)		((uint64_t)(n) << 18)
#define TEBI(n)		((uint64_t)(n) << 28)

enum { LOW, BELOW_4G, ABOVE_4G, FAR, NODE_1, SMALL, NODE_1_END, RANGES };

static struct frame_range ranges[RANGES];
static struct frame_plan plan;

static void add(unsigned node, uint64_t first, uint64_t pages, bool in_use)
{
	CHECK(frame_plan_add(&plan, (struct frame_range){
		.first = first, .end = first + pages,
		.node = (uint16_t)node, .in_use = in_use }) == ST_OK);
}

/*
 * Pools 0 to 2 of node 0, the first of which ends inside a giant, and pool 3
 * of node 1, with a page in its middle that is left out.
 */
static void build(void)
{
	plan = (struct frame_plan){
		.ranges = ranges, .capacity = RANGES, .nodes = 2,
		.slots = 2, .shape = FRAME_SHAPE_PC, .least_pages = 2 };
	add(0, 16, 144, true);
	add(0, MEBI(1), MEBI(1500), true);
	add(0, GIBI(4), GIBI(2) + 77, false);
	add(0, TEBI(1), GIBI(1), false);
	add(1, TEBI(2), GIBI(1), true);
	add(1, TEBI(2) + GIBI(1) + MEBI(1), 1, false);
	add(1, TEBI(2) + GIBI(1) + MEBI(2), GIBI(1), false);
	CHECK(frame_plan_build(&plan) == ST_OK && plan.pools == 4);
	CHECK(plan.count == RANGES && plan.left_out_ranges == 1);
	CHECK(plan.first[1] == 3 && ranges[FAR].pool == 2);
	CHECK(ranges[SMALL].pool == FRAME_NO_POOL);
	CHECK(ranges[NODE_1_END].pool == 3);
}

/* --- damage ----------------------------------------------------------------*/

static void empty_a_range(void)
{
	ranges[ABOVE_4G].end = ranges[ABOVE_4G].first;
}

static void turn_a_range_round(void)
{
	ranges[ABOVE_4G].end = ranges[ABOVE_4G].first - 1;
}

static void move_a_range_to_no_node(void)
{
	ranges[SMALL].node = 2;
}

static void overlap_two_ranges(void)
{
	ranges[BELOW_4G].first = ranges[LOW].end - 1;
}

static void leave_out_what_is_in_use(void)
{
	ranges[SMALL].in_use = true;
}

static void leave_out_what_is_large(void)
{
	ranges[NODE_1_END].pool = FRAME_NO_POOL;
}

static void move_a_range_to_another_node(void)
{
	ranges[SMALL].pool = 3;
	ranges[SMALL].node = 0;
}

static void begin_a_pool_late(void)
{
	plan.pool[3].first++;
}

static void end_a_pool_early(void)
{
	plan.pool[3].end--;
}

static void forget_the_last_pool(void)
{
	plan.pools--;
}

/* Two more pools of node 1: its last range is of the second one. */
static void skip_a_pool(void)
{
	uint64_t first = ranges[NODE_1_END].first;

	ranges[NODE_1_END].first += GIBI(8);
	ranges[NODE_1_END].end += GIBI(8);
	ranges[NODE_1_END].pool = 5;
	plan.pool[5] = plan.pool[4] = plan.pool[3];
	plan.pool[3].end = ranges[SMALL].end;
	plan.pool[4].first = first + GIBI(4);
	plan.pool[4].end = first + GIBI(5);
	plan.pool[5].first = ranges[NODE_1_END].first;
	plan.pool[5].end = ranges[NODE_1_END].end;
	plan.pools = plan.first[2] = 6;
}

/* The pool in front takes the far memory: a hole of 1 TiB. */
static void keep_a_large_hole(void)
{
	ranges[FAR].pool = 1;
	plan.pool[1].end = ranges[FAR].end;
	plan.pool[2].first = ranges[FAR].end + GIBI(1);
	plan.pool[2].end = ranges[FAR].end + GIBI(2);
}

static void make_a_pool_too_long(void)
{
	plan.pool[3].end = plan.pool[3].first + FRAME_POOL_MOST + 1;
}

/* A pool without memory, so that only the rows of nodes can tell. */
static void give_a_pool_of_node_0_to_node_1(void)
{
	plan.least_pages = GIBI(1) + 1;
	ranges[FAR].pool = FRAME_NO_POOL;
	plan.pool[2].node = 1;
}

static void give_a_pool_of_node_1_to_node_0(void)
{
	plan.least_pages = GIBI(1) + 1;
	ranges[NODE_1].in_use = false;
	for (unsigned i = NODE_1; i < RANGES; i++)
		ranges[i].pool = FRAME_NO_POOL;
	plan.pool[3].node = 0;
}

static void share_a_giant(void)
{
	plan.pool[1].first = plan.pool[0].end;
}

static void pay_too_much(void)
{
	plan.bytes = plan.pages * PAGE_SIZE / FRAME_PLAN_SHARE + 1;
}

static void (*const damages[])(void) = {
	empty_a_range, turn_a_range_round, move_a_range_to_no_node,
	overlap_two_ranges, leave_out_what_is_in_use, leave_out_what_is_large,
	move_a_range_to_another_node, begin_a_pool_late, end_a_pool_early,
	forget_the_last_pool, skip_a_pool, keep_a_large_hole,
	make_a_pool_too_long, give_a_pool_of_node_0_to_node_1,
	give_a_pool_of_node_1_to_node_0, share_a_giant, pay_too_much,
};

CASE(frame_plan_audit_sees_whatever_is_wrong)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(damages); i++) {
		bool good;

		build();
		CHECK(frame_plan_audit(&plan));
		damages[i]();
		good = frame_plan_audit(&plan);
		if (good)
			printf("# damage %u is not seen\n", i);
		CHECK(!good);
	}
}

/* Each at its limit: no false alarm. */
CASE(frame_plan_audit_sees_nothing_where_nothing_is_wrong)
{
	build();
	plan.bytes = plan.pages * PAGE_SIZE / FRAME_PLAN_SHARE;
	CHECK(frame_plan_audit(&plan));
	plan.pool[3].end = plan.pool[3].first + FRAME_POOL_MOST;
	CHECK(frame_plan_audit(&plan));
	ranges[BELOW_4G].first = ranges[LOW].end;
	CHECK(frame_plan_audit(&plan));
	plan.pool[1].first = align_up(plan.pool[0].end, GIBI(1));
	CHECK(frame_plan_audit(&plan));
}
