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

static uint32_t alloc(void *thread)
{
	struct list *list = thread;
	uint32_t frame;

	peer_lock(&list->lock);
	frame = list->head;
	if (frame != PEER_NONE) {
		list->head = list->next[frame];
		list->owner[frame] = PEER_OWNER;
	}
	peer_unlock(&list->lock);
	return frame;
}

static void give(void *thread, uint32_t frame)
{
	struct list *list = thread;

	peer_lock(&list->lock);
	if (list->owner[frame] == 0)
		abort();
	list->owner[frame] = 0;
	list->next[frame] = list->head;
	list->head = frame;
	peer_unlock(&list->lock);
}

static uint64_t overhead(uint64_t frames)
{
	(void)frames;
	return sizeof(struct list);
}

const struct peer peer_list = {
	"list", make, destroy, enter, alloc, give, NULL, NULL, NULL, overhead,
};
