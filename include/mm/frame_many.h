/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_many.h - many single frames in one call, wherever they lie.
 *
 * Takes: how many frames of 4 KiB, or which.
 * Gives: all of them or none. A word of the bitmap with 64 frames costs one
 *        locked instruction, and their owners' bytes are read and written
 *        eight at a time.
 *
 * For callers that know beforehand how many frames they need (page tables of
 * a fork, pages of a file, chunks of the heap), and for those that free many
 * at once (munmap, exit). Frames that lie in one word next to each other in
 * the array are freed together, in any order; those of an alloc do.
 */
#ifndef MM_FRAME_MANY_H
#define MM_FRAME_MANY_H

#include <mm/frame_cache.h>
#include <mm/frame_nodes.h>

struct frame_array {
	pfn_t *frames;
	uint64_t count;			/* at most FRAME_MANY_MOST           */
};

/* As many frames as physical addresses can name; the end of no array wraps. */
#define FRAME_MANY_MOST (PHYSICAL_LIMIT >> PAGE_SHIFT)

/*
 * Fills `out` with single frames. Until the call knows that it gets all of
 * them no other request is refused what it holds.
 * Fails: ST_NO_MEMORY: there was an instant during the call at which fewer
 *        frames could be reached in the pools that were asked, those that
 *        the call held among them;
 *        ST_CONFLICT: other CPUs moved or freed frames during each of
 *        FRAME_RUN_TRIES tries (from an interrupt ST_NO_MEMORY);
 *        ST_BAD_ARGUMENT: no frames or too many, owner, a size that is not
 *        FRAME_4K, a limit, or the node. `out` may be overwritten then.
 * Cost:  O(frames), and what frame_pool_alloc costs for each word.
 */
enum status frame_alloc_many(struct frame_nodes *nodes, cpu_slot slot,
			     const struct frame_request *request,
			     struct frame_array out);

/* The same from this pool alone; node and rule are ignored. */
enum status frame_pool_alloc_many(struct frame_pool *pool, cpu_slot slot,
				  const struct frame_request *request,
				  struct frame_array out);

/*
 * The same, from this CPU's frames first, then from the cache's pool. Before
 * a refusal the cache is drained. ST_DENIED in an NMI.
 */
enum status frame_cache_alloc_many(struct frame_cache *cache, uint8_t owner,
				   struct frame_array out);

/*
 * Frees single frames, all of one owner, to their pools. The first frame that
 * is wrong is reported, and nothing changes.
 * Fails: ST_BAD_ARGUMENT (no frames or too many, owner), ST_BAD_RANGE
 *        (foreign),
 *        ST_CONFLICT: not allocated as a single frame, another owner's, kept,
 *        or in the array twice; or, found too late, freed by another CPU at
 *        the same moment: that one is reported and the others are free.
 * Cost:  O(frames); a locked instruction for each word.
 */
struct frame_many_return {
	const pfn_t *frames;
	uint64_t count;
	uint8_t owner;		/* of all of them                            */
	const void *caller;
};
enum status frame_free_many(struct frame_nodes *nodes, cpu_slot slot,
			    const struct frame_many_return *what);
enum status frame_pool_free_many(struct frame_pool *pool, cpu_slot slot,
				 const struct frame_many_return *what);

/*
 * The same to this CPU's cache, but for words of 64 frames, frames below
 * 1 MiB, and those of other pools. ST_DENIED in an NMI.
 */
enum status frame_cache_free_many(struct frame_cache *cache,
				  const struct frame_many_return *what);

#endif
