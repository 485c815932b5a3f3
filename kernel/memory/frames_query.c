// SPDX-License-Identifier: MIT OR Apache-2.0
/* frames_query.c - queries of the pools: a frame, counts, the audit. */
#include "frames.h"

#include <base/bits.h>

#include "frames_internal.h"

enum status frames_query(pfn_t frame, struct frame_info *out)
{
	unsigned pool;
	enum status status = frame_nodes_find(&frames.nodes, frame, &pool);

	if (status == ST_OK)
		*out = frame_pool_query(frames.nodes.pool[pool], frame);
	return status;
}

void frames_count(struct frame_count *out)
{
	struct frame_count one;

	*out = (struct frame_count){ 0 };
	for (unsigned pool = 0; pool < frames.nodes.pools; pool++) {
		frame_pool_count(frames.nodes.pool[pool], &one);
		out->free += one.free;
		out->free_low += one.free_low;
		out->cached += one.cached;
		for (unsigned i = 0; i < ARRAY_LENGTH(one.allocated); i++)
			out->allocated[i] += one.allocated[i];
	}
}

bool frames_audit(void)
{
	struct frame_count count;
	uint64_t held = 0;

	for (unsigned pool = 0; pool < frames.nodes.pools; pool++)
		if (!frame_pool_audit(frames.nodes.pool[pool]))
			return false;
	for (unsigned slot = 0; slot < 2 * frames.cpus; slot++) {
		if (!frame_cache_audit(&frames.caches[slot]))
			return false;
		held += frame_cache_held(&frames.caches[slot]);
	}
	frames_count(&count);
	return held == count.cached;
}
