// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * kernel/memory/frame_drain.c between processors of the explorer, on the
 * pending work of the kernel. A cache is a count of frames, and so is the
 * pool. An interrupt is a flag: it ends a halt, and is gone when it came
 * while interrupts were on.
 */
#include <tests/explorer/include/base/atomic_builtin.h>

#include <kernel/memory/frame_drain.c>
#include <kernel/sync/pending.c>

#include "check.h"
#include "explorer.h"

#define CPUS 3

static struct frame_drain drain;
static atomic_u32 cache[CPUS], pool;
static struct cpu_local cpus[CPUS];
static atomic_u32 interrupt[CPUS];	/* has come, was not taken           */
static atomic_u32 ended;		/* bodies                            */
static unsigned cpu_count, drains;
static bool can_halt;

unsigned cpu_local_id(void)
{
	return explore_cpu() < EXPLORE_CPUS ? explore_cpu() : 0;
}

unsigned cpu_local_limit(void)
{
	return cpu_count;
}

bool cpu_local_is_online(unsigned index)
{
	return index < cpu_count;
}

struct cpu_local *cpu_local_at(unsigned index)
{
	return &cpus[index];
}

enum cpu_context cpu_local_context(void)
{
	return CPU_TASK;
}

void lapic_interrupt(uint32_t apic)
{
	atomic_store_relaxed(&interrupt[apic], 1);
}

void ipi_wake(unsigned cpu)
{
	lapic_interrupt(cpu);
}

