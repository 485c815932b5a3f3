// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * kernel/sync/pending.c between processors of the explorer. An interrupt is
 * a flag: it ends a halt, and is gone when it came while interrupts were on.
 */
#include <tests/explorer/include/base/atomic_builtin.h>

#include <kernel/sync/pending.c>

#include <kernel/arch/interrupts.h>

#include "check.h"
#include "explorer.h"

#define CPUS 3

static struct cpu_local cpus[CPUS];
static atomic_u32 interrupt[CPUS];	/* has come, was not taken           */
static unsigned interrupts_sent;
static enum cpu_context context;

unsigned cpu_local_id(void)
{
	return explore_cpu() < EXPLORE_CPUS ? explore_cpu() : 0;
}

struct cpu_local *cpu_local_at(unsigned index)
{
	return &cpus[index];
}

bool cpu_local_is_online(unsigned index)
{
	return index < CPUS && cpus[index].start.plain == START_ONLINE;
}

enum cpu_context cpu_local_context(void)
{
	return context;
}

void lapic_interrupt(uint32_t apic)
{
	atomic_store_relaxed(&interrupt[apic], 1);
	interrupts_sent++;
}

uint64_t interrupts_off(void)
{
	atomic_exchange_relaxed(&interrupt[cpu_local_id()], 0);
	return 0;
}

void interrupts_on(void)
{
}

void interrupts_on_and_halt(void)
{
	while (atomic_exchange_relaxed(&interrupt[cpu_local_id()], 0) == 0)
		atomic_pause();
}

/* --- the bodies ------------------------------------------------------------*/

static atomic_u32 ordered;		/* work, raised by kind DRAIN        */
static atomic_u32 done;
static atomic_u32 noted;		/* runs of the other kind            */
static atomic_u32 weak_note;
static unsigned expected;

static void do_all_work(void)
{
	atomic_fetch_add_relaxed(&done,
				 atomic_exchange_relaxed(&ordered, 0));
}

static void count_note(void)
{
	atomic_fetch_add_relaxed(&noted, 1);
}

static void set_up_with(void (*drain)(void), void (*other)(void))
{
	memset(cpus, 0, sizeof(cpus));
	memset(interrupt, 0, sizeof(interrupt));
	memset(handlers, 0, sizeof(handlers));
	handled = 0;
	for (unsigned i = 0; i < CPUS; i++) {
		cpus[i].index = cpus[i].apic = i;
		cpus[i].start.plain = START_ONLINE;
	}
	if (drain != NULL)
		pending_set_handler(PENDING_DRAIN, drain);
	if (other != NULL)
		pending_set_handler(PENDING_MACHINE_CHECK, other);
	ordered.plain = done.plain = noted.plain = weak_note.plain = 0;
	context = CPU_TASK;
	interrupts_sent = 0;
}

static void two_orders(void *argument)
{
	(void)argument;
	set_up_with(do_all_work, count_note);
	expected = 2;
}

static void one_order(void *argument)
{
	two_orders(argument);
	expected = 1;
}

static void order(void)
{
	atomic_fetch_add_relaxed(&ordered, 1);
	pending_raise(0, PENDING_DRAIN);
}

static void order_one(void *argument)
{
	(void)argument;
	order();
}

static void order_two(void *argument)
{
	(void)argument;
	order();
	order();
}

/* The loop of kernel/smp/idle.c, until all is done. */
static void idle(void *argument)
{
	(void)argument;
	for (;;) {
		pending_poll();
		interrupts_off();
		if (atomic_load_relaxed(&done) == expected) {
			interrupts_on();
			return;
		}
		if (pending_is_raised())
			interrupts_on();
		else
			interrupts_on_and_halt();
	}
}

static void is_done(void *argument)
{
	(void)argument;
	EXPLORE_CHECK(done.plain == expected && ordered.plain == 0);
	EXPLORE_CHECK(cpus[0].pending_running == 0);
}

CASE(pending_wakes_a_cpu_that_is_about_to_halt)
{
	static const struct exploration halts = {
		.name = "pending_halts", .set_up = one_order,
		.cpu = { idle, order_one }, .check = is_done,
	};

	explore_whole(&halts);
}

CASE(pending_loses_no_raise_while_a_handler_runs)
{
	static const struct exploration twice = {
		.name = "pending_twice", .set_up = two_orders,
		.cpu = { idle, order_two }, .check = is_done,
		.preemptions = EXPLORE_AT_MOST(4),
	};

	explore_whole(&twice);
}

CASE(pending_loses_no_raise_of_two_processors)
{
	static const struct exploration both = {
		.name = "pending_both", .set_up = two_orders,
		.cpu = { idle, order_one, order_one }, .check = is_done,
		.preemptions = EXPLORE_AT_MOST(2),
	};

	explore_whole(&both);
}

