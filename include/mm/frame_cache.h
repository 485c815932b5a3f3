/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_cache.h - one CPU's own frames, in front of its node's pool.
 *
 * Takes: words of frames and blocks, in bulk.
 * Gives: single frames of 4 KiB and 2 MiB without a lock, without a locked
 *        instruction and without switching interrupts off.
 *
 * A cache belongs to one CPU in one context: the kernel is not
 * preemptible, interrupt handlers have a cache of their own and do not nest,
 * and an NMI has the one that refuses. So there is nothing to guard; the
 * slow paths assert it (cpu_local.h).
 *
 * Invariants (frame_audit): (C1) no frame is in two places; (C2) the owner's
 * byte of every cached frame is 0; (C3) nothing exceeds its limit; (C4) `last`
 * is an entry of the cache's lists or `none`, `word_back` its word or none.
 */
#ifndef MM_FRAME_CACHE_H
#define MM_FRAME_CACHE_H

#include <base/bits.h>
#include <mm/frame_pool.h>

/*
 * The limits of a cache, by the frames that its node has for each CPU. A CPU
 * has two caches, one for each context.
 *
 * A list has an entry, a word of up to 64 frames, for each FRAME_LIST_SHARE
 * of them, within its bounds. Blocks have a share of their own, one of
 * FRAME_BLOCK_SHARE blocks within its bounds, and none where the node has
 * less than FRAME_BLOCKS_PER_CPU: there each call goes to the pool. With 512
 * MiB and one CPU that is 832 frames and 16 blocks.
 */
#define FRAME_LIST_SHARE	16384	/* frames: 64 MiB                    */
#define FRAME_LIST_MIN		4	/* words of 64 frames                */
#define FRAME_HOT_MAX		64
#define FRAME_COLD_MAX		32
#define FRAME_BLOCK_SHARE	4
#define FRAME_BLOCKS_PER_CPU	16	/* blocks: 32 MiB                    */
#define FRAME_BLOCKS_MIN	8
#define FRAME_BLOCKS_MAX	16

struct frame_cache_set;
struct frame_nodes;

/* Where the first frame of a word goes. */
enum {
	FRAME_HOT,		/* allocated again, the last first            */
	FRAME_COLD,		/* flushed, all together                     */
	FRAME_LISTS,
};

struct frame_list {
	struct frame_word *words;
	struct frame_word *end;		/* here the next begins              */
	struct frame_word *limit;	/* `end` here: flush all           */
};

/* [O] all of it. */
struct frame_cache {
	/* The first cache line is all that most calls need. */
	uint64_t word;		/* frames of one word, allocated first       */
	uint64_t word_first;	/* relative frame of its bit 0               */
	uint64_t word_back;	/* the same, if it takes frames back         */
	atomic_u8 *owner;	/* the pool's frame_owner                    */
	struct frame_word *last;	/* begun last, takes frames as well  */
	uint64_t base;		/* the pool's first                          */
	uint64_t frames;	/* the pool's span; 0 refuses all            */
	atomic_u16 *hints;
	uint32_t block_shift;
	uint32_t density;	/* a sparser block's frames are not kept     */
	uint32_t block_count, block_limit;
	atomic_u8 *block_owner;	/* the pool's                                */
	uint64_t block;		/* where refills come from                   */
	struct frame_pool *pool;
	struct frame_cache_set *set;
	cpu_slot slot;
	/* Frames and blocks from refills, less those that were flushed. */
	int64_t refilled;
	uint32_t refills, flushes, drains;
	struct frame_list list[FRAME_LISTS];
	struct frame_word none;	/* for `last`, when there is none    */
	struct frame_word hot[FRAME_HOT_MAX];
	struct frame_word cold[FRAME_COLD_MAX];
	uint32_t blocks[FRAME_BLOCKS_MAX];	/* relative blocks           */
	uint32_t unused[48];	/* a page has the caches of whole CPUs       */
} __attribute__((aligned(64)));

