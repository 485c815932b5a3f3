// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The walk itself: how many schedules, what a bound leaves out, how a bad
 * one ends and is run again. Numbers were counted by hand.
 */
#include <tests/explorer/include/base/atomic_builtin.h>

#include <base/assert.h>

#include "atomic_cases.h"
#include "check.h"
#include "explorer.h"

static atomic_u64 cell, other, done;
static atomic_u64 cells[100];
static uint64_t sum_seen;		/* a bit for each last value of cell */
static struct explored explored, again;

static void clear_cells(void *context)
{
	(void)context;
	cell.plain = other.plain = done.plain = 0;
	memset(cells, 0, sizeof(cells));
}

/* `context` says how often. */
static void add(void *context)
{
	for (unsigned i = 0; i < *(unsigned *)context; i++)
		atomic_fetch_add_relaxed(&cell, 1);
}

static void add_by_halves(void *context)
{
	for (unsigned i = 0; i < *(unsigned *)context; i++)
		atomic_store_relaxed(&cell, atomic_load_relaxed(&cell) + 1);
}

static void note_sum(void *context)
{
	(void)context;
	sum_seen |= 1UL << cell.plain;
}

// --- counting ----------------------------------------------------------------

static uint64_t orders(unsigned cpus, unsigned accesses, unsigned preemptions)
{
	struct exploration exploration = {
		.name = "orders", .context = &accesses, .set_up = clear_cells,
		.check = note_sum, .preemptions = preemptions,
	};

	for (unsigned i = 0; i < cpus; i++)
		exploration.cpu[i] = add;
	sum_seen = 0;
	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
	CHECK(sum_seen == 1UL << cpus * accesses);
	CHECK(explored.longest == cpus * accesses);
	CHECK(explored.accesses == explored.schedules * cpus * accesses);
	return explored.schedules;
}

CASE(explorer_visits_every_order_once)
{
	/* (cpus * accesses)! / accesses!^cpus */
	CHECK(orders(1, 5, 0) == 1);
	CHECK(orders(2, 1, 0) == 2);
	CHECK(orders(2, 2, 0) == 6);
	CHECK(orders(2, 3, 0) == 20);
	CHECK(orders(2, 6, 0) == 924);
	CHECK(orders(3, 1, 0) == 6);
	CHECK(orders(3, 2, 0) == 90);
	CHECK(orders(3, 3, 0) == 1680);
	CHECK(orders(4, 1, 0) == 24);
	CHECK(orders(4, 2, 0) == 2520);
}

CASE(explorer_bounds_preemptions)
{
	/*
	 * Two processors with three accesses: an order of m runs has m - 2
	 * preemptions, for the last change leaves one that has finished. Of
	 * m = 2, 3, 4, 5, 6 runs there are 2, 4, 8, 4, 2 orders.
	 */
	CHECK(orders(2, 3, EXPLORE_AT_MOST(0)) == 2);
	CHECK(orders(2, 3, EXPLORE_AT_MOST(1)) == 6);
	CHECK(orders(2, 3, EXPLORE_AT_MOST(2)) == 14);
	CHECK(orders(2, 3, EXPLORE_AT_MOST(3)) == 18);
	CHECK(orders(2, 3, EXPLORE_AT_MOST(4)) == 20);
	CHECK(orders(2, 3, EXPLORE_AT_MOST(5)) == 20);
	/*
	 * Three with two accesses: 3! without; with one, any of three is
	 * left in its middle, before the others (2 * 2 orders of what
	 * follows) or after one of them (2): 3 * 6 more.
	 */
	CHECK(orders(3, 2, EXPLORE_AT_MOST(0)) == 6);
	CHECK(orders(3, 2, EXPLORE_AT_MOST(1)) == 24);
}

static void lose_updates(unsigned preemptions)
{
	unsigned twice = 2;

	sum_seen = 0;
	explore(&(struct exploration){
		.name = "lost", .context = &twice, .set_up = clear_cells,
		.cpu = { add_by_halves, add_by_halves }, .check = note_sum,
		.model = EXPLORE_SEQUENTIAL, .preemptions = preemptions },
		&explored);
}

