/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_drain.h - empties the frame caches of all CPUs for a task that was
 * refused a frame, and keeps them empty until the task has searched again.
 *
 * If the caches were filled at once, they would take the frames that the drain
 * returned, and one drain would not be enough. As they stay empty, a frame
 * that a task does not find after one drain was not free, and tasks that are
 * refused meanwhile need no drain of their own.
 */
#ifndef KERNEL_MEMORY_FRAME_DRAIN_H
#define KERNEL_MEMORY_FRAME_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <base/atomic.h>
#include <boot/layout.h>

struct frame_drain {
	/* Empties the caches of the CPU that calls, a task. */
	void (*drain_own)(void);	/* [C]                               */
	unsigned spins;			/* [C] turns before a CPU halts      */
	/* [A] upper half: the number of the shortage; lower: tasks in it.   */
	atomic_u64 state;
	/* [A] the last shortage in which all CPUs have drained.             */
	atomic_u32 last_drained;
	atomic_u8 draining;	/* [A] 1: one CPU makes all drain            */
	atomic_u32 drainer;	/* [A] that CPU                              */
	/* [A] CPUs that were asked to drain and have not yet done so.       */
	atomic_u32 undrained;
	atomic_u8 asleep[STACK_CPUS];	/* [A] by CPU: 1 = must be woken */
};

/* True during a shortage: allocs and frees bypass the caches. */
static inline bool frame_drain_is_shortage(const struct frame_drain *drain)
{
	/* Relaxed: a CPU that drained on request has seen the shortage. */
	return (uint32_t)atomic_load_relaxed(&drain->state) != 0;
}

/*
 * From frame_drain_begin_shortage to frame_drain_end_shortage all caches are
 * empty and stay so. From tasks only. Cost: one drain; none, or the rest of
 * one, if another task began the shortage.
 */
void frame_drain_begin_shortage(struct frame_drain *drain);
void frame_drain_end_shortage(struct frame_drain *drain);

/* Every CPU drains once between call and return. From tasks only. */
void frame_drain_all(struct frame_drain *drain);

/* The handler of PENDING_DRAIN: empties the caches of the CPU that calls. */
void frame_drain_requested(struct frame_drain *drain);

#endif
