// SPDX-License-Identifier: MIT OR Apache-2.0
#include "frames.h"

#include <arch/cpu_local.h>
#include <base/assert.h>
#include <base/bits.h>
#include <boot/layout.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/interrupts.h>
#include <kernel/sync/pending.h>

#include "frames_internal.h"

/* Bounds the searches while other CPUs go on freeing. */
#define SEARCHES	64

/* Cleared between two polls: 2 MiB. */
#define ZERO_PAGES	512

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
	ASSERT(cpu < frames.cpus && context < CPU_NMI);
	return &frames.caches[2 * cpu + context];
}

void frames_init_cpu(struct cpu_local *area)
{
	struct frame_cache *caches =
		&frames.caches[frame_task_slot(area->index)];

	area->frame_cache[CPU_TASK] = &caches[CPU_TASK];
	area->frame_cache[CPU_INTERRUPT] = &caches[CPU_INTERRUPT];
	area->frame_cache[CPU_NMI] = frame_cache_of_nmi();
}

static struct frame_cache *own_cache(void)
{
	struct cpu_local *me = this_cpu();

	return me->frame_cache[me->context];
}

/* Undefined, of any address, from the own node: what a cache has. */
static inline bool is_plain(const struct frame_request *request,
			    const struct frame_cache *cache)
{
	return (request->limit | request->contents) == 0 &&
	       (request->node == FRAMES_HOME ||
		(request->node < frames.nodes.count &&
		 &frames.sets[request->node] == cache->set)) &&
	       (uint8_t)(request->owner - 1) < FRAME_BYTE_LAST;
}

/* All caches are empty: a frame refused now was not free. */
static enum status alloc_in_shortage(const struct frame_request *request,
				     cpu_slot slot, pfn_t *out)
{
	enum status status = ST_CONFLICT;

	frame_drain_begin_shortage(&frames.drain);
	for (unsigned i = 0; i < SEARCHES && status == ST_CONFLICT; i++) {
		pending_poll();
		status = frame_alloc(&frames.nodes, slot, request, out);
	}
	frame_drain_end_shortage(&frames.drain);
	return status;
}

static uint64_t pages_of(const struct frame_request *request)
{
	switch (request->size) {
	case FRAME_4K:
		return 1;
	case FRAME_2M:
		return SIZE_2M / PAGE_SIZE;
	case FRAME_1G:
		return SIZE_1G / PAGE_SIZE;
	case FRAME_RUN:
		break;
	}
	return request->pages;
}

/*
 * 1 GiB takes a tenth of a second, so a task that may wait polls between the
 * parts.
 */
static void zero(const struct frame_request *request, pfn_t first)
{
	struct frame_request part = { .size = FRAME_RUN };
	bool polls = request->patience == FRAME_WAIT &&
		     cpu_local_context() == CPU_TASK;

	for (uint64_t left = pages_of(request); left > 0; left -= part.pages) {
		part.pages = min_u64(left, ZERO_PAGES);
		frame_pool_zero(frames.nodes.pool[0], &part, first);
		first.raw += part.pages;
		if (left > part.pages && polls)
			pending_poll();
	}
}

static enum status
alloc_from_pools(const struct frame_request *request, struct frame_cache *cache,
		 pfn_t *out)
{
	struct frame_request there = *request;
	enum status status;

	if (request->node == FRAMES_HOME)
		there.node = (unsigned)(cache->set - frames.sets);
	status = frame_alloc(&frames.nodes, cache->slot, &there, out);
	if ((status == ST_NO_MEMORY || status == ST_CONFLICT) &&
	    !slot_is_interrupt(cache->slot) && request->patience == FRAME_WAIT)
		status = alloc_in_shortage(&there, cache->slot, out);
	return status;
}

static enum status alloc_slowly(const struct frame_request *request,
				struct frame_cache *cache, pfn_t *out);

/* It comes from the same places as a frame with undefined contents. */
static enum status alloc_zeroed(const struct frame_request *request,
				struct frame_cache *cache, pfn_t *out)
{
	struct frame_request undefined = *request;
	enum status status;

	if (request->contents != FRAME_ZEROED)
		return ST_BAD_ARGUMENT;
	undefined.contents = FRAME_UNDEFINED;
	status = alloc_slowly(&undefined, cache, out);
	if (status == ST_OK)
		zero(request, *out);
	return status;
}

/* During a shortage, bypass the cache. */
NOINLINE static enum status
alloc_slowly(const struct frame_request *request, struct frame_cache *cache,
	     pfn_t *out)
{
	enum status status = ST_NO_MEMORY;

	if (cache == frame_cache_of_nmi())
		return ST_DENIED;
	if (is_plain(request, cache) &&
	    !frame_drain_is_shortage(&frames.drain)) {
		if (request->size == FRAME_4K)
			status = frame_cache_alloc(cache, request->owner, out);
		else if (request->size == FRAME_2M)
			status = frame_cache_alloc_block(cache, request->owner,
							 out);
	}
	if (status == ST_OK)
		return ST_OK;
	return request->contents == FRAME_UNDEFINED ?
		       alloc_from_pools(request, cache, out) :
		       alloc_zeroed(request, cache, out);
}

enum status frames_alloc(const struct frame_request *request, pfn_t *out)
{
	struct frame_cache *cache = own_cache();

	/* An NMI's cache is empty: it refuses on the slow path. */
	if (request->size == FRAME_4K && LIKELY(is_plain(request, cache)) &&
	    LIKELY(!frame_drain_is_shortage(&frames.drain)) &&
	    LIKELY(frame_cache_alloc_quickly(cache, request->owner, out)))
		return ST_OK;
	return alloc_slowly(request, cache, out);
}

NOINLINE static enum status free_slowly(const struct frame_return *what,
					struct frame_cache *cache)
{
	if (cache == frame_cache_of_nmi())
		return ST_DENIED;
	/* During a shortage, bypass the cache. */
	if (what->size == FRAME_2M && !frame_drain_is_shortage(&frames.drain))
		return frame_cache_free_block(cache, what->frame, what->caller);
	return frame_free(&frames.nodes, cache->slot, what);
}

enum status frames_free(const struct frame_return *what)
{
	struct frame_cache *cache = own_cache();

	if (what->size == FRAME_4K &&
	    LIKELY(what->frame.raw >= MIB >> PAGE_SHIFT) &&
	    LIKELY(!frame_drain_is_shortage(&frames.drain)))
		return frame_cache_free(cache, what->frame, what->caller);
	return free_slowly(what, cache);
}
