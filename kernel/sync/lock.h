/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * lock.h - spin locks, acquired in one order.
 *
 * The order is that of LOCK_RANKS. lock_acquire asserts it, on every CPU and
 * from the first lock on, so that a deadlock is an assertion on the first run
 * and not a hang on the thousandth.
 *
 * A lock of kind TASK is taken by tasks only, with interrupts on once they
 * are: a CPU that waits for one must be able to answer other CPUs. One of kind
 * INTERRUPT may be taken by interrupt handlers too, hence by all callers with
 * interrupts off. An NMI or a machine check takes no lock at all, nor does a
 * CPU that is not online yet: INIT may reset it at any instruction.
 *
 * Functions and fields say what they want of a lock; clang's -Wthread-safety
 * checks it in `make lint`.
 */
#ifndef KERNEL_SYNC_LOCK_H
#define KERNEL_SYNC_LOCK_H

#include <stdbool.h>

#include <base/atomic.h>

#include <kernel/arch/lock_ranks.h>

/* No compiler but clang knows these. */
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

/* First come, first served. */
void lock_acquire(struct lock *lock) ACQUIRES(lock);
void lock_release(struct lock *lock) RELEASES(lock);

/*
 * From now on taking and giving it does nothing. For a CPU that panics, all
 * others being stopped, perhaps in the middle of what the lock is for.
 */
void lock_break(struct lock *lock);

enum lock_kind lock_kind_of(enum lock_rank rank);

/* True while this CPU holds a lock that an interrupt handler may want. */
bool lock_holds_interrupt_lock(void);

#endif
