/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame.h - the physical memory of one NUMA node, allocated in three sizes.
 *
 * Takes: runs of free frames (frame_add.h).
 * Gives: frames of 4 KiB, 2 MiB (a block; Linux: pageblock) and 1 GiB (a
 *        giant; Linux: gigantic page), and runs of
 *        any number of pages, to any number of CPUs at once, without locks.
 *
 * This header is the contract of alloc and free in one pool. The others:
 *   frame_pool.h   the parts of a pool, and their invariants;
 *   frame_add.h    making a pool, and giving it memory;
 *   frame_nodes.h  the same calls over the pools of all nodes;
 *   frame_cache.h  the same calls through a CPU's own frames;
 *   frame_many.h   many frames in one call;
 *   frame_bytes.h  counts in owners' bytes, and a block split in place;
 *   frame_query.h  states and counts of frames;
 *   frame_audit.h  whether pools and caches agree on every frame.
 */
#ifndef MM_FRAME_H
#define MM_FRAME_H

#include <base/address.h>
#include <base/status.h>
#include <boot/owner.h>

struct frame_pool;

/*
 * The owner's byte, as in mm/ledger.h: 0 free, then owners up to
 * FRAME_BYTE_LAST, among them counts of sharers (frame_bytes.h), then, from
 * FRAME_BYTE_HOLDERS on, counts of holders of a page table.
 * FRAME_BYTE_FIXED + an owner says which owner has for good what
 * may not be freed: FRAME_BYTE_FOREIGN was never in the pool, all
 * else was picked out of it (frame_pool_alloc_at).
 */
#define FRAME_BYTE_FREE		((uint8_t)OWNER_FREE)
#define FRAME_BYTE_LAST		191
#define FRAME_BYTE_FIXED	192
#define FRAME_BYTE_HOLDERS	224
#define FRAME_BYTE_FOREIGN	(FRAME_BYTE_FIXED | OWNER_RESERVED)

/*
 * Which CPU, and in which context: 2 * CPU, plus 1 in an interrupt handler.
 * A call from an interrupt handler never waits: frames that another CPU, or
 * the interrupted code, is moving at that moment count as not there.
 */
typedef unsigned cpu_slot;

static inline cpu_slot frame_task_slot(unsigned cpu)
{
	return 2 * cpu;
}

static inline cpu_slot frame_interrupt_slot(unsigned cpu)
{
	return 2 * cpu + 1;
}

/* Not 0 in an interrupt handler. A bool would cost a refusal 3 instructions. */
static inline unsigned slot_is_interrupt(cpu_slot slot)
{
	return slot & 1;
}

enum frame_size {
	FRAME_4K,
	FRAME_2M,
	FRAME_1G,
	FRAME_RUN,
};

enum frame_limit {
	FRAME_ANYWHERE,		/* below 4 GiB only when no other is free    */
	FRAME_BELOW_4G,
	FRAME_BELOW_1M,
};

enum frame_node_rule {
	FRAME_NODE_PREFERRED,	/* else the next in distance order           */
	FRAME_NODE_REQUIRED,
};

enum frame_contents {
	FRAME_UNDEFINED,
	FRAME_ZEROED,
};

enum frame_patience {
	FRAME_WAIT,		/* for what other CPUs move                  */
	FRAME_NO_WAIT,		/* as in an interrupt handler, see cpu_slot  */
};

struct frame_request {
	enum frame_size size;
	enum frame_limit limit;
	enum frame_node_rule rule;
	enum frame_contents contents;
	uint64_t pages;		/* of a FRAME_RUN                            */
	unsigned node;
	/* 1 ... FRAME_BYTE_LAST, or FRAME_BYTE_HOLDERS ... 255              */
	uint8_t owner;
	/* Of a FRAME_RUN: its first frame is a multiple of 1 << align_shift. */
	uint8_t align_shift;
	enum frame_patience patience : 8;
};

/*
 * All or nothing, from this pool alone (node and rule are ignored).
 * Fails: ST_NO_MEMORY: there was an instant during the call at which
 *        nothing suitable could be reached (what CPUs have in caches cannot
 *        be reached; from an interrupt, see cpu_slot);
 *        ST_CONFLICT: a run, and others freed frames during each of
 *        FRAME_RUN_TRIES searches, so that no such instant can be named;
 *        ST_BAD_ARGUMENT: owner, size, a run of no pages, or an alignment
 *        beyond FRAME_ALIGN_SHIFT_MOST.
 * Cost:  O(1) but for runs: O(blocks / 64) and what they are made of.
 */
#define FRAME_ALIGN_SHIFT_MOST 18	/* a giant's frames                  */
#define FRAME_RUN_TRIES 16
enum status frame_pool_alloc(struct frame_pool *pool, cpu_slot slot,
			     const struct frame_request *request, pfn_t *out);

/* Zeroes the frames that the request got, from `first` on. */
void frame_pool_zero(const struct frame_pool *pool,
		     const struct frame_request *request, pfn_t first);

/*
 * Gives back what was allocated in one piece, and of a run any part that is
 * made of whole blocks where the run is: how long it was only its owner knows.
 * A frame that is not allocated so is refused and reported; nothing changes.
 * So is a run with a frame of another owner. Not found: a run with a length
 * that takes along a run of the same owner behind it.
 * Fails: ST_BAD_RANGE (foreign), ST_BAD_ARGUMENT (misaligned, no pages),
 *        ST_CONFLICT (not allocated in this size, freed already, kept, or
 *        another owner's).
 */
struct frame_return {
	pfn_t frame;
	enum frame_size size;
	uint8_t owner;		/* of a FRAME_RUN; 0: its first frame's      */
	uint64_t pages;		/* of a FRAME_RUN                            */
	const void *caller;
};
/* Callers write one for each call: two stores fewer than with gaps. */
_Static_assert(sizeof(struct frame_request) == 32 &&
	       sizeof(struct frame_return) == 32, "no gaps");
enum status frame_pool_free(struct frame_pool *pool, cpu_slot slot,
			    const struct frame_return *what);

/*
 * Allocates this very frame, out of whatever size it is free in, as FRAME_4K.
 * An owner with FRAME_BYTE_FIXED keeps it: it cannot be freed any more.
 * Fails: ST_BAD_RANGE (foreign), ST_BAD_ARGUMENT (owner), ST_CONFLICT: it is
 *        allocated, cached, or moved by another CPU at each try.
 * Cost:  O(1), at most FRAME_ALLOC_AT_TRIES tries.
 */
#define FRAME_ALLOC_AT_TRIES 64
enum status frame_pool_alloc_at(struct frame_pool *pool, cpu_slot slot,
				pfn_t frame, uint8_t owner);

enum frame_bad_free_kind {
	FRAME_FOREIGN,		/* not this machine's to allocate             */
	FRAME_MISALIGNED,	/* not the first frame of that size          */
	FRAME_NOT_ALLOCATED,	/* free already, or allocated in another size */
	FRAME_RETIRED,		/* picked, and its owner's for good          */
	FRAME_FREED_AT_ONCE,	/* two CPUs freed it; found in a flush        */
	FRAME_OTHER_OWNER,	/* not the owner's for whom it is freed       */
};

struct frame_bad_free {
	enum frame_bad_free_kind kind;
	pfn_t frame;
	const void *caller;	/* of the free that was refused, if known    */
};

struct frame_reporter {
	void (*report)(struct frame_reporter *reporter,
		       const struct frame_bad_free *bad);
};

#endif
