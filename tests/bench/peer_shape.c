// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A call for each alloc and for each free, which returns at once: the shape of
 * every workload, without an allocator.
 */
#include "peer.h"

#include <stdlib.h>

static void *shape_make(uint64_t frames, unsigned cpus)
{
	(void)frames;
	(void)cpus;
	return peer_zeroed(64);
}

static void *shape_enter(void *self, unsigned cpu)
{
	(void)cpu;
	return self;
}

static enum status shape_alloc(void *thread, uint8_t owner, pfn_t *out)
{
	(void)thread;
	(void)owner;
	(void)out;
	return ST_OK;
}

static enum status shape_free(void *thread, pfn_t frame, const void *caller)
{
	(void)thread;
	(void)frame;
	(void)caller;
	return ST_OK;
}

static enum status shape_alloc_many(void *thread, uint8_t owner, pfn_t *out,
				    uint64_t count)
{
	(void)thread;
	(void)owner;
	(void)out;
	(void)count;
	return ST_OK;
}

static enum status shape_free_many(void *thread, uint8_t owner,
				   const pfn_t *frames, uint64_t count)
{
	(void)thread;
	(void)owner;
	(void)frames;
	(void)count;
	return ST_OK;
}

static uint64_t shape_overhead(uint64_t frames)
{
	(void)frames;
	return 0;
}

const struct peer peer_shape = {
	.name = "shape",
	.make = shape_make,
	.destroy = free,
	.enter = shape_enter,
	.alloc = shape_alloc,
	.free = shape_free,
	.alloc_block = shape_alloc,
	.free_block = shape_free,
	.alloc_many = shape_alloc_many,
	.free_many = shape_free_many,
	.overhead = shape_overhead,
};
