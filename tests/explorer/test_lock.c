// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * kernel/sync/lock.c on processors of the explorer: each has a chain of its
 * own, and interrupts and context are what the case says.
 */
#include <tests/explorer/include/base/atomic_builtin.h>

#include <kernel/sync/lock.c>

#include "check.h"
#include "explorer.h"

#define BOOT EXPLORE_CPUS		/* outside of bodies                 */

static struct lock_chain chains[EXPLORE_CPUS + 1];
static enum cpu_context context;
static bool are_on;
static bool is_online;

struct lock_chain *lock_chain_of_this_cpu(void)
{
	return &chains[explore_cpu()];
}

enum cpu_context cpu_local_context(void)
{
	return context;
}

unsigned cpu_local_id(void)
{
	return explore_cpu();
}

bool cpu_local_is_online(unsigned index)
{
	return is_online && index == explore_cpu();
}

bool interrupts_are_on(void)
{
	return are_on;
}

/* Its holder waits until another CPU polls. */
static struct lock *held_up;

void pending_poll(void)
{
	if (held_up != NULL)
		held_up->serving.plain++;
	held_up = NULL;
}

static struct lock work, log_lock, console;

static void start(void)
{
	memset(chains, 0, sizeof(chains));
	work = (struct lock){ .rank = RANK_WORK };
	log_lock = (struct lock){ .rank = RANK_LOG };
	console = (struct lock){ .rank = RANK_CONSOLE };
	context = CPU_TASK;
	are_on = false;
	is_online = true;
}

CASE(lock_ranks_have_those_of_tasks_first)
{
	for (unsigned rank = 1; rank < RANK_COUNT; rank++)
		CHECK(lock_kind_of(rank - 1) <= lock_kind_of(rank));
}

CASE(lock_is_free_again_after_it_is_given)
{
	start();
	for (unsigned i = 0; i < 3; i++) {
		lock_acquire(&log_lock);
		CHECK(chains[BOOT].count == 1);
		lock_release(&log_lock);
		CHECK(chains[BOOT].count == 0);
	}
}

CASE(lock_may_be_taken_in_ascending_order)
{
	start();
	lock_acquire(&work);
	lock_acquire(&log_lock);
	lock_acquire(&console);
	lock_release(&console);
	lock_release(&log_lock);
	lock_release(&work);
	CHECK(chains[BOOT].count == 0);
}

CASE(lock_asserts_that_ranks_ascend)
{
	struct lock twin = { .rank = RANK_CONSOLE };

	start();
	lock_acquire(&console);
	CHECK_ASSERTS(lock_acquire(&log_lock));
	/* The same rank twice is the same mistake. */
	CHECK_ASSERTS(lock_acquire(&twin));
}

CASE(lock_asserts_that_it_is_given_in_reverse_order)
{
	start();
	lock_acquire(&log_lock);
	lock_acquire(&console);
	CHECK_ASSERTS(lock_release(&log_lock));
}

CASE(lock_asserts_that_who_gives_it_has_it)
{
	start();
	CHECK_ASSERTS(lock_release(&log_lock));
}

CASE(lock_of_handlers_wants_interrupts_off)
{
	start();
	are_on = true;
	CHECK_ASSERTS(lock_acquire(&log_lock));
	lock_acquire(&work);
	lock_release(&work);
}

/* Or it would wait for ever, here and there. */
CASE(lock_of_tasks_gives_frames_back_while_it_waits)
{
	start();
	are_on = true;
	work.next.plain = 1;
	held_up = &work;
	lock_acquire(&work);
	CHECK(held_up == NULL);
	lock_release(&work);
}

CASE(lock_of_tasks_is_not_for_handlers)
{
	start();
	context = CPU_INTERRUPT;
	CHECK_ASSERTS(lock_acquire(&work));
	lock_acquire(&log_lock);
	lock_release(&log_lock);
}

CASE(lock_of_any_kind_is_not_for_an_nmi)
{
	start();
	context = CPU_NMI;
	CHECK_ASSERTS(lock_acquire(&work));
	CHECK_ASSERTS(lock_acquire(&log_lock));
}

CASE(lock_is_not_for_who_may_still_be_sent_back)
{
	start();
	is_online = false;
	CHECK_ASSERTS(lock_acquire(&log_lock));
	CHECK_ASSERTS(lock_acquire(&work));
	/* But who panics on the way is heard. */
	lock_break(&log_lock);
	lock_acquire(&log_lock);
}

CASE(lock_knows_whether_a_handler_may_want_one_that_is_held)
{
	start();
	CHECK(!lock_holds_interrupt_lock());
	lock_acquire(&work);
	CHECK(!lock_holds_interrupt_lock());
	lock_acquire(&log_lock);
	CHECK(lock_holds_interrupt_lock());
	lock_release(&log_lock);
	CHECK(!lock_holds_interrupt_lock());
}

CASE(lock_that_is_broken_makes_no_cpu_wait)
{
	start();
	lock_acquire(&console);
	/* Taken by this CPU, out of order, in an NMI: nothing matters now. */
	lock_break(&log_lock);
	lock_break(&console);
	context = CPU_NMI;
	lock_acquire(&log_lock);
	lock_acquire(&console);
	lock_release(&console);
	lock_release(&log_lock);
}

// --- two and three processors at once ----------------------------------------

static struct {
	atomic_u32 inside;
	unsigned entered;
} room;

static void set_up(void *nothing)
{
	(void)nothing;
	start();
	memset(&room, 0, sizeof(room));
}

static void enter_once(void *nothing)
{
	(void)nothing;
	lock_acquire(&log_lock);
	EXPLORE_CHECK(atomic_load_relaxed(&room.inside) == 0);
	atomic_store_relaxed(&room.inside, 1);
	atomic_store_relaxed(&room.inside, 0);
	room.entered++;
	lock_release(&log_lock);
}

static void all_came_in(void *wanted)
{
	EXPLORE_CHECK(room.entered == *(unsigned *)wanted);
	EXPLORE_CHECK(log_lock.next.plain == log_lock.serving.plain);
}

CASE(lock_lets_one_of_two_in_at_a_time)
{
	static unsigned wanted = 2;
	static const struct exploration two = {
		.name = "lock_two", .context = &wanted, .set_up = set_up,
		.cpu = { enter_once, enter_once }, .check = all_came_in,
	};

	explore_whole(&two);
}

CASE(lock_lets_one_of_three_in_at_a_time)
{
	static unsigned wanted = 3;
	static const struct exploration three = {
		.name = "lock_three", .context = &wanted, .set_up = set_up,
		.cpu = { enter_once, enter_once, enter_once },
		.check = all_came_in, .preemptions = EXPLORE_AT_MOST(1),
		.model = EXPLORE_SEQUENTIAL,
	};

	explore_whole(&three);
}
