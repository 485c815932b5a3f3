/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * lock.h - spin locks, acquired in one order.
 *
 * The order is that of LOCK_RANKS. lock_acquire asserts it, on every CPU and
 * from the first lock on: a wrong order fails on its first run, not only when
 * two CPUs happen to deadlock.
 *
 * Only tasks acquire a lock of kind TASK, with interrupts on once the kernel
 * has switched them on: a CPU that waits for one must answer other CPUs.
 * Interrupt handlers may acquire a lock of kind INTERRUPT too; so all callers
 * have interrupts off. The handlers of NMI and machine check acquire no lock,
 * nor does a CPU that is not online yet: INIT may reset it at any instruction.
 *
 * The attributes below state which lock a function needs; clang's
 * -Wthread-safety checks them in `make lint`.
 */
#ifndef KERNEL_SYNC_LOCK_H
#define KERNEL_SYNC_LOCK_H

#include <stdbool.h>

#include <base/atomic.h>

#include <kernel/arch/lock_ranks.h>

/* Only clang knows these attributes. */
#ifdef __clang__
#define LOCK_ATTRIBUTE(attribute) __attribute__((attribute))
#else
#define LOCK_ATTRIBUTE(attribute)
#endif
#define ACQUIRES(lock) LOCK_ATTRIBUTE(acquire_capability(lock))
#define RELEASES(lock) LOCK_ATTRIBUTE(release_capability(lock))
#define REQUIRES(lock) LOCK_ATTRIBUTE(requires_capability(lock))
#define UNCHECKED LOCK_ATTRIBUTE(no_thread_safety_analysis)

/* Zero but for its rank: { .rank = RANK_LOG }. */
struct LOCK_ATTRIBUTE(capability("lock")) lock {
	enum lock_rank rank;	/* [C]                                       */
	atomic_u32 next;	/* [A] the next ticket to be handed out      */
	atomic_u32 serving;	/* [A] the holder's ticket                   */
	atomic_u32 broken;	/* [A] 1: no CPU waits for it any more       */
};

/* Waiting CPUs acquire it in the order in which they came. */
void lock_acquire(struct lock *lock) ACQUIRES(lock);
void lock_release(struct lock *lock) RELEASES(lock);

/*
 * From now on acquiring and releasing it does nothing. For a CPU that panics:
 * a CPU that was stopped may hold the lock.
 */
void lock_break(struct lock *lock);

enum lock_kind lock_kind_of(enum lock_rank rank);

/* True while this CPU holds a lock of kind INTERRUPT. */
bool lock_holds_interrupt_lock(void);

#endif
