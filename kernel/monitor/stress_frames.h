/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * stress_frames.h - the stress test of the frame pools, on all CPUs at once.
 *
 * Every allocated frame has a stamp of its holder at both ends. A frame that
 * is allocated twice is found when it is allocated again or freed.
 */
#ifndef KERNEL_MONITOR_STRESS_FRAMES_H
#define KERNEL_MONITOR_STRESS_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <base/status.h>

struct stress_result {
	unsigned cpus;
	uint64_t operations;	/* chunks allocated and freed                 */
	uint64_t in_handlers;	/* of these, by interrupt handlers           */
	uint64_t exchanged;	/* chunks that CPUs exchanged                */
	uint64_t refused;
	uint64_t rounds;	/* races for the last frame                  */
	uint64_t winners;	/* of these                                  */
	uint64_t wrong;		/* errors; the first ones are in the log     */
	uint64_t elapsed_us;
	bool cancelled;		/* by Ctrl-C                                 */
};

/*
 * Runs for `seconds` on every CPU: three eighths of the time with all memory,
 * three eighths with nearly all memory held, then all CPUs race for the last
 * frame. Pools and caches are audited after each part, before any drain. Each
 * part does a few steps even if its time is over. Ctrl-C ends it early.
 * Fails: ST_NO_MEMORY: for notes. Errors found are in `out`, not a failure.
 * Locks: takes WORK, as smp_call_all_tasks.
 * Cost:  all free memory is taken.
 */
enum status stress_frames(uint64_t seconds, struct stress_result *out);

#endif
