/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * lock_ranks.h - the order of all locks, and the locks that one CPU holds.
 *
 * LOCK_RANKS is the order, outermost first: a CPU that holds a lock takes only
 * locks that stand below it. docs/locks.md is made from this list. It is in
 * this room, not in kernel/sync, because each CPU's area has a lock_chain.
 */
#ifndef KERNEL_ARCH_LOCK_RANKS_H
#define KERNEL_ARCH_LOCK_RANKS_H

/* ROW(constant, name, kind, meaning) */
#define LOCK_RANKS(ROW)							\
	ROW(WORK, work, TASK,						\
	    "what all CPUs are doing together (`smp_call_all_tasks`)")	\
	ROW(LOG, log, INTERRUPT,					\
	    "the ring of log lines, and their order on the console")	\
	ROW(CRASH_LOG, crash_log, INTERRUPT,				\
	    "the log that a warm reset does not erase")			\
	ROW(CONSOLE, console, INTERRUPT,				\
	    "text for the consoles, and which CPU writes it")

enum lock_kind { LOCK_TASK, LOCK_INTERRUPT };

enum lock_rank {
#define ROW(constant, name, kind, meaning) RANK_##constant,
	LOCK_RANKS(ROW)
#undef ROW
	RANK_COUNT,
};

struct lock;

/* The locks that a CPU holds, outermost first; part of the CPU's area. */
struct lock_chain {
	unsigned count;				/* [O]               */
	struct lock *held[RANK_COUNT];		/* [O]               */
};

/* In the kernel it is in the per-CPU area; each test supplies its own. */
struct lock_chain *lock_chain_of_this_cpu(void);

#endif
