/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * lock.h - one at a time, in one order.
 *
 * LOCK_RANKS is the order, outermost first: who holds a lock takes only
 * locks that stand below it. lock_take asserts it, on every CPU and from the
 * first lock on, so that a deadlock is an assertion on the first run and not
 * a hang on the thousandth. docs/locks.md is made from this list.
 *
 * A lock of kind TASK is taken by tasks only, with interrupts on once they
 * are: who waits for one must be able to answer other CPUs. One of kind
 * INTERRUPT may be taken by interrupt handlers too, hence by everybody with
 * interrupts off. Whoever has an NMI or a machine check takes no lock at all,
 * nor does a CPU that is not online yet: it may be given up at any moment.
 *
 * Functions and fields say what they want of a lock; clang's -Wthread-safety
 * checks it in `make lint`.
 */
#ifndef KERNEL_SYNC_LOCK_H
#define KERNEL_SYNC_LOCK_H

#include <stdbool.h>

#include <base/atomic.h>

/* ROW(constant, name, kind, meaning) */
#define LOCK_RANKS(ROW)							\
	ROW(WORK, work, TASK,						\
	    "what all CPUs are doing together (`smp_run_everywhere`)")	\
	ROW(LOG, log, INTERRUPT,					\
	    "the ring of log lines, and their order on the console")	\
	ROW(EVIDENCE, evidence, INTERRUPT,				\
	    "the log that a warm reset does not erase")			\
	ROW(CONSOLE, console, INTERRUPT, "the serial port and the screen")

enum lock_rank {
#define ROW(constant, name, kind, meaning) RANK_##constant,
	LOCK_RANKS(ROW)
#undef ROW
	RANK_COUNT,
};

enum lock_kind { LOCK_TASK, LOCK_INTERRUPT };

/* No compiler but clang knows these. */
#ifdef __clang__
#define LOCK_ATTRIBUTE(attribute) __attribute__((attribute))
#else
#define LOCK_ATTRIBUTE(attribute)
#endif
#define TAKES(lock) LOCK_ATTRIBUTE(acquire_capability(lock))
#define GIVES(lock) LOCK_ATTRIBUTE(release_capability(lock))
#define REQUIRES(lock) LOCK_ATTRIBUTE(requires_capability(lock))
#define UNCHECKED LOCK_ATTRIBUTE(no_thread_safety_analysis)

/* Zero but for its rank: { .rank = RANK_LOG }. */
struct LOCK_ATTRIBUTE(capability("lock")) lock {
	enum lock_rank rank;	/* [C]                                       */
	atomic_u32 next;	/* [A] the ticket of who comes next          */
	atomic_u32 serving;	/* [A] the ticket of who has it              */
	atomic_u32 broken;	/* [A] 1: nobody waits any more              */
};

/* What one CPU holds, outermost first. It is part of its per-CPU area. */
struct lock_chain {
	unsigned count;				/* [O]               */
	struct lock *held[RANK_COUNT];		/* [O]               */
};

/* The kernel has it in the per-CPU area, a test wherever it likes. */
struct lock_chain *lock_chain_of_this_cpu(void);

/* First come, first served. */
void lock_take(struct lock *lock) TAKES(lock);
void lock_give(struct lock *lock) GIVES(lock);

/*
 * From now on taking and giving it does nothing. For a CPU that panics, all
 * others being stopped, perhaps in the middle of what the lock is for.
 */
void lock_break(struct lock *lock);

enum lock_kind lock_kind_of(enum lock_rank rank);

/* True while this CPU holds a lock that an interrupt handler may want. */
bool lock_holds_interrupt_lock(void);

#endif
