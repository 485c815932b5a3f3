// SPDX-License-Identifier: MIT OR Apache-2.0
/* frames_many.c - many single frames in one call, on this machine. */
#include "frames.h"

#include <kernel/sync/pending.h>

#include "frames_internal.h"

/* As with a run: other CPUs may free during each of the searches. */
#define SEARCHES	64
/* Frames that are zeroed between two polls. */
#define ZEROED_AT_ONCE	64

static enum status alloc_once(const struct frame_request *request,
			      struct frame_array out)
{
	struct frame_cache *cache = frames_cache();
	enum status status;

	if (!frame_drain_is_shortage(&frames.drain) &&
	    &frames.sets[request->node] == cache->set) {
		status = frame_cache_alloc_many(cache, request->owner, out);
		if (status != ST_NO_MEMORY && status != ST_CONFLICT)
			return status;
	}
	return frame_alloc_many(&frames.nodes, cache->slot, request, out);
}

static enum status alloc_in_shortage(const struct frame_request *request,
				     struct frame_array out)
{
	enum status status = ST_CONFLICT;

	frame_drain_begin_shortage(&frames.drain);
	for (unsigned i = 0; i < SEARCHES && status == ST_CONFLICT; i++) {
		pending_poll();
		status = alloc_once(request, out);
	}
	frame_drain_end_shortage(&frames.drain);
	return status;
}

static void zero_all(struct frame_array out, enum frame_patience patience)
{
	const struct frame_request one = { .size = FRAME_4K };
	bool polls = patience == FRAME_WAIT &&
		     cpu_local_context() == CPU_TASK;

	for (uint64_t i = 0; i < out.count; i++) {
		frame_pool_zero(frames.nodes.pool[0], &one, out.frames[i]);
		if (i % ZEROED_AT_ONCE == 0 && polls)
			pending_poll();
	}
}

enum status frames_alloc_many(const struct frame_request *request,
			      struct frame_array out)
{
	struct frame_request plain = *request;
	enum status status;

	if (cpu_local_context() == CPU_NMI)
		return ST_DENIED;
	if (request->node == FRAMES_HOME)
		plain.node = (unsigned)(frames_cache()->set - frames.sets);
	if (plain.node >= frames.nodes.count || plain.size != FRAME_4K ||
	    plain.limit != FRAME_ANYWHERE ||
	    plain.contents > FRAME_ZEROED ||
	    plain.patience > FRAME_NO_WAIT)
		return ST_BAD_ARGUMENT;
	plain.contents = FRAME_UNDEFINED;
	status = alloc_once(&plain, out);
	if ((status == ST_NO_MEMORY || status == ST_CONFLICT) &&
	    cpu_local_context() == CPU_TASK && plain.patience == FRAME_WAIT)
		status = alloc_in_shortage(&plain, out);
	if (status == ST_OK && request->contents == FRAME_ZEROED)
		zero_all(out, plain.patience);
	return status;
}

enum status frames_free_many(const struct frame_many_return *what)
{
	struct frame_cache *cache = frames_cache();

	/* During a shortage, bypass the cache. An NMI's has no frames. */
	if (cache->frames != 0 && frame_drain_is_shortage(&frames.drain))
		return frame_free_many(&frames.nodes, cache->slot, what);
	return frame_cache_free_many(cache, what);
}
