/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * peer.h - what bench_frames measures: allocators behind one set of calls.
 *
 * All of them keep the owner's byte and refuse a frame that is free; all are
 * compiled with the same flags and called through the same pointers.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <stdbool.h>
#include <stdint.h>

#define PEER_NONE UINT32_MAX
#define PEER_OWNER 12
#define PEER_BLOCK 512

struct peer {
	const char *name;
	/* All of `frames` free; for `cpus` threads. */
	void *(*make)(uint64_t frames, unsigned cpus);
	void (*destroy)(void *self);
	/* What thread `cpu` passes to the calls below. */
	void *(*enter)(void *self, unsigned cpu);
	uint32_t (*alloc)(void *thread);
	void (*free)(void *thread, uint32_t frame);
	uint32_t (*alloc_block)(void *thread);	/* NULL: has none            */
	void (*free_block)(void *thread, uint32_t frame);
	/* Gives back what thread `cpu` keeps; may be NULL. */
	void (*drain)(void *thread);
	/* Bytes of metadata, the owner's bytes not among them. */
	uint64_t (*overhead)(uint64_t frames);
};

extern const struct peer peer_ours, peer_bitmap, peer_list, peer_buddy;

void *peer_zeroed(uint64_t bytes);

struct peer_lock {
	uint32_t taken;
};

static inline void peer_lock(struct peer_lock *lock)
{
	while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED))
			__builtin_ia32_pause();
}

static inline void peer_unlock(struct peer_lock *lock)
{
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

#endif
