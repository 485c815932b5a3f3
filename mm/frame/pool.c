// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Checks requests and frees of one pool, and writes owners down.
 *
 * A frame has a byte for its owner, and so have a block and a giant. A free
 * therefore finds out what was allocated, and in which size, before anything
 * changes: in a block that is whole the frames' bytes are 0 or were never
 * written, and the block's hint says which.
 *
 * Two CPUs that free one frame at the same moment may both find its byte
 * set. Then both set its bit, and the second finds it set: each bit is
 * changed by an instruction that returns the value before.
 */
#include <mm/frame.h>

#include <base/string.h>

#include "report.h"
#include "search.h"

#define MASK_GIANTS (1UL << ROOT_GIANTS)
#define MASK_BLOCKS (1UL << ROOT_BLOCKS | MASK_GIANTS)
#define MASK_FRAMES (1UL << ROOT_SPLIT | MASK_BLOCKS)

/* --- alloc -----------------------------------------------------------------*/

static void write_single_owner(struct frame_pool *pool,
			const struct frame_request *request, uint64_t at)
{
	atomic_u8 *bytes = request->size == FRAME_4K ? pool->frame_owner :
			   request->size == FRAME_2M ? pool->block_owner :
						       pool->giant_owner;

	ASSERT(request->size < FRAME_RUN);
	atomic_store_relaxed(&bytes[at], request->owner);
}

/* A frame, a block or a giant. */
static bool try_single(struct frame_pool *pool, cpu_slot slot,
		       const struct frame_request *request, uint64_t *frame)
{
	struct frame_claim claim = {
		.limit = request->limit, .most = 1, .block = BLOCK_NONE,
	};
	unsigned shift = 0;
	uint64_t mask, at;

	if (request->size == FRAME_4K) {
		mask = frame_claim_word(pool, slot, &claim);
		if (mask != 0)
			frame_let_go_block(pool, claim.block);
	} else if (request->size == FRAME_2M) {
		mask = frame_claim_blocks(pool, slot, &claim);
		shift = pool->shape.block_shift;
	} else {
		mask = frame_claim_giants(pool, slot, &claim);
		shift = pool->shape.block_shift + pool->shape.giant_shift;
	}
	if (mask == 0)
		return false;
	at = (claim.word << FRAME_WORD_SHIFT) + (uint64_t)__builtin_ctzl(mask);
	write_single_owner(pool, request, at);
	*frame = at << shift;
	ASSERT(*frame < pool->frames);
	return true;
}

bool frame_pool_try(struct frame_pool *pool, cpu_slot slot,
		    const struct frame_request *request, pfn_t *out)
{
	uint64_t frame = 0;
	bool done = request->size == FRAME_RUN ?
			    frame_claim_run(pool, slot, request, &frame) :
			    try_single(pool, slot, request, &frame);

	if (done)
		*out = (pfn_t){ pool->first + frame };
	return done;
}

static uint64_t mask_of(enum frame_size size)
{
	if (size == FRAME_4K)
		return MASK_FRAMES;
	return size == FRAME_2M ? MASK_BLOCKS : MASK_GIANTS;
}

/*
 * A run, or free frames above the limit that do not help: the search must
 * find nothing while all is at rest.
 */
static enum status alloc_by_search(struct frame_pool *pool, cpu_slot slot,
				   const struct frame_request *request,
				   pfn_t *out)
{
	for (unsigned tries = 0; tries < FRAME_RUN_TRIES; tries++) {
		uint64_t before, after;
		bool quiet = frame_at_rest(pool, &before);

		frame_merge_late(pool, slot);
		if (frame_pool_try(pool, slot, request, out))
			return ST_OK;
		/* Our own search moves things too: not the last time. */
		if (quiet && frame_at_rest(pool, &after) && before == after)
			return ST_NO_MEMORY;
		atomic_pause();
	}
	return frame_waits(slot, request) ? ST_CONFLICT : ST_NO_MEMORY;
}

static enum status alloc_anywhere(struct frame_pool *pool, cpu_slot slot,
				  const struct frame_request *request,
				  pfn_t *out)
{
	unsigned most = frame_waits(slot, request) ? SEARCH_TRIES :
						     INTERRUPT_TRIES;

	for (unsigned tries = 0; tries < most; tries++) {
		if (frame_nothing_left(pool, slot, mask_of(request->size)))
			return ST_NO_MEMORY;
		atomic_pause();
		if (frame_pool_try(pool, slot, request, out))
			return ST_OK;
	}
	return frame_waits(slot, request) ? ST_CONFLICT : ST_NO_MEMORY;
}

static uint64_t frames_of(const struct frame_pool *pool, enum frame_size size,
			  uint64_t pages)
{
	if (size == FRAME_RUN)
		return pages;
	if (size == FRAME_4K)
		return 1;
	return size == FRAME_2M ? frames_per_block(pool) :
				  giant_frames(pool->shape);
}

NOINLINE void frame_pool_zero(const struct frame_pool *pool,
			      const struct frame_request *request,
			      pfn_t first)
{
	memset(window_at_frame(&pool->window, first), 0,
	       frames_of(pool, request->size, request->pages) * PAGE_SIZE);
}

