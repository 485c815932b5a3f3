// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A ticket lock: each caller draws a ticket, and a second counter says which
 * ticket may enter. It is fair, and the CPUs that wait only read. It needs
 * two words instead of one; in return no CPU starves.
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

	/* INIT resets a CPU that is too late; it would never release. */
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

	/* Relaxed: it is set by this CPU, or this one is about to stop. */
	if (atomic_load_relaxed(&lock->broken))
		return;
	check_order(chain, lock);
	check_context(lock);
	/* Relaxed: only the number counts. */
	ticket = atomic_fetch_add_relaxed(&lock->next, 1);
	/* Acquire: what the previous holder did is seen from here on. */
	while (atomic_load_acquire(&lock->serving) != ticket) {
		/* The holder may wait for work that is pending here. */
		if (lock_kind_of(lock->rank) == LOCK_TASK)
			pending_poll();
		atomic_pause();
	}
	chain->held[chain->count] = lock;
	/* Release: an interrupt that comes now finds its own top whole. */
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
	/* Release: what was done under the lock is seen by the next. */
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
