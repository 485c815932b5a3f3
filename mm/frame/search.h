/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* search.h - finds free memory and claims it, or shows that there is none. */
#ifndef MM_FRAME_SEARCH_H
#define MM_FRAME_SEARCH_H

#include "block.h"

/* A range to search: blocks [floor..end), frames below `frame_end`. */
struct frame_zone {
	uint64_t floor;
	uint64_t end;
	uint64_t frame_end;
};
#define FRAME_ZONES 3

/* --- search.c ----------------------------------------------------------*/

void frame_zones(const struct frame_pool *pool, enum frame_limit limit,
		 struct frame_zone zones[FRAME_ZONES]);

/*
 * Takes up to `most` frames of one word: of `block` if that has any, else
 * of the best block, and says which. 0 when nothing was found: that is not
 * a refusal yet.
 */
struct frame_claim {
	enum frame_limit limit;
	unsigned most;
	uint64_t block;		/* in and out; BLOCK_NONE                    */
	uint64_t word;		/* out                                       */
};
#define BLOCK_NONE UINT64_MAX
uint64_t frame_claim_word(struct frame_pool *pool, cpu_slot slot,
			  struct frame_claim *claim);
/* Up to `most` whole blocks of one word of the tree; 0: none found. */
uint64_t frame_claim_blocks(struct frame_pool *pool, cpu_slot slot,
			    struct frame_claim *claim);
/* The same for giants. */
uint64_t frame_claim_giants(struct frame_pool *pool, cpu_slot slot,
			    struct frame_claim *claim);

/*
 * R: true when there was an instant, between this call's two passes over the
 * slots, at which `root` had none of `mask` and nothing was under way.
 */
bool frame_nothing_left(struct frame_pool *pool, cpu_slot slot,
			uint64_t mask);
/* All that CPUs have done, summed up; false while one is at it. */
bool frame_at_rest(const struct frame_pool *pool, uint64_t *sum);

/* --- run.c -----------------------------------------------------------*/

/* One search; false: found none. */
bool frame_claim_run(struct frame_pool *pool, cpu_slot slot,
		     const struct frame_request *request, uint64_t *start);
enum status frame_return_run(struct frame_pool *pool, cpu_slot slot,
			     const struct frame_return *what);

/* --- pool.c ----------------------------------------------------------*/

/*
 * One search, which reads no other CPU's state; the request was checked.
 * False: found none, which is no refusal yet.
 */
bool frame_pool_try(struct frame_pool *pool, cpu_slot slot,
		    const struct frame_request *request, pfn_t *out);
/* The root cannot tell that there is nothing suitable. */
static inline bool is_proven_by_search(const struct frame_request *request)
{
	return request->size == FRAME_RUN || request->limit != FRAME_ANYWHERE;
}

/* Whether a frame that another CPU moves counts as there. */
static inline bool frame_waits(cpu_slot slot,
			       const struct frame_request *request)
{
	return !slot_is_interrupt(slot) && request->patience == FRAME_WAIT;
}

/* Fails: ST_BAD_ARGUMENT. */
enum status frame_check_request(const struct frame_request *request);

#endif
