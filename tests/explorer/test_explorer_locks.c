// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The explorer against locks and lists: those that are right pass in every
 * schedule, and each famous way to get them wrong is found.
 */
#include <tests/explorer/include/base/atomic_builtin.h>

#include <base/atomic.h>
#include <base/bits.h>

#include "check.h"
#include "explorer.h"

static struct explored explored;

static enum explore_verdict verdict(const struct exploration *exploration)
{
	return explore(exploration, &explored);
}

// --- a protected count: what every lock here is for --------------------------

static struct lock {
	atomic_u32 flag[3];		/* Dekker, Peterson                  */
	atomic_u32 turn;
	atomic_u32 next, serving;	/* tickets                           */
	atomic_u32 count;
	unsigned entered;		/* bodies that came this far         */
} lock;

static void clear_lock(void *context)
{
	(void)context;
	memset(&lock, 0, sizeof(lock));
}

static void count_one(void)
{
	atomic_store_relaxed(&lock.count,
			     atomic_load_relaxed(&lock.count) + 1);
	lock.entered++;
}

static void check_count(void *context)
{
	(void)context;
	EXPLORE_CHECK(lock.count.plain == lock.entered);
}

static void check_all_counted(void *context)
{
	check_count(context);
	EXPLORE_CHECK(lock.entered >= 2);
}

// --- Dekker's idea: announce yourself, then look -----------------------------

static void announce_and_look(void *context)
{
	unsigned me = explore_cpu();

	(void)context;
	atomic_store_relaxed(&lock.flag[me], 1);
	if (atomic_load_acquire(&lock.flag[1 - me]) == 0)
		count_one();
}

static void announce_fence_and_look(void *context)
{
	unsigned me = explore_cpu();

	(void)context;
	atomic_store_relaxed(&lock.flag[me], 1);
	atomic_fence_seq_cst();
	if (atomic_load_acquire(&lock.flag[1 - me]) == 0)
		count_one();
}

static void announce_at_once_and_look(void *context)
{
	unsigned me = explore_cpu();

	(void)context;
	atomic_store_seq_cst(&lock.flag[me], 1);
	if (atomic_load_acquire(&lock.flag[1 - me]) == 0)
		count_one();
}

CASE(explorer_breaks_dekkers_lock_without_a_fence)
{
	struct exploration exploration = {
		.name = "dekker", .set_up = clear_lock, .check = check_count,
		.cpu = { announce_and_look, announce_and_look },
	};

	CHECK(verdict(&exploration) == EXPLORED_FAILED);
	exploration.preemptions = EXPLORE_AT_MOST(1);
	CHECK(verdict(&exploration) == EXPLORED_FAILED);
	exploration.model = EXPLORE_SEQUENTIAL;
	exploration.preemptions = 0;
	CHECK(verdict(&exploration) == EXPLORED_WHOLE);
}

CASE(explorer_passes_dekkers_lock_with_a_fence)
{
	struct exploration exploration = {
		.name = "dekker", .set_up = clear_lock, .check = check_count,
		.cpu = { announce_fence_and_look, announce_fence_and_look },
	};

	CHECK(verdict(&exploration) == EXPLORED_WHOLE);
	exploration.cpu[1] = announce_at_once_and_look;
	CHECK(verdict(&exploration) == EXPLORED_WHOLE);
	exploration.cpu[0] = announce_at_once_and_look;
	CHECK(verdict(&exploration) == EXPLORED_WHOLE);
	exploration.cpu[0] = announce_and_look;
	CHECK(verdict(&exploration) == EXPLORED_FAILED);
}

// --- Peterson's lock: and wait your turn -------------------------------------

static void peterson(uint32_t polite_turn, void (*fence)(void))
{
	unsigned me = explore_cpu();

	atomic_store_relaxed(&lock.flag[me], 1);
	atomic_store_relaxed(&lock.turn, polite_turn);
	fence();
	while (atomic_load_acquire(&lock.flag[1 - me]) == 1 &&
	       atomic_load_acquire(&lock.turn) == 1 - me)
		atomic_pause();
	count_one();
	atomic_store_release(&lock.flag[me], 0);
}

static void full_fence(void)
{
	atomic_fence_seq_cst();
}

static void weak_fence(void)
{
	atomic_fence_acq_rel();
}

static void peterson_right(void *context)
{
	(void)context;
	peterson(1 - explore_cpu(), full_fence);
}

static void peterson_unfenced(void *context)
{
	(void)context;
	peterson(1 - explore_cpu(), weak_fence);
}

static void peterson_impolite(void *context)
{
	(void)context;
	peterson(explore_cpu(), full_fence);
}

CASE(explorer_tells_petersons_locks_apart)
{
	struct exploration exploration = {
		.name = "peterson", .set_up = clear_lock,
		.check = check_all_counted,
		.cpu = { peterson_right, peterson_right },
	};

	CHECK(verdict(&exploration) == EXPLORED_WHOLE);
	exploration.cpu[0] = exploration.cpu[1] = peterson_unfenced;
	CHECK(verdict(&exploration) == EXPLORED_FAILED);
	exploration.model = EXPLORE_SEQUENTIAL;
	CHECK(verdict(&exploration) == EXPLORED_WHOLE);
	exploration.cpu[0] = exploration.cpu[1] = peterson_impolite;
	CHECK(verdict(&exploration) == EXPLORED_FAILED);
}

// --- tickets -----------------------------------------------------------------

