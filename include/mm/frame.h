/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame.h - the physical memory of one NUMA node, allocated in three sizes.
 *
 * Takes: runs of free frames.
 * Gives: frames of 4 KiB, 2 MiB (a block; Linux: pageblock) and 1 GiB (a
 *        giant; Linux: gigantic page), and runs of
 *        any number of pages, to any number of CPUs at once, without locks.
 *
 * Invariants, at a quiet moment (frame_pool_audit):
 *   (F1) a free frame is one bit: its own, its block's, or its giant's;
 *   (F2) a block whose bit is set has no bits below, nor has a giant;
 *   (F3) no block and no giant is wholly free below and not merged;
 *   (F4) each of these bits is reachable from `root`: one load of it tells
 *        whether there is anything at all;
 *   (F5) the owner byte of every free frame of a split block is 0.
 *
 * Numbers inside are 32 bits and relative to the node's first frame, which
 * is the first of a giant. `bits` and `frame_owner` are touched only where
 * the pool has blocks: elsewhere they need not be there.
 */
#ifndef MM_FRAME_H
#define MM_FRAME_H

#include <base/address.h>
#include <base/atomic.h>
#include <base/range.h>
#include <base/status.h>
#include <boot/owner.h>
#include <mm/window.h>

/* Frames that one word of the bitmap, and of every summary, speaks for. */
#define FRAME_WORD_SHIFT	6
#define FRAME_WORD_BITS		64U
#define FRAME_TREE_LEVELS	4
#define FRAME_CLASSES		8

/* log2 of frames in a block (6 ... 9) and of blocks in a giant (1 ... 9). */
struct frame_shape {
	uint8_t block_shift;
	uint8_t giant_shift;
};
#define FRAME_SHAPE_PC	((struct frame_shape){ 9, 9 })

/*
 * The owner's byte, DESIGN's ledger encoding: 0 free, then owners up to
 * FRAME_BYTE_LAST. FRAME_BYTE_FIXED + an owner says who has for good what
 * may not be freed: FRAME_BYTE_FOREIGN was never in the pool, all
 * else was picked out of it (frame_pool_alloc_at).
 */
#define FRAME_BYTE_FREE		((uint8_t)OWNER_FREE)
#define FRAME_BYTE_LAST		191
#define FRAME_BYTE_FIXED	192
#define FRAME_BYTE_FOREIGN	(FRAME_BYTE_FIXED | OWNER_RESERVED)

typedef struct { uint16_t plain; } atomic_u16;

/*
 * Of every block, about how many of its frames are free: a hint that all
 * CPUs store without care, so a late store may even hide FRAME_WHOLE. Only
 * FRAME_ABSENT and FRAME_UNINIT can be relied on: no CPU frees into those.
 */
#define FRAME_HINT_COUNT	0x03ff
#define FRAME_HINT_HELD		0x4000	/* a CPU refills from this block     */
#define FRAME_ABSENT		0xfdfd	/* not this pool's                   */
#define FRAME_UNINIT		0xfefe	/* never split: bits, bytes undefined */
#define FRAME_WHOLE		0xffff	/* not split now: bits 0, bytes 0    */

/*
 * Of a giant. Its blocks' owners and leaves in trees mean something only
 * while it is open; their hints are FRAME_ABSENT until then.
 */
enum frame_giant {
	FRAME_GIANT_ABSENT,	/* no block is the pool's                    */
	FRAME_GIANT_UNINIT,	/* all are, and none was ever split          */
	FRAME_GIANT_OPEN,
};

/* A bit per block (or giant), and for each word of it a bit above. */
struct frame_tree {
	atomic_u64 *level[FRAME_TREE_LEVELS];
	uint64_t size;			/* bits of level 0                   */
	uint8_t levels;
	uint8_t root_bit;
};

/* The steps that one CPU has under way, for a refusal. Its own cache line. */
struct frame_activity {
	atomic_u64 moving;	/* odd: free frames are out of sight         */
	atomic_u64 frees;	/* odd: a bit is about to be set             */
	atomic_u64 claiming;	/* odd: holds or breaks what may go back     */
	uint64_t pad[5];
};

