/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * peer.h - what bench_frames measures: allocators behind one set of calls.
 *
 * The calls are the kernel's: an owner, a status, a frame through a pointer.
 * All of them keep the owner's byte and refuse a frame that is free; all are
 * compiled with the same flags and called through the same pointers.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <base/address.h>
#include <base/status.h>
#include <stdbool.h>
#include <stdint.h>

#define PEER_NONE UINT32_MAX
#define PEER_BLOCK 512

typedef enum status (*alloc_call)(void *thread, uint8_t owner, pfn_t *out);
typedef enum status (*free_call)(void *thread, pfn_t frame,
				 const void *caller);
/* `count` single frames in one call: all or none. */
typedef enum status (*alloc_many_call)(void *thread, uint8_t owner, pfn_t *out,
				       uint64_t count);
typedef enum status (*free_many_call)(void *thread, uint8_t owner,
				      const pfn_t *frames, uint64_t count);

struct peer {
	const char *name;
	/* All of `frames` free; for `cpus` threads. */
	void *(*make)(uint64_t frames, unsigned cpus);
	void (*destroy)(void *self);
	/* The argument of thread `cpu` for the calls below. */
	void *(*enter)(void *self, unsigned cpu);
	alloc_call alloc;
	free_call free;
	alloc_call alloc_block;			/* NULL: has none            */
	free_call free_block;
	alloc_many_call alloc_many;		/* NULL: one by one          */
	free_many_call free_many;
	/* Gives back what thread `cpu` keeps; may be NULL. */
	void (*drain)(void *thread);
	/* Bytes of metadata, the owner's bytes not among them. */
	uint64_t (*overhead)(uint64_t frames);
};

extern const struct peer peer_shape, peer_floor, peer_one_lock, peer_bitmap,
			 peer_list, peer_buddy, peer_ours;

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
