// SPDX-License-Identifier: MIT OR Apache-2.0
/* A list of free frames, one lock; the links stand for those in the frames. */
#include "peer.h"

#include <stdlib.h>

struct list {
	struct peer_lock lock;
	uint32_t head;
	uint32_t *next;
	uint8_t *owner;
};

static void *make(uint64_t frames, unsigned cpus)
{
	struct list *list = peer_zeroed(sizeof(*list));

	(void)cpus;
	list->next = peer_zeroed(frames * sizeof(*list->next));
	list->owner = peer_zeroed(frames);
	for (uint64_t i = 0; i < frames; i++)
		list->next[i] = i + 1 < frames ? (uint32_t)(i + 1) : PEER_NONE;
	return list;
}

static void destroy(void *self)
{
	struct list *list = self;

	free(list->next);
	free(list->owner);
	free(list);
}

static void *enter(void *self, unsigned cpu)
{
	(void)cpu;
	return self;
}

static enum status alloc(void *thread, uint8_t owner, pfn_t *out)
{
	struct list *list = thread;
	uint32_t frame;

	peer_lock(&list->lock);
	frame = list->head;
	if (__builtin_expect(frame == PEER_NONE, 0)) {
		peer_unlock(&list->lock);
		return ST_NO_MEMORY;
	}
	list->head = list->next[frame];
	list->owner[frame] = owner;
	peer_unlock(&list->lock);
	out->raw = frame;
	return ST_OK;
}

static enum status give(void *thread, pfn_t frame, const void *caller)
{
	struct list *list = thread;
	uint8_t *owner = list->owner + frame.raw;
	uint32_t *next = list->next + frame.raw;

	(void)caller;
	peer_lock(&list->lock);
	if (__builtin_expect(*owner == 0, 0)) {
		peer_unlock(&list->lock);
		return ST_CONFLICT;
	}
	*owner = 0;
	*next = list->head;
	list->head = (uint32_t)frame.raw;
	peer_unlock(&list->lock);
	return ST_OK;
}

static uint64_t overhead(uint64_t frames)
{
	(void)frames;
	return sizeof(struct list);
}

const struct peer peer_list = {
	.name = "list",
	.make = make,
	.destroy = destroy,
	.enter = enter,
	.alloc = alloc,
	.free = give,
	.overhead = overhead,
};