CASE(explorer_finds_lost_updates)
{
	/*
	 * 4 of 4 by turns; 2 when one holds what it read through all of the
	 * other's, which takes one preemption; 3 takes two. Less is
	 * impossible: no processor reads 0 after a first store.
	 */
	lose_updates(EXPLORE_AT_MOST(0));
	CHECK(explored.schedules == 2);
	CHECK(sum_seen == 1UL << 4);
	lose_updates(EXPLORE_AT_MOST(1));
	CHECK(explored.schedules == 2 + 6);
	CHECK(sum_seen == (1UL << 4 | 1UL << 2));
	lose_updates(EXPLORE_AT_MOST(2));
	CHECK(explored.schedules == 2 + 6 + 18);
	CHECK(sum_seen == (1UL << 4 | 1UL << 3 | 1UL << 2));
	lose_updates(0);
	CHECK(explored.schedules == 70);
	CHECK(sum_seen == (1UL << 4 | 1UL << 3 | 1UL << 2));
}

// --- waiting -----------------------------------------------------------------

static void raise_flag(void *context)
{
	(void)context;
	atomic_store_release(&done, 1);
}

static void wait_for_flag(void *context)
{
	(void)context;
	while (atomic_load_acquire(&done) == 0)
		atomic_pause();
}

static void stir(void *context)
{
	(void)context;
	atomic_fetch_add_relaxed(&other, 1);
}

static void stir_twice(void *context)
{
	stir(context);
	stir(context);
}

static void check_waits(enum explore_model model, void (*third)(void *context),
			uint64_t schedules, uint64_t longest)
{
	CHECK(explore(&(struct exploration){
		.name = "waits", .set_up = clear_cells, .model = model,
		.cpu = { raise_flag, wait_for_flag, third } },
		&explored) == EXPLORED_WHOLE);
	CHECK(explored.schedules == schedules);
	CHECK(explored.longest == longest);
}

CASE(explorer_lets_a_waiting_processor_wait)
{
	/* The first look finds the flag; or it does not, and the next does. */
	check_waits(EXPLORE_TSO, NULL, 2, 4);
	check_waits(EXPLORE_SEQUENTIAL, NULL, 2, 4);
	/*
	 * s stores, x changes something else; l looks in vain, p pauses, L
	 * looks and finds. xsL sxL sLx, xlspL, lxspL lxpsL lxplspL, lsxpL
	 * lspxL lspLx.
	 */
	check_waits(EXPLORE_SEQUENTIAL, stir, 10, 7);
	/*
	 * The store is in its buffer; d is its drain. dLx, lpdLx lpdxL,
	 * lxpdL lxplpdL, xdL, xlpdL.
	 */
	check_waits(EXPLORE_TSO, stir, 7, 7);
	/*
	 * With n changes to come and no s yet, A(n) schedules go on from a
	 * look, N(n) from a pause with news, O(n) from one without. After s
	 * there are (n + 1) or, from a pause, (n + 1)(n + 2)/2.
	 *   A(n) = n + 1 + O(n) + A(n - 1)
	 *   O(n) = (n + 1)(n + 2)/2 + N(n - 1)
	 *   N(n) = O(n) + A(n)
	 * A(0) = 2, A(1) = 10, A(2) = 3 + 22 + 10.
	 */
	check_waits(EXPLORE_SEQUENTIAL, stir_twice, 35, 10);
}

static void wait_for_either(void *context)
{
	(void)context;
	while (atomic_load_acquire(&done) + atomic_load_acquire(&other) == 0)
		atomic_pause();
}

CASE(explorer_wakes_who_looked_before_a_change_and_after)
{
	/* The flag may come between the two looks of a round. */
	CHECK(explore(&(struct exploration){
		.name = "either", .set_up = clear_cells,
		.model = EXPLORE_SEQUENTIAL,
		.cpu = { raise_flag, wait_for_either } },
		&explored) == EXPLORED_WHOLE);
	CHECK(explored.schedules == 3);
}