bool interrupts_are_on(void)
{
	return can_halt;
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

static void drain_own(void)
{
	atomic_u32 *mine = &cache[cpu_local_id()];

	atomic_fetch_add_relaxed(&pool, atomic_load_relaxed(mine));
	atomic_store_relaxed(mine, 0);
	drains++;
}

static void drain_requested(void)
{
	frame_drain_requested(&drain);
}

/* A frame comes back. */
static void give(void)
{
	atomic_u32 *mine = &cache[cpu_local_id()];

	if (frame_drain_is_shortage(&drain))
		atomic_fetch_add_relaxed(&pool, 1);
	else
		atomic_store_relaxed(mine, atomic_load_relaxed(mine) + 1);
}

static void end_body(void)
{
	atomic_fetch_add_release(&ended, 1);
	while (atomic_load_acquire(&ended) != cpu_count) {
		pending_poll();
		atomic_pause();
	}
}

static void check_caches(void)
{
	for (unsigned i = 0; i < cpu_count; i++)
		EXPLORE_CHECK(atomic_load_relaxed(&cache[i]) == 0);
}

static void suffer(void *context)
{
	(void)context;
	frame_drain_begin_shortage(&drain);
	check_caches();
	frame_drain_end_shortage(&drain);
	end_body();
}

static void suffer_twice(void *context)
{
	frame_drain_begin_shortage(&drain);
	check_caches();
	frame_drain_end_shortage(&drain);
	suffer(context);
}

static void give_and_poll(void *context)
{
	(void)context;
	give();
	pending_poll();
	give();
	end_body();
}

static void give_and_suffer(void *context)
{
	give();
	suffer(context);
}

static void drain_all(void *context)
{
	(void)context;
	give();
	frame_drain_all(&drain);
	/* This CPU's cache saw no shortage; perhaps no CPU filled it. */
	EXPLORE_CHECK(atomic_load_relaxed(&cache[cpu_local_id()]) == 0);
	end_body();
}

static void set_up(unsigned count)
{
	memset(&drain, 0, sizeof(drain));
	memset(cache, 0, sizeof(cache));
	memset(interrupt, 0, sizeof(interrupt));
	memset(cpus, 0, sizeof(cpus));
	for (unsigned i = 0; i < count; i++)
		cpus[i].apic = i;
	drain.drain_own = drain_own;
	drain.spins = 1;
	handlers[PENDING_DRAIN] = drain_requested;
	handled = 1u << PENDING_DRAIN;
	pool.plain = ended.plain = 0;
	cache[1].plain = 1;
	cpu_count = count;
	drains = 0;
}

static void two(void *context)
{
	(void)context;
	can_halt = false;
	set_up(2);
}

static void two_that_halt(void *context)
{
	two(context);
	can_halt = true;
}

static void three(void *context)
{
	two(context);
	set_up(3);
}

static void is_over(void *context)
{
	(void)context;
	EXPLORE_CHECK(ended.plain == cpu_count);
	EXPLORE_CHECK(!frame_drain_is_shortage(&drain));
	EXPLORE_CHECK(drain.undrained.plain == 0);
	EXPLORE_CHECK(drain.draining.plain == 0);
	for (unsigned i = 0; i < cpu_count; i++)
		EXPLORE_CHECK(cpus[i].pending.plain == 0);
}

/* --- the cases -------------------------------------------------------------*/

CASE(shortage_keeps_all_caches_empty_until_it_ends)
{
	static const struct exploration meeting = {
		.name = "shortage_gives", .set_up = two,
		.cpu = { suffer, give_and_poll }, .check = is_over,
		.preemptions = EXPLORE_AT_MOST(3),
	};

	explore_whole(&meeting);
}

CASE(shortage_is_another_one_after_it_has_ended)
{
	static const struct exploration again = {
		.name = "shortage_again", .set_up = two,
		.cpu = { suffer_twice, give_and_poll }, .check = is_over,
		.preemptions = EXPLORE_AT_MOST(2),
	};

	explore_whole(&again);
}

CASE(shortage_of_two_ends_for_both)
{
	static const struct exploration both = {
		.name = "shortage_both", .set_up = two,
		.cpu = { give_and_suffer, give_and_suffer }, .check = is_over,
		.preemptions = EXPLORE_AT_MOST(2),
	};

	explore_whole(&both);
}

CASE(shortage_of_two_holds_for_a_third)
{
	static const struct exploration third = {
		.name = "shortage_third", .set_up = three,
		.cpu = { suffer, give_and_poll, suffer }, .check = is_over,
		.preemptions = EXPLORE_AT_MOST(1),
		.model = EXPLORE_SEQUENTIAL,
	};

	explore_whole(&third);
}

CASE(shortage_wakes_who_halts)
{
	static const struct exploration halts = {
		.name = "shortage_halts", .set_up = two_that_halt,
		.cpu = { suffer, give_and_suffer }, .check = is_over,
		.preemptions = EXPLORE_AT_MOST(2),
	};

	explore_whole(&halts);
}

CASE(shortage_drain_meets_another_one)
{
	static const struct exploration drain_meets = {
		.name = "shortage_drain", .set_up = two_that_halt,
		.cpu = { drain_all, drain_all },
		.check = is_over, .preemptions = EXPLORE_AT_MOST(2),
	};

	explore_whole(&drain_meets);
}

/* --- what it costs ---------------------------------------------------------*/

static void enter_one(void *context)
{
	(void)context;
	frame_drain_begin_shortage(&drain);
	end_body();
}

static void one_drain(void *context)
{
	(void)context;
	EXPLORE_CHECK(drains == cpu_count);
}

static void enter_when_dry(void *context)
{
	unsigned before;

	(void)context;
	while (atomic_load_acquire(&drain.last_drained) == 0) {
		pending_poll();
		atomic_pause();
	}
	before = drains;
	frame_drain_begin_shortage(&drain);
	EXPLORE_CHECK(drains == before);
	check_caches();
	end_body();
}

CASE(shortage_of_two_costs_one_drain)
{
	static const struct exploration once = {
		.name = "shortage_once", .set_up = two,
		.cpu = { enter_one, enter_one }, .check = one_drain,
		.preemptions = EXPLORE_AT_MOST(2),
	};

	explore_whole(&once);
}

CASE(shortage_that_is_dry_needs_no_other_drain)
{
	static const struct exploration dry = {
		.name = "shortage_dry", .set_up = two,
		.cpu = { enter_one, enter_when_dry },
		.preemptions = EXPLORE_AT_MOST(2),
	};

	explore_whole(&dry);
}

CASE(shortage_asks_no_cpu_on_a_machine_with_one)
{
	set_up(1);
	can_halt = false;
	CHECK(!frame_drain_is_shortage(&drain));
	frame_drain_begin_shortage(&drain);
	CHECK(frame_drain_is_shortage(&drain) && drains == 1);
	frame_drain_begin_shortage(&drain);
	CHECK(drains == 1);
	frame_drain_end_shortage(&drain);
	CHECK(frame_drain_is_shortage(&drain));
	frame_drain_end_shortage(&drain);
	CHECK(!frame_drain_is_shortage(&drain));
	frame_drain_all(&drain);
	CHECK(drains == 2);
	frame_drain_begin_shortage(&drain);
	CHECK(drains == 3);
	frame_drain_end_shortage(&drain);
}
