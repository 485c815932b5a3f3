// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bad_frames.h"

#include <base/assert.h>

#include "frames.h"
#include "pages.h"

/* Another CPU may free and allocate the frame between two tries. */
#define TRIES 8

static bool is_unused(enum owner owner)
{
	return owner == OWNER_FREE || owner == OWNER_CACHED ||
	       owner == OWNER_LOW;
}

static enum status take_out(pfn_t frame)
{
	struct frame_nodes *nodes = frames_nodes();
	unsigned pool;
	enum status status = frame_nodes_find(nodes, frame, &pool);

	if (status != ST_OK)
		return status;
	return frame_pool_alloc_at(nodes->pool[pool], frames_cache()->slot,
				   frame, BAD_FRAME_BYTE);
}

enum status bad_frame_retire(pfn_t frame, enum owner *owner)
{
	*owner = OWNER_COUNT;
	ASSERT(frames_nodes()->count != 0 &&
	       cpu_local_context() == CPU_TASK);
	for (unsigned tries = 0; tries < TRIES; tries++) {
		if (memory_owner_of(frame, owner) != ST_OK)
			return ST_NOT_FOUND;
		if (!is_unused(*owner))
			return ST_CONFLICT;
		if (take_out(frame) == ST_OK)
			return ST_OK;
		frames_drain_all();
	}
	return ST_CONFLICT;
}