/* A cache that finds nothing, and its pool has nothing either. */
enum frame_cache_refusal {
	FRAME_REFUSE_FOR_GOOD,	/* ST_NO_MEMORY means what it says           */
	FRAME_REFUSE_FROM_CACHE,	/* the caller will ask the pools     */
};

/* All caches in front of one node's pool. */
struct frame_cache_set {
	struct frame_pool *pool;
	struct frame_nodes *nodes;	/* where frames of others go; or NULL */
	struct frame_cache *caches;	/* by slot                           */
	unsigned cpus;
	uint64_t frames;	/* that the node has; 0: its whole span      */
	enum frame_cache_refusal refusal;
};

/*
 * `pool`, `nodes`, `caches` (2 * cpus of them), `cpus`, `frames` and
 * `refusal` are the caller's.
 */
void frame_cache_set_init(struct frame_cache_set *set);

/*
 * One cache alone, where `caches` holds those of several sets: each CPU's in
 * the set of its own node. `cpus` is then how many share this set.
 */
void frame_cache_init(struct frame_cache_set *set, cpu_slot slot);

/* The cache of this CPU in this context; for an NMI the one that refuses. */
struct frame_cache *frame_cache_current(struct frame_cache_set *set);

/* That one: it has no frames, and each call is refused with ST_DENIED. */
struct frame_cache *frame_cache_of_nmi(void);

/*
 * One frame of 4 KiB, its content undefined. The caller sees to it that the
 * owner is 1 ... FRAME_BYTE_LAST: asserted only where the cache is empty.
 * Fails: ST_NO_MEMORY and ST_CONFLICT as frame_pool_alloc: what other CPUs
 *        have in their caches counts as not there; ST_DENIED in an NMI.
 * Cost:  no locked instruction but for each refill.
 */
enum status frame_cache_alloc(struct frame_cache *cache, uint8_t owner,
			      pfn_t *out);

/*
 * The part of it that most calls need, for callers that count instructions.
 * False: nothing has changed, and frame_cache_alloc decides.
 */
static inline bool frame_cache_alloc_quickly(struct frame_cache *cache,
					     uint8_t owner, pfn_t *out)
{
	uint64_t word = cache->word, frame;

	if (!LIKELY(word != 0))
		return false;
	/* In 32 bits, as all that is relative: nothing to extend. */
	frame = (uint32_t)cache->word_first + (uint32_t)__builtin_ctzl(word);
	if (!LIKELY(atomic_load_relaxed(&cache->owner[frame]) ==
		    FRAME_BYTE_FREE))
		return false;
	cache->word = word & (word - 1);
	atomic_store_relaxed(&cache->owner[frame], owner);
	out->raw = cache->base + frame;
	return true;
}

/*
 * Fails: ST_BAD_RANGE (foreign), ST_CONFLICT (not allocated), reported with
 *        `caller`; nothing has changed then. ST_DENIED in an NMI.
 */
enum status frame_cache_free(struct frame_cache *cache, pfn_t frame,
			     const void *caller);

/* Frames of 2 MiB; ST_BAD_ARGUMENT when misaligned. */
enum status frame_cache_alloc_block(struct frame_cache *cache, uint8_t owner,
				    pfn_t *out);
enum status frame_cache_free_block(struct frame_cache *cache, pfn_t frame,
				   const void *caller);

/* Returns all to the pool. On the cache's own CPU and context only. */
void frame_cache_drain(struct frame_cache *cache);

uint64_t frame_list_frames(const struct frame_list *list);	/* frames    */
/* Frames that are in the cache. */
uint64_t frame_cache_held(const struct frame_cache *cache);
/* The most that can be, those of its blocks aside. */
uint64_t frame_cache_limit(const struct frame_cache *cache);

/*
 * Frames and blocks that were allocated without the pool, at least so many:
 * those of each refill but the one that it was asked for and those that are
 * not allocated yet. Frames that were freed and allocated again are counted
 * only up to that number: counting all would cost each alloc an addition.
 */
uint64_t frame_cache_hits(const struct frame_cache *cache);

#endif
