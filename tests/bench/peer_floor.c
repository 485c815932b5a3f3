// SPDX-License-Identifier: MIT OR Apache-2.0
/* Allocates numbers and forgets them: what the harness itself costs. */
#include "peer.h"

#include <stdlib.h>

static void *floor_make(uint64_t frames, unsigned cpus)
{
	(void)frames;
	(void)cpus;
	return peer_zeroed(64);
}

static void *floor_enter(void *self, unsigned cpu)
{
	(void)cpu;
	return self;
}

static enum status floor_alloc(void *thread, uint8_t owner, pfn_t *out)
{
	uint64_t *next = thread;

	(void)owner;
	out->raw = (*next)++;
	return ST_OK;
}

static enum status floor_free(void *thread, pfn_t frame, const void *caller)
{
	(void)thread;
	(void)frame;
	(void)caller;
	return ST_OK;
}

static enum status floor_alloc_many(void *thread, uint8_t owner, pfn_t *out,
				    uint64_t count)
{
	uint64_t *next = thread;

	(void)owner;
	for (uint64_t i = 0; i < count; i++)
		out[i].raw = *next + i;
	*next += count;
	return ST_OK;
}

static enum status floor_free_many(void *thread, uint8_t owner,
				   const pfn_t *frames, uint64_t count)
{
	(void)thread;
	(void)owner;
	(void)frames;
	(void)count;
	return ST_OK;
}

static uint64_t floor_overhead(uint64_t frames)
{
	(void)frames;
	return 0;
}

const struct peer peer_floor = {
	.name = "floor",
	.make = floor_make,
	.destroy = free,
	.enter = floor_enter,
	.alloc = floor_alloc,
	.free = floor_free,
	.alloc_block = floor_alloc,
	.free_block = floor_free,
	.alloc_many = floor_alloc_many,
	.free_many = floor_free_many,
	.overhead = floor_overhead,
};