enum status frame_check_request(const struct frame_request *request)
{
	if (!owner_is_allocated(request->owner) || request->size > FRAME_RUN ||
	    request->limit > FRAME_BELOW_1M ||
	    request->rule > FRAME_NODE_REQUIRED ||
	    request->contents > FRAME_ZEROED ||
	    request->patience > FRAME_NO_WAIT ||
	    (request->size == FRAME_RUN &&
	     (request->pages == 0 ||
	      request->align_shift > FRAME_ALIGN_SHIFT_MOST)))
		return ST_BAD_ARGUMENT;
	return ST_OK;
}

enum status frame_pool_alloc(struct frame_pool *pool, cpu_slot slot,
			     const struct frame_request *request, pfn_t *out)
{
	enum status status = frame_check_request(request);

	if (status != ST_OK)
		return status;
	ASSERT(slot < pool->slots);
	if (!frame_pool_try(pool, slot, request, out))
		status = is_proven_by_search(request) ?
				 alloc_by_search(pool, slot, request, out) :
				 alloc_anywhere(pool, slot, request, out);
	if (status == ST_OK && request->contents == FRAME_ZEROED)
		frame_pool_zero(pool, request, *out);
	return status;
}

/* --- free ------------------------------------------------------------------*/

static bool free_frame(struct frame_pool *pool, cpu_slot slot,
		       uint64_t frame)
{
	atomic_store_relaxed(&pool->frame_owner[frame], FRAME_BYTE_FREE);
	return frame_return_word(pool, slot, frame >> 6, 1UL << (frame & 63)) ==
	       0;
}

static bool free_block(struct frame_pool *pool, cpu_slot slot,
		       uint64_t block)
{
	atomic_store_relaxed(&pool->block_owner[block], FRAME_BYTE_FREE);
	return frame_return_blocks(pool, slot, block >> 6,
				   1UL << (block & 63)) == 0;
}

static bool free_giant(struct frame_pool *pool, cpu_slot slot,
		       uint64_t giant)
{
	atomic_store_relaxed(&pool->giant_owner[giant], FRAME_BYTE_FREE);
	return frame_return_giant(pool, slot, giant);
}

static bool is_split(const struct frame_pool *pool, uint64_t frame)
{
	return atomic_load_relaxed(&pool->hints[frame >>
						pool->shape.block_shift]) <
	       FRAME_ABSENT;
}

static enum status free_large(struct frame_pool *pool, cpu_slot slot,
			      const struct frame_return *what)
{
	uint64_t frame = what->frame.raw - pool->first;
	uint64_t block = frame >> pool->shape.block_shift;
	uint64_t giant = block >> pool->shape.giant_shift;
	bool is_block = what->size == FRAME_2M;
	atomic_u8 *byte = is_block ? &pool->block_owner[block] :
				     &pool->giant_owner[giant];
	bool good;

	ASSERT(is_block || what->size == FRAME_1G);
	if (!is_aligned(frame, frames_of(pool, what->size, 0)))
		return frame_refuse_free(pool, FRAME_MISALIGNED,
					 what->frame, what->caller);
	/* There are owners of blocks only where a giant is open. */
	if ((is_block &&
	     frame_giant_state(pool, block) != FRAME_GIANT_OPEN) ||
	    !owner_is_allocated(atomic_load_relaxed(byte)))
		return frame_refuse_free(pool, FRAME_NOT_ALLOCATED,
					 what->frame, what->caller);
	good = is_block ? free_block(pool, slot, block) :
			  free_giant(pool, slot, giant);
	return good ? ST_OK : frame_refuse_free(pool, FRAME_FREED_AT_ONCE,
						what->frame, what->caller);
}

enum status frame_pool_free(struct frame_pool *pool, cpu_slot slot,
			    const struct frame_return *what)
{
	uint64_t frame = what->frame.raw - pool->first;
	uint8_t owner;

	ASSERT(slot < pool->slots);
	if (what->size > FRAME_RUN ||
	    (what->size == FRAME_RUN && what->pages == 0))
		return ST_BAD_ARGUMENT;
	if (!pool_has(pool, what->frame))
		return frame_refuse_free(pool, FRAME_FOREIGN, what->frame,
					 what->caller);
	if (what->size == FRAME_RUN)
		return frame_return_run(pool, slot, what);
	if (what->size != FRAME_4K)
		return free_large(pool, slot, what);
	if (!is_split(pool, frame))
		return frame_refuse_free(pool, FRAME_NOT_ALLOCATED,
					 what->frame, what->caller);
	owner = atomic_load_relaxed(&pool->frame_owner[frame]);
	if (!owner_is_allocated(owner))
		return frame_refuse_free(pool, owner_is_retired(owner) ?
						   FRAME_RETIRED :
						   FRAME_NOT_ALLOCATED,
					 what->frame, what->caller);
	if (!free_frame(pool, slot, frame))
		return frame_refuse_free(pool, FRAME_FREED_AT_ONCE,
					 what->frame, what->caller);
	return ST_OK;
}
