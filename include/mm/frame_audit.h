/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_audit.h - whether a pool and its caches agree on every frame.
 *
 * Takes: a pool, all caches, and a little scratch memory, at a quiet moment:
 *        no CPU allocates or frees meanwhile.
 * Gives: nothing, or one finding: which frame, what is wrong with it, and
 *        what holds it.
 *
 * Each frame is marked from each place that may hold it: the bits of frames,
 * blocks and giants, the owners' bytes of the three, the words, lists and
 * blocks of each cache. A frame that was marked twice is a finding, and so is
 * one that was not marked at all.
 */
#ifndef MM_FRAME_AUDIT_H
#define MM_FRAME_AUDIT_H

#include <mm/frame_cache.h>

/* F1 to F8: frame_pool.h; C1 to C4: frame_cache.h. */
enum frame_finding_kind {
	FRAME_FOUND_NOTHING,
	FRAME_FOUND_FREE_TWICE,		/* F1, F2                            */
	FRAME_FOUND_NOT_MERGED,		/* F3                                */
	FRAME_FOUND_NOT_LISTED,		/* F4                                */
	FRAME_FOUND_FREE_WITH_OWNER,	/* F5                                */
	FRAME_FOUND_ALLOCATED_TWICE,	/* F6                                */
	FRAME_FOUND_BAD_BYTE,		/* F6: a byte that is no owner's     */
	FRAME_FOUND_LOST,		/* F7: no place has it               */
	FRAME_FOUND_OUTSIDE,		/* F7: a place has it, not the pool  */
	FRAME_FOUND_BAD_HINT,		/* F7: of a giant that is not open   */
	FRAME_FOUND_ODD_STEP,		/* F8                                */
	FRAME_FOUND_FREE_AND_CACHED,	/* C1                                */
	FRAME_FOUND_CACHED_TWICE,	/* C1                                */
	FRAME_FOUND_CACHED_WITH_OWNER,	/* C2                                */
	FRAME_FOUND_CACHE_OVERFULL,	/* C3                                */
	FRAME_FOUND_CACHE_ASTRAY,	/* C4                                */
	FRAME_FINDINGS,
};

enum frame_holder_kind {
	FRAME_HELD_BY_BIT,	/* free                                      */
	FRAME_HELD_BY_OWNER,	/* allocated, or no pool's                   */
	FRAME_HELD_BY_CACHE,
};

/* A place that holds the frame, and in which size. */
struct frame_holder {
	enum frame_holder_kind kind;
	enum frame_size size;
	uint8_t owner;			/* the byte, of FRAME_HELD_BY_OWNER  */
	cpu_slot slot;			/* of FRAME_HELD_BY_CACHE            */
};

#define FRAME_HOLDERS_MOST	4

struct frame_finding {
	enum frame_finding_kind kind;
	pfn_t frame;		/* the first that is wrong; not of F8, C3, C4 */
	cpu_slot slot;		/* of F8, C3 and C4                          */
	unsigned holders;	/* of them all, `holder` has the first ones  */
	struct frame_holder holder[FRAME_HOLDERS_MOST];
};

/* Frames in a cache: those of `mask` from `first` on, or a whole block. */
struct frame_cached {
	uint64_t first;		/* relative                                  */
	uint64_t mask;
	enum frame_size size;	/* FRAME_4K, or FRAME_2M without a mask      */
	cpu_slot slot;
	unsigned index;		/* of its word, its lists and its blocks     */
};

struct frame_audit_request {
	const struct frame_pool *pool;
	/* Caches of other pools among them are passed over. */
	const struct frame_cache *caches;
	unsigned slots;		/* of `caches`; may be 0                     */
	/* Scratch: at least one where there are caches; more is faster. */
	struct frame_cached *window;
	unsigned window_length;
};

/*
 * True when F1 to F8 and C1 to C4 hold; else the first finding is in `out`.
 * Cost: O(giants), O(blocks) of open giants, O(frames) of blocks that were
 *       ever split, and for n words and blocks in caches n * n / window
 *       comparisons. No memory but the pool's own arrays is read.
 */
bool frame_audit(const struct frame_audit_request *request,
		 struct frame_finding *out);

/* The same of a pool that has no caches in front. */
bool frame_pool_audit(const struct frame_pool *pool);

/*
 * The finding as one line, for a log or a test:
 *
 *	what="cached twice" phys=0x5000 by="4k cached cpu0 task, ..."
 */
#define FRAME_FINDING_BYTES	256
void frame_finding_print(const struct frame_finding *finding,
			 char to[FRAME_FINDING_BYTES]);

#endif