static void wait_and_stir(void *context)
{
	while (atomic_load_acquire(&done) == 0) {
		stir(context);
		atomic_pause();
	}
}

CASE(explorer_takes_own_changes_for_no_news)
{
	CHECK(explore(&(struct exploration){
		.name = "busy", .set_up = clear_cells,
		.cpu = { raise_flag, wait_and_stir } },
		&explored) == EXPLORED_WHOLE);
	CHECK(explored.longest == 5);
}

CASE(explorer_takes_no_preemption_to_leave_who_waits)
{
	/* As above, but for lpdxL: there L could have come before x. */
	CHECK(explore(&(struct exploration){
		.name = "waits", .set_up = clear_cells,
		.preemptions = EXPLORE_AT_MOST(0),
		.cpu = { raise_flag, wait_for_flag, stir } },
		&explored) == EXPLORED_WHOLE);
	CHECK(explored.schedules == 6);
}

/* A waiter whose looks are exchanges, which change nothing. */
static void wait_by_exchange(void *context)
{
	(void)context;
	while (atomic_exchange_acquire(&cell, 1) == 1)
		atomic_pause();
	atomic_store_release(&cell, 0);
}

CASE(explorer_counts_a_store_of_what_was_there_as_no_change)
{
	CHECK(explore(&(struct exploration){
		.name = "exchange", .set_up = clear_cells,
		.cpu = { wait_by_exchange, wait_by_exchange,
			 wait_by_exchange } }, &explored) == EXPLORED_WHOLE);
	CHECK(explored.schedules > 6);
}

// --- bad ends ----------------------------------------------------------------

static void lock_both(atomic_u64 *first, atomic_u64 *second)
{
	while (atomic_exchange_acquire(first, 1) == 1)
		atomic_pause();
	while (atomic_exchange_acquire(second, 1) == 1)
		atomic_pause();
	atomic_store_release(second, 0);
	atomic_store_release(first, 0);
}

static void lock_in_order(void *context)
{
	(void)context;
	lock_both(&cell, &other);
}

static void lock_against_order(void *context)
{
	(void)context;
	lock_both(&other, &cell);
}

CASE(explorer_finds_processors_that_wait_for_each_other)
{
	struct exploration exploration = {
		.name = "deadlock", .set_up = clear_cells,
		.cpu = { lock_in_order, lock_in_order },
	};

	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
	exploration.cpu[1] = lock_against_order;
	CHECK(explore(&exploration, &explored) == EXPLORED_STUCK);
	exploration.preemptions = EXPLORE_AT_MOST(1);
	CHECK(explore(&exploration, &explored) == EXPLORED_STUCK);
	exploration.preemptions = EXPLORE_AT_MOST(0);
	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
}

static void spin_without_pause(void *context)
{
	(void)context;
	while (atomic_load_relaxed(&done) == 0)
		;
}

CASE(explorer_ends_what_does_not)
{
	CHECK(explore(&(struct exploration){
		.name = "endless", .set_up = clear_cells,
		.cpu = { spin_without_pause, raise_flag } },
		&explored) == EXPLORED_TOO_LONG);
	CHECK(explored.longest == 2001);
	CHECK(explore(&(struct exploration){
		.name = "endless", .set_up = clear_cells,
		.cpu = { spin_without_pause, raise_flag },
		.accesses_limit = 50 }, &explored) == EXPLORED_TOO_LONG);
	CHECK(explored.longest == 51);
	/* No processor ever raises the flag. */
	CHECK(explore(&(struct exploration){
		.name = "endless", .set_up = clear_cells,
		.cpu = { wait_for_flag } }, &explored) == EXPLORED_STUCK);
}

