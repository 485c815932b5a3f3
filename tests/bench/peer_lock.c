// SPDX-License-Identifier: MIT OR Apache-2.0
/* As floor, under a lock: the least that an allocator with one lock costs. */
#include "peer.h"

#include <stdlib.h>

struct state {
	struct peer_lock lock;
	uint64_t next;
};

static void *lock_make(uint64_t frames, unsigned cpus)
{
	(void)frames;
	(void)cpus;
	return peer_zeroed(sizeof(struct state));
}

static void *lock_enter(void *self, unsigned cpu)
{
	(void)cpu;
	return self;
}

static enum status lock_alloc(void *thread, uint8_t owner, pfn_t *out)
{
	struct state *state = thread;

	(void)owner;
	peer_lock(&state->lock);
	out->raw = state->next++;
	peer_unlock(&state->lock);
	return ST_OK;
}

static enum status lock_free(void *thread, pfn_t frame, const void *caller)
{
	struct state *state = thread;

	(void)frame;
	(void)caller;
	peer_lock(&state->lock);
	peer_unlock(&state->lock);
	return ST_OK;
}

static uint64_t lock_overhead(uint64_t frames)
{
	(void)frames;
	return 0;
}

const struct peer peer_one_lock = {
	.name = "lock",
	.make = lock_make,
	.destroy = free,
	.enter = lock_enter,
	.alloc = lock_alloc,
	.free = lock_free,
	.overhead = lock_overhead,
};