static void wait_count_and_leave(uint32_t ticket)
{
	while (atomic_load_acquire(&lock.serving) != ticket)
		atomic_pause();
	count_one();
	atomic_store_release(&lock.serving, ticket + 1);
}

static void draw_ticket(void *context)
{
	(void)context;
	wait_count_and_leave(atomic_fetch_add_relaxed(&lock.next, 1));
}

static void draw_ticket_by_halves(void *context)
{
	uint32_t ticket = atomic_load_relaxed(&lock.next);

	(void)context;
	atomic_store_relaxed(&lock.next, ticket + 1);
	wait_count_and_leave(ticket);
}

static void leave_before_counting(void *context)
{
	uint32_t ticket = atomic_fetch_add_relaxed(&lock.next, 1);

	(void)context;
	while (atomic_load_acquire(&lock.serving) != ticket)
		atomic_pause();
	atomic_store_release(&lock.serving, ticket + 1);
	count_one();
}

CASE(explorer_passes_a_ticket_lock)
{
	struct exploration exploration = {
		.name = "tickets", .set_up = clear_lock,
		.check = check_all_counted,
		.cpu = { draw_ticket, draw_ticket },
	};

	CHECK(verdict(&exploration) == EXPLORED_WHOLE);
	exploration.cpu[2] = draw_ticket;
	exploration.preemptions = EXPLORE_AT_MOST(2);
	CHECK(verdict(&exploration) == EXPLORED_WHOLE);
	CHECK(explored.schedules > 1000);
}

CASE(explorer_breaks_a_ticket_lock_without_a_locked_draw)
{
	struct exploration exploration = {
		.name = "tickets", .set_up = clear_lock,
		.check = check_all_counted,
		.cpu = { draw_ticket_by_halves, draw_ticket_by_halves },
	};

	CHECK(verdict(&exploration) == EXPLORED_FAILED);
	exploration.cpu[0] = exploration.cpu[1] = leave_before_counting;
	CHECK(verdict(&exploration) == EXPLORED_FAILED);
}

// --- a stack of two nodes, and the one that comes back -----------------------

#define NODES 3			/* number 0 is none                          */
#define TAG_SHIFT 32

enum tags { WITHOUT_TAGS, WITH_TAGS };

static struct stack {
	enum tags tags;
	atomic_u64 top;			/* tag and number                    */
	atomic_u32 next[NODES];
	atomic_u32 holders[NODES];
} stack;

static void fill_stack(void *context)
{
	enum tags tags = *(enum tags *)context;

	memset(&stack, 0, sizeof(stack));
	stack.tags = tags;
	stack.top.plain = 1;
	stack.next[1].plain = 2;
}

static uint64_t with_next_tag(uint64_t top, uint32_t node)
{
	if (stack.tags == WITHOUT_TAGS)
		return node;
	return ((top >> TAG_SHIFT) + 1) << TAG_SHIFT | node;
}

static uint32_t pop(void)
{
	uint64_t top = atomic_load_acquire(&stack.top);
	uint32_t node;

	do {
		node = (uint32_t)top;
		if (node == 0)
			return 0;
	} while (!atomic_compare_exchange_acq_rel(
		&stack.top, &top,
		with_next_tag(top, atomic_load_relaxed(&stack.next[node]))));
	EXPLORE_CHECK(atomic_fetch_add_relaxed(&stack.holders[node], 1) == 0);
	return node;
}

static void push(uint32_t node)
{
	uint64_t top = atomic_load_relaxed(&stack.top);

	EXPLORE_CHECK(atomic_fetch_add_relaxed(&stack.holders[node], -1) == 1);
	do {
		atomic_store_relaxed(&stack.next[node], (uint32_t)top);
	} while (!atomic_compare_exchange_release(&stack.top, &top,
						  with_next_tag(top, node)));
}

static void pop_two(void *context)
{
	(void)context;
	pop();
	pop();
}

static void pop_two_and_return_the_first(void *context)
{
	uint32_t first = pop();

	(void)context;
	pop();
	if (first != 0)
		push(first);
}

static void check_stack(void *context)
{
	unsigned on_stack = 0, held = 0;

	(void)context;
	for (uint32_t node = (uint32_t)stack.top.plain; node != 0 &&
	     on_stack < NODES; node = stack.next[node].plain)
		on_stack++;
	for (unsigned i = 1; i < NODES; i++)
		held += stack.holders[i].plain;
	EXPLORE_CHECK(on_stack + held == NODES - 1);
}

CASE(explorer_finds_the_node_that_came_back)
{
	enum tags tags = WITHOUT_TAGS;
	struct exploration exploration = {
		.name = "stack", .context = &tags, .set_up = fill_stack,
		.cpu = { pop_two, pop_two_and_return_the_first },
		.check = check_stack,
	};

	CHECK(verdict(&exploration) == EXPLORED_FAILED);
	/* One preemption in the first pop is enough; none is not. */
	exploration.preemptions = EXPLORE_AT_MOST(1);
	CHECK(verdict(&exploration) == EXPLORED_FAILED);
	exploration.preemptions = EXPLORE_AT_MOST(0);
	CHECK(verdict(&exploration) == EXPLORED_WHOLE);
	tags = WITH_TAGS;
	exploration.preemptions = 0;
	CHECK(verdict(&exploration) == EXPLORED_WHOLE);
	CHECK(explored.schedules > 1000);
	exploration.cpu[2] = pop_two_and_return_the_first;
	exploration.preemptions = EXPLORE_AT_MOST(2);
	CHECK(verdict(&exploration) == EXPLORED_WHOLE);
}