CASE(explorer_says_when_it_has_not_seen_all)
{
	unsigned three = 3;
	struct exploration exploration = {
		.name = "many", .context = &three, .cpu = { add, add },
		.set_up = clear_cells, .schedules_limit = 19,
	};

	CHECK(explore(&exploration, &explored) == EXPLORED_TOO_MANY);
	CHECK(explored.schedules == 19);
	exploration.schedules_limit = 20;
	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
}

static void check_three_of_four(void *context)
{
	(void)context;
	EXPLORE_CHECK(cell.plain != 3);
}

CASE(explorer_replays_a_bad_schedule)
{
	unsigned twice = 2;
	struct exploration exploration = {
		.name = "lost", .context = &twice, .set_up = clear_cells,
		.cpu = { add_by_halves, add_by_halves },
		.check = check_three_of_four, .model = EXPLORE_SEQUENTIAL,
	};

	CHECK(explore(&exploration, &explored) == EXPLORED_FAILED);
	CHECK(strcmp(explored.text, "cell.plain != 3") == 0);
	CHECK(strlen(explored.schedule) == 8);
	cell.plain = 77;
	CHECK(explore_replay(&exploration, explored.schedule, &again) ==
	      EXPLORED_FAILED);
	CHECK(again.schedules == 1);
	CHECK(strcmp(again.schedule, explored.schedule) == 0);
	CHECK(cell.plain == 3);
	/* A choice not given is the first: no change of processors. */
	CHECK(explore_replay(&exploration, "1", &again) == EXPLORED_WHOLE);
	CHECK(strcmp(again.schedule, "11110000") == 0);
	/* A schedule of another program. */
	CHECK(explore_replay(&exploration, "1.", &again) == EXPLORED_FAILED);
}

static void check_one_was_seen(void *context)
{
	(void)context;
	EXPLORE_CHECK(!(cell.plain == 0 && other.plain == 0));
}

static void see_done(void *context)
{
	(void)context;
	atomic_store_relaxed(&done, 1);
	atomic_store_relaxed(&cell, atomic_load_relaxed(&cells[0]));
}

static void see_cells(void *context)
{
	(void)context;
	atomic_store_relaxed(&cells[0], 1);
	atomic_store_relaxed(&other, atomic_load_relaxed(&done));
}

CASE(explorer_replays_drains)
{
	struct exploration exploration = {
		.name = "drains", .set_up = clear_cells,
		.cpu = { see_done, see_cells }, .check = check_one_was_seen,
	};

	CHECK(explore(&exploration, &explored) == EXPLORED_FAILED);
	CHECK(strcmp(explored.schedule, "0.1.") == 0);
	CHECK(explore_replay(&exploration, "0.1.", &again) ==
	      EXPLORED_FAILED);
	CHECK(cell.plain == 0 && other.plain == 0);
	CHECK(explore_replay(&exploration, "0.1a", &again) == EXPLORED_WHOLE);
	CHECK(cell.plain == 0 && other.plain == 1);
	CHECK(explore_replay(&exploration, "0b1a", &again) == EXPLORED_WHOLE);
	CHECK(cell.plain == 1 && other.plain == 1);
}

static void assert_first(void *context)
{
	(void)context;
	ASSERT(atomic_fetch_add_relaxed(&cell, 1) == 0);
	atomic_fetch_add_relaxed(&other, 1);
}

static void assert_nested(void *context)
{
	(void)context;
	CHECK_ASSERTS(ASSERT(atomic_fetch_add_relaxed(&cell, 1) > 5));
	atomic_fetch_add_relaxed(&other, 1);
}

static void assert_sum(void *context)
{
	(void)context;
	ASSERT(cell.plain == 2);
}

CASE(explorer_catches_assertions)
{
	struct exploration exploration = {
		.name = "asserts", .set_up = clear_cells,
		.cpu = { assert_nested, assert_nested },
	};

	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
	CHECK(explored.schedules == 6);
	exploration.check = assert_sum;
	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
	exploration.cpu[1] = NULL;
	CHECK(explore(&exploration, &explored) == EXPLORED_FAILED);
	CHECK(explored.schedules == 1);
	exploration.check = NULL;
	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
	exploration.cpu[1] = assert_first;
	CHECK(explore(&exploration, &explored) == EXPLORED_FAILED);
	CHECK(explored.schedules == 1);
	exploration.cpu[0] = assert_first;
	exploration.cpu[1] = stir;
	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
	CHECK(explored.schedules == 3);
}

