// SPDX-License-Identifier: MIT OR Apache-2.0
/* Several pools: the nearest that can serve a request, or the frame's own. */
#include "internal.h"

static enum status alloc_nearest(struct frame_nodes *nodes,
				 cpu_slot slot,
				 const struct frame_request *request,
				 pfn_t *out)
{
	for (unsigned i = 0; i < nodes->count; i++) {
		unsigned node = nodes->order[request->node * nodes->count + i];
		enum status status = frame_pool_alloc(nodes->pool[node], slot,
						      request, out);

		if (status != ST_NO_MEMORY && status != ST_CONFLICT)
			return status;
	}
	return ST_NO_MEMORY;
}

/* All that CPUs have done to all pools; false while one is at it. */
static bool all_at_rest(const struct frame_nodes *nodes, uint64_t *sum)
{
	*sum = 0;
	for (unsigned i = 0; i < nodes->count; i++) {
		uint64_t one;

		if (!frame_at_rest(nodes->pool[i], &one))
			return false;
		*sum += one;
	}
	return true;
}

/*
 * Each node's own refusal names an instant, but another for each: a frame
 * may be freed in the first node and the last one of the second be allocated
 * while we go from one to the other. So all must be at rest the whole time.
 */
enum status frame_alloc(struct frame_nodes *nodes, cpu_slot slot,
			const struct frame_request *request, pfn_t *out)
{
	bool search = request->size == FRAME_RUN ||
		      request->limit != FRAME_ANYWHERE;

	if (request->node >= nodes->count)
		return ST_BAD_ARGUMENT;
	if (request->rule == FRAME_NODE_REQUIRED || nodes->count == 1)
		return frame_pool_alloc(nodes->pool[request->node], slot,
					request, out);
	for (unsigned tries = 0; !search || tries < FRAME_RUN_TRIES; tries++) {
		uint64_t before, after;
		bool quiet = all_at_rest(nodes, &before);
		enum status status = alloc_nearest(nodes, slot, request, out);

		if (status != ST_NO_MEMORY)
			return status;
		if (quiet && all_at_rest(nodes, &after) && before == after)
			return ST_NO_MEMORY;
		if (slot_is_interrupt(slot))
			return ST_NO_MEMORY;
		atomic_pause();
	}
	return ST_CONFLICT;
}

enum status frame_free(struct frame_nodes *nodes, cpu_slot slot,
		       const struct frame_return *what)
{
	for (unsigned i = 0; i < nodes->count; i++)
		if (frame_pool_has(nodes->pool[i], what->frame))
			return frame_pool_free(nodes->pool[i], slot, what);
	return frame_refuse_free(nodes->pool[0], FRAME_FOREIGN, what->frame,
				 what->caller);
}
