// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A buddy of ten orders with 64 bytes for each frame, one lock, and a list
 * of single frames per CPU that trades 63 at a time.
 */
#include "peer.h"

#include <stdlib.h>

#define ORDERS 10
#define BATCH 63
#define CACHE_MAX (6 * BATCH)

struct page {
	uint32_t next, previous;
	uint8_t order, is_free, pad[54];
};

struct buddy {
	struct peer_lock lock;
	struct page *pages;
	uint64_t frames;
	uint8_t *owner;
	uint32_t head[ORDERS];
	struct cpu *cpus;
};

struct cpu {
	struct buddy *buddy;
	uint32_t count;
	uint32_t frames[CACHE_MAX + 1];
	uint64_t pad[8];
};

static void push(struct buddy *buddy, uint32_t frame, unsigned order)
{
	struct page *page = &buddy->pages[frame];

	page->order = (uint8_t)order;
	page->is_free = 1;
	page->previous = PEER_NONE;
	page->next = buddy->head[order];
	if (page->next != PEER_NONE)
		buddy->pages[page->next].previous = frame;
	buddy->head[order] = frame;
}

static void unlink_page(struct buddy *buddy, uint32_t frame)
{
	struct page *page = &buddy->pages[frame];

	page->is_free = 0;
	if (page->previous != PEER_NONE)
		buddy->pages[page->previous].next = page->next;
	else
		buddy->head[page->order] = page->next;
	if (page->next != PEER_NONE)
		buddy->pages[page->next].previous = page->previous;
}

static void *make(uint64_t frames, unsigned cpus)
{
	struct buddy *buddy = peer_zeroed(sizeof(*buddy));

	buddy->frames = frames;
	buddy->pages = peer_zeroed(frames * sizeof(struct page));
	buddy->owner = peer_zeroed(frames);
	buddy->cpus = peer_zeroed(cpus * sizeof(struct cpu));
	for (unsigned i = 0; i < cpus; i++)
		buddy->cpus[i].buddy = buddy;
	for (unsigned order = 0; order < ORDERS; order++)
		buddy->head[order] = PEER_NONE;
	for (uint64_t i = frames; i > 0; i -= PEER_BLOCK)
		push(buddy, (uint32_t)(i - PEER_BLOCK), ORDERS - 1);
	return buddy;
}

static void destroy(void *self)
{
	struct buddy *buddy = self;

	free(buddy->pages);
	free(buddy->owner);
	free(buddy->cpus);
	free(buddy);
}

static void *enter(void *self, unsigned cpu)
{
	return &((struct buddy *)self)->cpus[cpu];
}

static uint32_t take(struct buddy *buddy, unsigned wanted)
{
	for (unsigned order = wanted; order < ORDERS; order++) {
		uint32_t frame = buddy->head[order];

		if (frame == PEER_NONE)
			continue;
		unlink_page(buddy, frame);
		while (order-- > wanted)
			push(buddy, frame + (1U << order), order);
		return frame;
	}
	return PEER_NONE;
}

static void put(struct buddy *buddy, uint32_t frame, unsigned order)
{
	for (; order < ORDERS - 1; order++) {
		uint32_t other = frame ^ (1U << order);

		if (!buddy->pages[other].is_free ||
		    buddy->pages[other].order != order)
			break;
		unlink_page(buddy, other);
		frame &= ~(1U << order);
	}
	push(buddy, frame, order);
}

static __attribute__((noinline)) void refill(struct cpu *cpu)
{
	struct buddy *buddy = cpu->buddy;

	peer_lock(&buddy->lock);
	for (unsigned i = 0; i < BATCH; i++) {
		uint32_t frame = take(buddy, 0);

		if (frame == PEER_NONE)
			break;
		cpu->frames[cpu->count++] = frame;
	}
	peer_unlock(&buddy->lock);
}

static enum status alloc(void *thread, uint8_t owner, pfn_t *out)
{
	struct cpu *cpu = thread;
	uint32_t frame;

	if (cpu->count == 0) {
		refill(cpu);
		if (cpu->count == 0)
			return ST_NO_MEMORY;
	}
	frame = cpu->frames[--cpu->count];
	cpu->buddy->owner[frame] = owner;
	out->raw = frame;
	return ST_OK;
}

static __attribute__((noinline)) void flush(struct cpu *cpu, uint32_t keep)
{
	peer_lock(&cpu->buddy->lock);
	while (cpu->count > keep)
		put(cpu->buddy, cpu->frames[--cpu->count], 0);
	peer_unlock(&cpu->buddy->lock);
}

static enum status give(void *thread, pfn_t frame, const void *caller)
{
	struct cpu *cpu = thread;

	(void)caller;
	if (cpu->buddy->owner[frame.raw] == 0)
		return ST_CONFLICT;
	cpu->buddy->owner[frame.raw] = 0;
	cpu->frames[cpu->count++] = (uint32_t)frame.raw;
	if (cpu->count > CACHE_MAX)
		flush(cpu, CACHE_MAX - BATCH);
	return ST_OK;
}

static enum status alloc_block(void *thread, uint8_t owner, pfn_t *out)
{
	struct buddy *buddy = ((struct cpu *)thread)->buddy;
	uint32_t frame;

	peer_lock(&buddy->lock);
	frame = take(buddy, ORDERS - 1);
	if (frame != PEER_NONE)
		buddy->owner[frame] = owner;
	peer_unlock(&buddy->lock);
	out->raw = frame;
	return frame != PEER_NONE ? ST_OK : ST_NO_MEMORY;
}

static enum status free_block(void *thread, pfn_t frame, const void *caller)
{
	struct buddy *buddy = ((struct cpu *)thread)->buddy;
	enum status status = ST_CONFLICT;

	(void)caller;
	peer_lock(&buddy->lock);
	if (buddy->owner[frame.raw] != 0) {
		buddy->owner[frame.raw] = 0;
		put(buddy, (uint32_t)frame.raw, ORDERS - 1);
		status = ST_OK;
	}
	peer_unlock(&buddy->lock);
	return status;
}

static void drain(void *thread)
{
	flush(thread, 0);
}

static uint64_t overhead(uint64_t frames)
{
	return frames * sizeof(struct page);
}

const struct peer peer_buddy = {
	.name = "buddy",
	.make = make,
	.destroy = destroy,
	.enter = enter,
	.alloc = alloc,
	.free = give,
	.alloc_block = alloc_block,
	.free_block = free_block,
	.drain = drain,
	.overhead = overhead,
};