/* Frames of one word: bit n is relative frame first + n. */
struct frame_word {
	uint64_t first;
	uint64_t mask;
};

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

struct frame_pool {
	/* [C] */
	uint64_t first;			/* pfn of relative frame 0           */
	uint64_t frames;		/* span, in whole giants             */
	uint64_t low_end;		/* relative frame at 4 GiB, or 0     */
	struct frame_shape shape;
	unsigned slots;
	atomic_u64 *bits;
	atomic_u16 *hints;
	atomic_u8 *frame_owner;
	atomic_u8 *block_owner;
	atomic_u8 *giant_owner;
	atomic_u8 *giant_state;		/* enum frame_giant                  */
	struct frame_activity *activity;	/* by slot                   */
	struct frame_reporter *reporter;	/* may be NULL               */
	struct window window;
	struct frame_tree split;	/* blocks that may have a bit set    */
	struct frame_tree blocks;	/* blocks that are wholly free       */
	struct frame_tree giants;
	struct frame_tree classes[FRAME_CLASSES];	/* hints             */
	/* [A] */
	_Alignas(64) atomic_u64 root;
	_Alignas(64) atomic_u64 bad_frees;
};

/* The arrays of a pool, in bytes; each starts on a cache line. */
struct frame_pool_sizes {
	uint64_t bits;
	uint64_t hints;
	uint64_t frame_owner;
	uint64_t block_owner;
	uint64_t giant_owner;
	uint64_t trees;
	uint64_t activity;
};

struct frame_pool_request {
	pfn_t first;			/* a multiple of a giant             */
	uint64_t frames;		/* up to the node's last frame       */
	struct frame_shape shape;
	unsigned slots;			/* two for each CPU                  */
	struct frame_reporter *reporter;
	struct window window;		/* for zeroed frames                 */
	void *bits, *hints, *frame_owner, *block_owner, *giant_owner;
	void *trees, *activity;
};

/* Fails: ST_BAD_ARGUMENT (shape, slots), ST_BAD_RANGE (first, frames). */
enum status frame_pool_measure(const struct frame_pool_request *request,
			       struct frame_pool_sizes *out);

/*
 * An empty pool. `bits` and `frame_owner` are not touched.
 * Fails: as frame_pool_measure.
 * Cost:  O(giants): memset of some 300 words for each.
 */
enum status frame_pool_init(struct frame_pool *pool,
			    const struct frame_pool_request *request);

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

/*
 * Frames that the pool has never seen, or that were taken out of it, become
 * free. Runs of two pools must not share a block. By one CPU at a time; what
 * is in the pool already others may take and give meanwhile.
 * Fails: ST_BAD_RANGE, ST_CONFLICT (some are the pool's already; nothing
 *        has changed then).
 * Cost:  O(giants), O(blocks) in the first and last giant, O(frames) in the
 *        first and last block.
 */
enum status frame_pool_add(struct frame_pool *pool, cpu_slot slot,
			   struct frame_run run);

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

struct frame_request {
	enum frame_size size;
	enum frame_limit limit;
	enum frame_node_rule rule;
	enum frame_contents contents;
	uint64_t pages;		/* of a FRAME_RUN                            */
	unsigned node;
	uint8_t owner;		/* 1 ... FRAME_BYTE_LAST                     */
};

/*
 * As frame_pool_add, but they are allocated already: as FRAME_RUN in one piece,
 * or as FRAME_4K one by one.
 * Fails: as frame_pool_add; ST_BAD_ARGUMENT (size, owner).
 * Cost:  O(frames), of a run O(blocks); only before another CPU uses the
 *        pool.
 */
struct frame_adoption {
	struct frame_run run;
	enum frame_size size;
	uint8_t owner;
};
enum status frame_pool_adopt(struct frame_pool *pool,
			     const struct frame_adoption *adoption);

