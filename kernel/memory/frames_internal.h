/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* frames_internal.h - the state that the files of frames.h share. */
#ifndef KERNEL_MEMORY_FRAMES_INTERNAL_H
#define KERNEL_MEMORY_FRAMES_INTERNAL_H

#include <mm/frame_nodes.h>

#include "frame_drain.h"
#include "frames.h"

struct frames_state {
	struct frame_nodes nodes;	/* empty until frames_start has ended */
	struct frame_cache_set *sets;	/* [C] by node                       */
	struct frame_cache *caches;	/* [C] by slot, each in its home set */
	unsigned cpus;			/* [C]                               */
	atomic_u64 drained;	/* [A] frames that drains returned           */
	struct frame_drain drain;
};

extern struct frames_state frames;

/* frames.c: empties the caches of the CPU that calls, a task. */
void frames_drain_own(void);

#endif
