// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame with its caches (mm/frame/cache.c) in front, as in the kernel. */
#include "peer.h"

#include <arch/cpu_local.h>
#include <mm/frame_add.h>
#include <mm/frame_cache.h>
#include <mm/frame_many.h>

#include <stdio.h>
#include <stdlib.h>

struct ours {
	struct frame_pool pool;
	struct frame_cache_set set;
	void *memory;
};

static _Thread_local unsigned this_cpu;

unsigned cpu_local_id(void)
{
	return this_cpu;
}

enum cpu_context cpu_local_context(void)
{
	return CPU_TASK;
}

static struct frame_pool_request request_of(uint64_t frames, unsigned cpus)
{
	return (struct frame_pool_request){
		.frames = frames, .shape = FRAME_SHAPE_PC, .slots = 2 * cpus,
	};
}

/* Bytes of the arrays; the owner's bytes of the frames last. */
static uint64_t measure(uint64_t frames, unsigned cpus,
			struct frame_pool_sizes *sizes)
{
	struct frame_pool_request request = request_of(frames, cpus);

	if (frame_pool_measure(&request, sizes) != ST_OK)
		abort();
	return sizes->bits + sizes->hints + sizes->block_owner +
	       sizes->giant_owner + sizes->trees + sizes->activity;
}

static void *make(uint64_t frames, unsigned cpus)
{
	struct ours *ours = peer_zeroed(sizeof(*ours));
	struct frame_pool_request request = request_of(frames, cpus);
	struct frame_pool_sizes sizes;
	uint64_t bytes = measure(frames, cpus, &sizes);
	char *at = ours->memory = peer_zeroed(bytes + sizes.frame_owner);

	request.bits = at;
	request.hints = at += sizes.bits;
	request.block_owner = at += sizes.hints;
	request.giant_owner = at += sizes.block_owner;
	request.trees = at += sizes.giant_owner;
	request.activity = at += sizes.trees;
	request.frame_owner = at += sizes.activity;
	if (frame_pool_init(&ours->pool, &request) != ST_OK ||
	    frame_pool_add(&ours->pool, 0,
			   (struct frame_run){ { 0 }, frames }) != ST_OK)
		abort();
	ours->set = (struct frame_cache_set){
		.pool = &ours->pool, .cpus = cpus,
		.caches = peer_zeroed(2 * cpus * sizeof(struct frame_cache)),
	};
	frame_cache_set_init(&ours->set);
	return ours;
}

static void destroy(void *self)
{
	struct ours *ours = self;

	free(ours->memory);
	free(ours->set.caches);
	free(ours);
}

static void *enter(void *self, unsigned cpu)
{
	this_cpu = cpu;
	return &((struct ours *)self)->set.caches[2 * cpu];
}

/* The kernel's calls themselves; each of these is one jump. */
static enum status alloc(void *thread, uint8_t owner, pfn_t *out)
{
	return frame_cache_alloc(thread, owner, out);
}

static enum status give(void *thread, pfn_t frame, const void *caller)
{
	return frame_cache_free(thread, frame, caller);
}

static enum status alloc_block(void *thread, uint8_t owner, pfn_t *out)
{
	return frame_cache_alloc_block(thread, owner, out);
}

static enum status free_block(void *thread, pfn_t frame, const void *caller)
{
	return frame_cache_free_block(thread, frame, caller);
}

static enum status alloc_many(void *thread, uint8_t owner, pfn_t *out,
			      uint64_t count)
{
	return frame_cache_alloc_many(thread, owner,
				      (struct frame_array){ out, count });
}

static enum status free_many(void *thread, uint8_t owner, const pfn_t *frames,
			     uint64_t count)
{
	struct frame_many_return what = { frames, count, owner, NULL };

	return frame_cache_free_many(thread, &what);
}

static void drain(void *thread)
{
	frame_cache_drain(thread);
}

static uint64_t overhead(uint64_t frames)
{
	struct frame_pool_sizes sizes;

	return measure(frames, 1, &sizes);
}

const struct peer peer_ours = {
	.name = "bulldog",
	.make = make,
	.destroy = destroy,
	.enter = enter,
	.alloc = alloc,
	.free = give,
	.alloc_block = alloc_block,
	.free_block = free_block,
	.alloc_many = alloc_many,
	.free_many = free_many,
	.drain = drain,
	.overhead = overhead,
};