static void now_twice_now_once(void *context)
{
	static unsigned calls;

	(void)context;
	atomic_fetch_add_relaxed(&cell, 1);
	if (calls++ % 2 == 0)
		atomic_fetch_add_relaxed(&cell, 1);
}

CASE(explorer_refuses_bodies_that_are_not_repeatable)
{
	unsigned twice = 2;
	struct exploration exploration = {
		.name = "moody", .context = &twice, .set_up = clear_cells,
		.cpu = { add, now_twice_now_once },
	};

	CHECK_ASSERTS((void)explore(&exploration, &explored));
	/* And is none the worse for it. */
	CHECK(orders(2, 2, 0) == 6);
}

// --- the rest ----------------------------------------------------------------

static void fill_buffer(void *context)
{
	(void)context;
	for (unsigned i = 0; i < 100; i++)
		atomic_store_relaxed(&cells[i], i + 1);
}

static uint64_t first_seen, last_seen;

static void read_first_and_last(void *context)
{
	(void)context;
	last_seen = atomic_load_relaxed(&cells[99]);
	first_seen = atomic_load_relaxed(&cells[0]);
}

static void check_first_and_last(void *context)
{
	(void)context;
	EXPLORE_CHECK(last_seen != 100 || first_seen == 1);
	for (unsigned i = 0; i < 100; i++)
		EXPLORE_CHECK(cells[i].plain == i + 1);
}

CASE(explorer_makes_room_in_a_full_buffer)
{
	CHECK(explore(&(struct exploration){
		.name = "full", .set_up = clear_cells,
		.cpu = { fill_buffer, read_first_and_last },
		.check = check_first_and_last,
		.preemptions = EXPLORE_AT_MOST(2) }, &explored) ==
	      EXPLORED_WHOLE);
	CHECK(explored.longest == 102);
}

static void do_nothing(void *context)
{
	(void)context;
}

CASE(explorer_does_not_pass_what_it_cannot_see)
{
	CHECK(explore(&(struct exploration){
		.name = "nothing", .cpu = { do_nothing, do_nothing } },
		&explored) == EXPLORED_FAILED);
	CHECK(strstr(explored.text, "include path") != NULL);
}

CASE(explorer_has_a_case_in_one_line)
{
	struct exploration exploration = {
		.name = "line", .set_up = clear_cells,
		.cpu = { see_done, see_cells },
	};

	explore_whole(&exploration);
	/* Asked for one schedule, it runs no other: this one is good. */
	exploration.check = check_one_was_seen;
	CHECK(setenv("EXPLORE", "line:0.1a", 1) == 0);
	explore_whole(&exploration);
	CHECK(unsetenv("EXPLORE") == 0);
}

static void note_cpu(void *context)
{
	(void)context;
	EXPLORE_CHECK(explore_cpu() < 2);
	atomic_fetch_add_relaxed(&cells[explore_cpu()], 1);
	atomic_fetch_add_relaxed(&cells[explore_cpu()], 1);
}

static void check_cpus(void *context)
{
	(void)context;
	EXPLORE_CHECK(explore_cpu() == EXPLORE_CPUS);
	EXPLORE_CHECK(cells[0].plain == 2 && cells[1].plain == 2);
}

CASE(explorer_knows_whose_body_runs)
{
	CHECK(explore(&(struct exploration){
		.name = "cpus", .set_up = clear_cells,
		.cpu = { note_cpu, note_cpu }, .check = check_cpus },
		&explored) == EXPLORED_WHOLE);
	CHECK(explored.schedules == 6);
	CHECK(explore_cpu() == EXPLORE_CPUS);
}
