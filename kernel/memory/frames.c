// SPDX-License-Identifier: MIT OR Apache-2.0
#include "frames.h"

#include <arch/cpu_local.h>
#include <base/assert.h>
#include <boot/layout.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/interrupts.h>
#include <kernel/sync/pending.h>

#include "frames_internal.h"

/* Bounds the searches while other CPUs go on freeing. */
#define SEARCHES	64

struct frames_state frames;

struct frame_nodes *frames_nodes(void)
{
	return &frames.nodes;
}

unsigned frames_home_of(unsigned cpu)
{
	ASSERT(cpu < frames.cpus);
	return (unsigned)(frames.caches[frame_task_slot(cpu)].set -
			  frames.sets);
}

/* --- the own caches --------------------------------------------------------*/

/*
 * A task may use the interrupt cache of its CPU while interrupts are off: no
 * handler runs that could use it.
 */
static void drain_cache(struct frame_cache *cache)
{
	/* Relaxed: read only after the drain, which orders it. */
	atomic_fetch_add_relaxed(&frames.drained, frame_cache_held(cache));
	frame_cache_drain(cache);
}

void frames_drain_own(void)
{
	struct cpu_local *me = this_cpu();
	uint64_t flags;

	drain_cache(&frames.caches[frame_task_slot(me->index)]);
	flags = interrupts_off();
	me->context = CPU_INTERRUPT;
	drain_cache(&frames.caches[frame_interrupt_slot(me->index)]);
	me->context = CPU_TASK;
	interrupts_restore(flags);
}

/* --- draining --------------------------------------------------------------*/

bool frames_drain_all(void)
{
	uint64_t before = atomic_load_relaxed(&frames.drained);

	frame_drain_all(&frames.drain);
	return atomic_load_relaxed(&frames.drained) != before;
}

/* --- alloc and free --------------------------------------------------------*/

struct frame_cache *frames_cache(void)
{
	return frame_cache_current(&frames.sets[0]);
}

const struct frame_cache *frames_cache_of(unsigned cpu,
					  enum cpu_context context)
{
	return &frames.caches[2 * cpu + context];
}

/* Allocates from the own cache, if it can serve the request. */
static enum status alloc_from_cache(const struct frame_request *request,
				    pfn_t *out)
{
	struct frame_cache *cache = frames_cache();

	if (request->limit != FRAME_ANYWHERE ||
	    frame_drain_is_shortage(&frames.drain) ||
	    &frames.sets[request->node] != cache->set)
		return ST_NOT_FOUND;
	if (request->size == FRAME_4K)
		return frame_cache_alloc(cache, request->owner, out);
	if (request->size == FRAME_2M)
		return frame_cache_alloc_block(cache, request->owner, out);
	return ST_NOT_FOUND;
}

static enum status alloc_once(const struct frame_request *request, pfn_t *out)
{
	enum status status = alloc_from_cache(request, out);

	if (status == ST_OK || status == ST_BAD_ARGUMENT)
		return status;
	return frame_alloc(&frames.nodes, frames_cache()->slot, request, out);
}

/* All caches are empty: a frame refused now was not free. */
static enum status alloc_in_shortage(const struct frame_request *request,
				     pfn_t *out)
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

enum status frames_alloc(const struct frame_request *request, pfn_t *out)
{
	struct frame_request plain = *request;
	enum status status;

	if (cpu_local_context() == CPU_NMI)
		return ST_DENIED;
	if (request->node == FRAMES_HOME)
		plain.node = (unsigned)(frames_cache()->set - frames.sets);
	if (plain.node >= frames.nodes.count ||
	    plain.owner == FRAME_BYTE_FREE || plain.owner > FRAME_BYTE_LAST)
		return ST_BAD_ARGUMENT;
	plain.contents = FRAME_UNDEFINED;
	status = alloc_once(&plain, out);
	if ((status == ST_NO_MEMORY || status == ST_CONFLICT) &&
	    cpu_local_context() == CPU_TASK)
		status = alloc_in_shortage(&plain, out);
	if (status == ST_OK && request->contents == FRAME_ZEROED)
		frame_pool_zero(frames.nodes.pool[0], request, *out);
	return status;
}

enum status frames_free(const struct frame_return *what)
{
	struct frame_cache *cache = frames_cache();

	if (cpu_local_context() == CPU_NMI)
		return ST_DENIED;
	/* During a shortage, bypass the cache. */
	if (frame_drain_is_shortage(&frames.drain))
		return frame_free(&frames.nodes, cache->slot, what);
	if (what->size == FRAME_4K && what->frame.raw >= MIB >> PAGE_SHIFT)
		return frame_cache_free(cache, what->frame, what->caller);
	if (what->size == FRAME_2M)
		return frame_cache_free_block(cache, what->frame, what->caller);
	return frame_free(&frames.nodes, cache->slot, what);
}
