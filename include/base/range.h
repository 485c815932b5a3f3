/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * range.h - the two interval types: a run of frames, and any other range by
 * its two ends.
 */
#ifndef BASE_RANGE_H
#define BASE_RANGE_H

#include <base/address.h>

/* [first .. first + frames), in frames. */
struct frame_run {
	pfn_t first;
	uint64_t frames;
};

/* [start..end), in bytes of the address space that the user names. */
struct range {
	uint64_t start, end;
};

/* One past the last frame. The run must not wrap. */
static inline uint64_t frame_run_end(struct frame_run run)
{
	return run.first.raw + run.frames;
}

/* `range` must not end before it starts. */
static inline uint64_t range_bytes(struct range range)
{
	return range.end - range.start;
}

static inline bool range_is_empty(struct range range)
{
	return range.start == range.end;
}

#endif
