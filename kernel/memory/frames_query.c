// SPDX-License-Identifier: MIT OR Apache-2.0
/* frames_query.c - answers what the pools hold: a frame, counts, the audit. */
#include "frames.h"

#include <base/bits.h>

#include "frames_internal.h"

enum status frames_query(pfn_t frame, struct frame_info *out, unsigned *node)
{
	for (unsigned i = 0; i < frames.nodes.count; i++) {
		if (!frame_pool_has(frames.nodes.pool[i], frame))
			continue;
		*out = frame_pool_query(frames.nodes.pool[i], frame);
		*node = i;
		return ST_OK;
	}
	return ST_NOT_FOUND;
}

void frames_count(struct frame_count *out)
{
	struct frame_count one;

	*out = (struct frame_count){ 0 };
	for (unsigned node = 0; node < frames.nodes.count; node++) {
		frame_pool_count(frames.nodes.pool[node], &one);
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

	for (unsigned node = 0; node < frames.nodes.count; node++)
		if (!frame_pool_audit(frames.nodes.pool[node]))
			return false;
	for (unsigned slot = 0; slot < 2 * frames.cpus; slot++) {
		if (!frame_cache_audit(&frames.caches[slot]))
			return false;
		held += frame_cache_held(&frames.caches[slot]);
	}
	frames_count(&count);
	return held == count.cached;
}
