// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A ticket lock: each caller draws a ticket, and a second counter says which
 * ticket may enter. CPUs enter in the order of their tickets, so none starves,
 * and the CPUs that wait only read. It needs two words instead of one.
 */
#include "lock.h"

#include <arch/cpu_local.h>
#include <base/assert.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/interrupts.h>

#include "pending.h"

static const enum lock_kind kinds[RANK_COUNT] = {
#define ROW(constant, name, kind, meaning)				\
	[RANK_##constant] = LOCK_##kind,
	LOCK_RANKS(ROW)
#undef ROW
};

enum lock_kind lock_kind_of(enum lock_rank rank)
{
	return kinds[rank];
}

static void check_context(const struct lock *lock)
{
	enum cpu_context context = cpu_local_context();

	/* INIT may reset a CPU that starts late: it would keep the lock. */
	ASSERT(cpu_local_is_online(cpu_local_id()));
	ASSERT(context != CPU_NMI);
	if (kinds[lock->rank] == LOCK_INTERRUPT)
		ASSERT(!interrupts_are_on());
	else
		ASSERT(context == CPU_TASK);
}

static void check_order(const struct lock_chain *chain,
			const struct lock *lock)
{
	ASSERT(lock->rank < RANK_COUNT);
	if (chain->count > 0)
		ASSERT(chain->held[chain->count - 1]->rank < lock->rank);
}

void lock_acquire(struct lock *lock) UNCHECKED
{
	struct lock_chain *chain = lock_chain_of_this_cpu();
	uint32_t ticket;

	/* Relaxed: this CPU has set it, or is about to be stopped. */
	if (atomic_load_relaxed(&lock->broken))
		return;
	check_order(chain, lock);
	check_context(lock);
	/* Relaxed: the ticket orders nothing; `serving` does. */
	ticket = atomic_fetch_add_relaxed(&lock->next, 1);
	/* Acquire: all that the previous holder did is seen. */
	while (atomic_load_acquire(&lock->serving) != ticket) {
		/* The holder may wait for work that is pending here. */
		if (lock_kind_of(lock->rank) == LOCK_TASK)
			pending_poll();
		atomic_pause();
	}
	chain->held[chain->count] = lock;
	/* Release: an interrupt handler finds the chain complete. */
	atomic_fence_release();
	chain->count++;
}

void lock_release(struct lock *lock) UNCHECKED
{
	struct lock_chain *chain = lock_chain_of_this_cpu();

	if (atomic_load_relaxed(&lock->broken))
		return;
	ASSERT(chain->count > 0 && chain->held[chain->count - 1] == lock);
	chain->count--;
	/* Release: the next holder sees all that was done under the lock. */
	atomic_store_release(&lock->serving,
			     atomic_load_relaxed(&lock->serving) + 1);
}

void lock_break(struct lock *lock)
{
	atomic_store_relaxed(&lock->broken, 1);
}

bool lock_holds_interrupt_lock(void)
{
	const struct lock_chain *chain = lock_chain_of_this_cpu();

	return chain->count > 0 &&
	       kinds[chain->held[chain->count - 1]->rank] == LOCK_INTERRUPT;
}
