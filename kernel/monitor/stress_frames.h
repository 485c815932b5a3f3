/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * stress_frames.h - all CPUs at once at the frame pools, checking.
 *
 * Every frame in hand is stamped on both ends with whose it is, so one that
 * is allocated twice shows when it is allocated, or when it is given back.
 */
#ifndef KERNEL_MONITOR_STRESS_FRAMES_H
#define KERNEL_MONITOR_STRESS_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <base/status.h>

struct stress_result {
	unsigned cpus;
	uint64_t operations;	/* pieces allocated and given back            */
	uint64_t in_handlers;	/* of these, by interrupt handlers           */
	uint64_t exchanged;	/* pieces that changed hands between CPUs    */
	uint64_t refused;
	uint64_t rounds;	/* races for the last frame                  */
	uint64_t winners;	/* of these                                  */
	uint64_t wrong;		/* each one has its line in the log          */
	uint64_t elapsed_us;
	bool cancelled;		/* by Ctrl-C                                 */
};

/*
 * Runs for `seconds` on every CPU: three eighths, and as long with nearly all
 * memory held elsewhere; then all CPUs race for the last frame. Pools and
 * caches are audited after each part, before any drain. Each part does a little
 * even if its time is over. Ctrl-C ends it early.
 * Fails: ST_NO_MEMORY: for notes. Errors found are in `out`, not a failure.
 * Locks: takes WORK, as smp_call_all_tasks.
 * Cost:  all free memory is taken.
 */
enum status stress_frames(uint64_t seconds, struct stress_result *out);

#endif
