// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Several pools: the nearest that can serve a request, or the frame's own.
 *
 * Pools of different nodes may lie inside one another, where nodes alternate
 * in the address space. So a frame's pool is looked up among places, each of
 * which belongs to one pool, and not among the pools' own ranges.
 */
#include <mm/frame_nodes.h>

#include "report.h"
#include "search.h"

/* The pools that a request may be served from, nearest first. */
struct candidates {
	struct frame_pool *const *pool;
	const uint8_t *order;
	unsigned count;
};

static struct candidates candidates_of(const struct frame_nodes *nodes,
				       const struct frame_request *request)
{
	return (struct candidates){
		nodes->pool, &nodes->order[request->node * nodes->pools],
		request->rule == FRAME_NODE_REQUIRED ?
			frame_nodes_own(nodes, request->node) : nodes->pools,
	};
}

/* Reads no other CPU's state; false: no pool has it at first sight. */
static bool try_nearest(const struct candidates *from, cpu_slot slot,
			const struct frame_request *request, pfn_t *out)
{
	for (unsigned i = 0; i < from->count; i++)
		if (frame_pool_try(from->pool[from->order[i]], slot, request,
				   out))
			return true;
	return false;
}

/* Each pool refuses by itself. */
static bool alloc_nearest(const struct candidates *from, cpu_slot slot,
			  const struct frame_request *request, pfn_t *out)
{
	for (unsigned i = 0; i < from->count; i++)
		if (frame_pool_alloc(from->pool[from->order[i]], slot, request,
				     out) == ST_OK)
			return true;
	return false;
}

/* All that CPUs have done to these pools; false while one is at it. */
static bool all_at_rest(const struct candidates *these, uint64_t *sum)
{
	*sum = 0;
	for (unsigned i = 0; i < these->count; i++) {
		uint64_t one;

		if (!frame_at_rest(these->pool[these->order[i]], &one))
			return false;
		*sum += one;
	}
	return true;
}

/*
 * Each pool's own refusal names an instant, but another for each: a frame
 * may be freed in the first pool and the last one of the second be allocated
 * while the search goes from one to the other. So all must be at rest the
 * whole time. Only an alloc that found nothing anywhere comes here.
 */
static enum status refuse_or_alloc(const struct candidates *from, cpu_slot slot,
				   const struct frame_request *request,
				   pfn_t *out)
{
	unsigned most = is_proven_by_search(request) ? FRAME_RUN_TRIES :
						       SEARCH_TRIES;

	ASSERT(from->count > 1);
	for (unsigned tries = 0; tries < most; tries++) {
		uint64_t before, after;
		bool quiet = all_at_rest(from, &before);

		if (alloc_nearest(from, slot, request, out))
			return ST_OK;
		if (quiet && all_at_rest(from, &after) && before == after)
			return ST_NO_MEMORY;
		if (!frame_waits(slot, request))
			return ST_NO_MEMORY;
		atomic_pause();
	}
	return ST_CONFLICT;
}

enum status frame_alloc(struct frame_nodes *nodes, cpu_slot slot,
			const struct frame_request *request, pfn_t *out)
{
	enum status status = frame_check_request(request);
	struct candidates from;

	if (status != ST_OK || request->node >= nodes->count)
		return ST_BAD_ARGUMENT;
	from = candidates_of(nodes, request);
	/* A node without memory that the request requires. */
	if (from.count == 0)
		return ST_NO_MEMORY;
	if (from.count == 1)
		return frame_pool_alloc(from.pool[from.order[0]], slot,
					request, out);
	if (!try_nearest(&from, slot, request, out))
		return refuse_or_alloc(&from, slot, request, out);
	if (request->contents == FRAME_ZEROED)
		frame_pool_zero(from.pool[0], request, *out);
	return ST_OK;
}

enum status frame_nodes_find_place(const struct frame_nodes *nodes,
				   pfn_t frame, size_t *index)
{
	size_t low = 0, high = nodes->place_count;

	/* Places below `low` begin at or before the frame. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (nodes->places[middle].first <= frame.raw)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return ST_NOT_FOUND;
	*index = low - 1;
	ASSERT(nodes->places[*index].pool < nodes->pools);
	ASSERT(nodes->places[*index].first <= frame.raw);
	return ST_OK;
}

enum status frame_nodes_find(const struct frame_nodes *nodes, pfn_t frame,
			     unsigned *pool)
{
	size_t index;

	if (frame_nodes_find_place(nodes, frame, &index) != ST_OK)
		return ST_NOT_FOUND;
	*pool = nodes->places[index].pool;
	return frame_pool_has(nodes->pool[*pool], frame) ? ST_OK :
							   ST_NOT_FOUND;
}

enum status frame_free(struct frame_nodes *nodes, cpu_slot slot,
		       const struct frame_return *what)
{
	unsigned pool;

	if (frame_nodes_find(nodes, what->frame, &pool) == ST_OK)
		return frame_pool_free(nodes->pool[pool], slot, what);
	return frame_refuse_free(nodes->pool[0], FRAME_FOREIGN, what->frame,
				 what->caller);
}
