/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* stress_internal.h - what the parts of stress_frames.h share. */
#ifndef KERNEL_MONITOR_STRESS_INTERNAL_H
#define KERNEL_MONITOR_STRESS_INTERNAL_H

#include <base/atomic.h>
#include <mm/frame.h>

#include "stress_frames.h"

#define OWNER_OF_STRESS	OWNER_USER_ANON

/* Counts an error, and logs the first ones. */
void stress_wrong(uint64_t *wrong, const char *what, uint64_t value);

/* One plain chunk; no FRAME_RUN. Fails: as frames_alloc. */
enum status stress_take(enum frame_size size, pfn_t *out);
void stress_give(uint64_t *wrong, enum frame_size size, pfn_t frame);

/* The end of a part. One CPU checks for Ctrl-C, for all of them. */
struct stress_watch {
	unsigned listener;		/* [C]                               */
	uint64_t end_us;		/* [C] during each part              */
	uint64_t hold_limit_us;		/* [C] limit for holding all memory  */
	atomic_u32 cancelled;		/* [A]                               */
};
bool stress_is_cancelled(struct stress_watch *watch);
/* Cancelled, or past the part's end. */
bool stress_is_over(struct stress_watch *watch);
/* The same without a check for Ctrl-C, which takes long. */
bool stress_was_over(const struct stress_watch *watch);

/* All memory that can be allocated; lists of it are in some of its frames. */
struct held {
	uint64_t notes;			/* the last frame of the lists       */
	unsigned node;			/* the node of the last chunk        */
};
/* False: cancelled, or it took too long, which is logged. */
bool stress_hold_all(struct held *held, struct stress_watch *watch);
void stress_free_held(struct held *held, uint64_t *wrong);

/*
 * Races for the last frame, at least once, until the watch is over; not at all
 * when not all memory could be allocated in time.
 * Fails: ST_NO_MEMORY: too little for a race.
 */
enum status stress_race(struct stress_watch *watch, struct stress_result *out);

#endif