/*
 * All or nothing, from this pool alone (node and rule are ignored).
 * Fails: ST_NO_MEMORY: there was an instant during the call at which
 *        nothing suitable could be reached (what CPUs have in caches cannot
 *        be reached; from an interrupt, see cpu_slot);
 *        ST_CONFLICT: a run, and others freed frames during each of
 *        FRAME_RUN_TRIES searches, so that no such instant can be named;
 *        ST_BAD_ARGUMENT: owner, size, or a run of no pages.
 * Cost:  O(1) but for runs: O(blocks / 64) and what they are made of.
 */
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
 * Fails: ST_BAD_RANGE (foreign), ST_BAD_ARGUMENT (misaligned, no pages),
 *        ST_CONFLICT (not allocated in this size, freed already, or kept).
 */
struct frame_return {
	pfn_t frame;
	enum frame_size size;
	uint64_t pages;		/* of a FRAME_RUN                            */
	const void *caller;
};
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

/* Whether any block of the pool holds this frame. */
bool frame_pool_has(const struct frame_pool *pool, pfn_t frame);

/* --- nodes ----------------------------------------------------------------*/

/* Pools of all nodes: each has a number of 8 bits in the fallback order. */
#define FRAME_POOLS_MAX		256

/* From `first` up to the next place, a frame is this pool's or no pool's. */
struct frame_place {
	uint64_t first;			/* pfn                               */
	unsigned pool;
};

/* A node has several pools where one would span too much, or none at all. */
struct frame_nodes {
	struct frame_pool **pool;	/* [C] node 0's, node 1's and so on   */
	unsigned pools;
	unsigned count;			/* of nodes                          */
	/* [C] node n's are pool[first[n]] up to pool[first[n + 1]]          */
	const uint16_t *first;
	/* [C] row n: all pools, n's own first, then those of nearer nodes  */
	const uint8_t *order;
	const struct frame_place *places;	/* [C] ascending             */
	size_t place_count;
};

/*
 * The number of the pool that has this frame.
 * Fails: ST_NOT_FOUND.
 * Cost:  O(log places).
 */
enum status frame_nodes_find(const struct frame_nodes *nodes, pfn_t frame,
			     unsigned *pool);

/* How many pools of its own a node has. */
static inline unsigned frame_nodes_own(const struct frame_nodes *nodes,
				       unsigned node)
{
	return nodes->first[node + 1] - nodes->first[node];
}

/* As frame_pool_alloc, over nodes; ST_BAD_ARGUMENT also for the node. */
enum status frame_alloc(struct frame_nodes *nodes, cpu_slot slot,
			const struct frame_request *request, pfn_t *out);

/* As frame_pool_free, wherever the frame lives. */
enum status frame_free(struct frame_nodes *nodes, cpu_slot slot,
		       const struct frame_return *what);

/* --- at a quiet moment -----------------------------------------------------*/

enum frame_state {
	FRAME_STATE_FREE,
	FRAME_STATE_CACHED,	/* in a cache, or on its way                  */
	FRAME_STATE_ALLOCATED,
	FRAME_STATE_FOREIGN,	/* no pool's                                 */
};

/* Right at a quiet moment; at any other, what it was a moment ago. */
struct frame_info {
	enum frame_state state;
	enum frame_size size;	/* of the piece that this frame is part of   */
	uint8_t owner;		/* FRAME_BYTE_FREE unless allocated           */
};
struct frame_info frame_pool_query(const struct frame_pool *pool, pfn_t frame);

struct frame_count {
	uint64_t free;		/* frames                                    */
	uint64_t free_low;	/* of these, below 1 MiB                     */
	uint64_t cached;
	uint64_t allocated[256];	/* by the owner's byte                */
};
/* Cost: O(blocks), and O(frames) of those that are split. */
void frame_pool_count(const struct frame_pool *pool, struct frame_count *out);

/* The free runs, ascending, none touching the next, until `visit` says no. */
void frame_pool_visit(const struct frame_pool *pool,
		      bool (*visit)(void *context, struct frame_run run),
		      void *context);

struct frame_stats {
	uint64_t free_frames;		/* all of them, in frames            */
	uint64_t split_frames;		/* single bits of split blocks       */
	uint64_t whole_blocks;		/* outside free giants               */
	uint64_t whole_giants;
};
void frame_pool_stats(const struct frame_pool *pool,
		      struct frame_stats *out);

bool frame_pool_audit(const struct frame_pool *pool);	/* F1..F5 */

#endif