/* --- two kinds -------------------------------------------------------------*/

static void raise_the_other(void *argument)
{
	(void)argument;
	pending_raise(0, PENDING_MACHINE_CHECK);
}

static void poll_for_both(void *argument)
{
	(void)argument;
	for (;;) {
		pending_poll();
		if (atomic_load_relaxed(&done) != 0 &&
		    atomic_load_relaxed(&noted) != 0)
			return;
		atomic_pause();
	}
}

static void each_ran_once(void *argument)
{
	is_done(argument);
	EXPLORE_CHECK(noted.plain == 1 && cpus[0].pending.plain == 0);
}

CASE(pending_runs_two_kinds_that_two_processors_raise)
{
	static const struct exploration kinds = {
		.name = "pending_kinds", .set_up = one_order,
		.cpu = { poll_for_both, order_one, raise_the_other },
		.check = each_ran_once, .preemptions = EXPLORE_AT_MOST(2),
	};

	explore_whole(&kinds);
}

/* --- what a handler sees ---------------------------------------------------*/

static void see_note(void)
{
	EXPLORE_CHECK(atomic_load_relaxed(&weak_note) == 1);
	atomic_store_relaxed(&done, 1);
}

static void expect_note(void *argument)
{
	(void)argument;
	set_up_with(see_note, NULL);
	expected = 1;
}

static void note_and_raise(void *argument)
{
	(void)argument;
	atomic_store_relaxed(&weak_note, 1);
	pending_raise(0, PENDING_DRAIN);
}

static void poll_until_done(void *argument)
{
	(void)argument;
	for (;;) {
		pending_poll();
		if (atomic_load_relaxed(&done) != 0)
			return;
		atomic_pause();
	}
}

CASE(pending_shows_its_handler_what_was_before_the_raise)
{
	static const struct exploration seen = {
		.name = "pending_seen", .set_up = expect_note,
		.cpu = { poll_until_done, note_and_raise },
		.model = EXPLORE_WEAK, .preemptions = EXPLORE_AT_MOST(3),
	};

	explore_whole(&seen);
}

/* --- one processor ---------------------------------------------------------*/

static unsigned depth, deepest, runs;

static void poll_in_handler(void)
{
	runs++;
	depth++;
	deepest = depth > deepest ? depth : deepest;
	if (runs < 3)
		pending_raise(0, PENDING_DRAIN);
	pending_raise(0, PENDING_MACHINE_CHECK);
	CHECK(pending_is_raised());
	pending_poll();
	CHECK(noted.plain == runs);
	/* Its own kind is raised, but not for a poll in here. */
	CHECK(!pending_is_raised());
	depth--;
}

CASE(pending_handler_that_polls_runs_other_kinds_but_not_itself)
{
	set_up_with(poll_in_handler, count_note);
	depth = deepest = runs = 0;
	pending_raise(0, PENDING_DRAIN);
	while (pending_is_raised())
		pending_poll();
	CHECK(runs == 3 && deepest == 1 && depth == 0);
}

CASE(pending_keeps_what_has_no_handler_yet)
{
	set_up_with(do_all_work, NULL);
	pending_post(0, PENDING_MACHINE_CHECK);
	CHECK(!pending_is_raised());
	pending_poll();
	pending_set_handler(PENDING_MACHINE_CHECK, count_note);
	CHECK(pending_is_raised());
	pending_poll();
	CHECK(noted.plain == 1 && !pending_is_raised());
	CHECK_ASSERTS(pending_set_handler(PENDING_DRAIN, count_note));
}

CASE(pending_interrupts_another_cpu_once_and_itself_never)
{
	set_up_with(do_all_work, count_note);
	pending_raise(0, PENDING_DRAIN);
	pending_post(1, PENDING_DRAIN);
	CHECK(interrupts_sent == 0);
	pending_raise(2, PENDING_DRAIN);
	CHECK(interrupts_sent == 1 && interrupt[2].plain == 1);
	CHECK(cpus[1].pending.plain == 1 && cpus[2].pending.plain == 1);
}

CASE(pending_refuses_what_its_callers_must_not_do)
{
	set_up_with(do_all_work, count_note);
	cpus[1].start.plain = START_ARRIVED;
	CHECK_ASSERTS(pending_raise(1, PENDING_DRAIN));
	context = CPU_NMI;
	CHECK_ASSERTS(pending_raise(2, PENDING_DRAIN));
	pending_post(0, PENDING_DRAIN);
	cpus[0].context = CPU_INTERRUPT;
	CHECK_ASSERTS(pending_poll());
	CHECK(done.plain == 0 && noted.plain == 0);
}
