// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The door of the pool: requests are checked here, and owners written down.
 *
 * A frame's owner is a byte beside it, a block's and a giant's as well, so a
 * free can tell what was lent, and in which size, before anything changes:
 * in a block that is whole now its frames' bytes are 0 or were never
 * written, and the block's hint says which of the two.
 *
 * Two CPUs that free one frame at the same moment may both find its byte
 * set. Then both set its bit, and the second finds it set: each bit is
 * changed by an instruction that tells what was there before.
 */
#include <mm/frame.h>

#include <base/string.h>

#include "internal.h"

/* An interrupt handler may not wait for the CPU that it interrupted. */
#define INTERRUPT_TRIES 64
#define LINE 64UL

#define MASK_GIANTS (1UL << ROOT_GIANTS)
#define MASK_BLOCKS (1UL << ROOT_BLOCKS | MASK_GIANTS)
#define MASK_FRAMES (1UL << ROOT_SPLIT | MASK_BLOCKS)

/* --- beginning -------------------------------------------------------------*/

static uint64_t giant_frames(struct frame_shape shape)
{
	return 1UL << (shape.block_shift + shape.giant_shift);
}

enum status frame_pool_measure(const struct frame_pool_request *request,
			       struct frame_pool_sizes *out)
{
	struct frame_shape shape = request->shape;
	uint64_t frames, blocks, giants;

	if (shape.block_shift < FRAME_WORD_SHIFT || shape.block_shift > 9 ||
	    shape.giant_shift < 1 || shape.giant_shift > 9 ||
	    request->slots == 0)
		return ST_BAD_ARGUMENT;
	if (request->frames == 0 || request->frames > 1UL << 32 ||
	    request->first.raw > PHYSICAL_LIMIT >> PAGE_SHIFT ||
	    !is_aligned(request->first.raw, giant_frames(shape)))
		return ST_BAD_RANGE;
	frames = align_up(request->frames, giant_frames(shape));
	blocks = frames >> shape.block_shift;
	giants = blocks >> shape.giant_shift;
	out->bits = align_up(frames / 8, LINE);
	out->hints = align_up(blocks * sizeof(atomic_u16), LINE);
	out->frame_owner = align_up(frames, LINE);
	out->block_owner = align_up(blocks, LINE);
	/* And as many for their states. */
	out->giant_owner = align_up(2 * giants, LINE);
	out->trees = align_up(8 * ((2 + FRAME_CLASSES) *
					   frame_tree_words(blocks) +
				   frame_tree_words(giants)), LINE);
	out->slots = request->slots * sizeof(struct frame_slot);
	return ST_OK;
}

static void init_trees(struct frame_pool *pool, void *memory)
{
	uint64_t blocks = pool_blocks(pool);
	enum frame_leaves leaves = frame_opens_leaves(pool) ?
					   FRAME_LEAVES_LATER :
					   FRAME_LEAVES_EMPTY;
	atomic_u64 *next = memory;

	next = frame_tree_init(&pool->split, blocks, ROOT_SPLIT, leaves, next);
	next = frame_tree_init(&pool->blocks, blocks, ROOT_BLOCKS, leaves,
			       next);
	next = frame_tree_init(&pool->giants,
			       blocks >> pool->shape.giant_shift, ROOT_GIANTS,
			       FRAME_LEAVES_EMPTY, next);
	for (unsigned i = 0; i < FRAME_CLASSES; i++)
		next = frame_tree_init(&pool->classes[i], blocks,
				       (uint8_t)(ROOT_CLASSES + i), leaves,
				       next);
}

enum status frame_pool_init(struct frame_pool *pool,
			    const struct frame_pool_request *request)
{
	struct frame_pool_sizes sizes;
	enum status status = frame_pool_measure(request, &sizes);
	uint64_t below_4g = 4 * GIB >> PAGE_SHIFT;

	if (status != ST_OK)
		return status;
	*pool = (struct frame_pool){
		.first = request->first.raw,
		.frames = align_up(request->frames,
				   giant_frames(request->shape)),
		.shape = request->shape,
		.slots = request->slots,
		.bits = request->bits,
		.hints = request->hints,
		.frame_owner = request->frame_owner,
		.block_owner = request->block_owner,
		.giant_owner = request->giant_owner,
		.slot = request->slot,
		.reporter = request->reporter,
		.window = request->window,
	};
	if (pool->first < below_4g)
		pool->low_end = min_u64(below_4g - pool->first, pool->frames);
	pool->giant_state = pool->giant_owner + (pool->frames /
						 giant_frames(pool->shape));
	memset(request->hints, FRAME_ABSENT & 0xff, sizes.hints);
	memset(request->giant_owner, FRAME_BYTE_FREE, sizes.giant_owner);
	memset(request->slot, 0, sizes.slots);
	init_trees(pool, request->trees);
	return ST_OK;
}

/* A part of a block, or a block that is split or was lent in parts. */
static void add_part(struct frame_pool *pool, frame_slot_id slot,
		     uint64_t first, uint64_t end)
{
	uint64_t block = first >> pool->shape.block_shift;

	frame_open_absent_block(pool, block);
	while (first < end) {
		uint64_t next = min_u64(align_down(first, 64) + 64, end);
		uint64_t mask = ALL_ONES >> (64 - (next - first));

		memset(&pool->frame_owner[first], FRAME_BYTE_FREE,
		       next - first);
		ASSERT(frame_put(pool, slot, first >> FRAME_WORD_SHIFT,
				 mask << (first & 63)) == 0);
		first = next;
	}
}

/* Bits [first..next) of their word. */
static uint64_t mask_between(uint64_t first, uint64_t next)
{
	return ALL_ONES >> (64 - (next - first)) << (first & 63);
}

/*
 * Blocks of one giant that were never seen before, those of one word up to
 * `end`; returns where the next ones begin.
 */
static uint64_t add_blocks(struct frame_pool *pool, frame_slot_id slot,
			   uint64_t first, uint64_t end)
{
	uint64_t next = min_u64(align_down(first, 64) + 64, end);

	frame_open_giant(pool, first >> pool->shape.giant_shift);
	fill_hints(pool, first, next - first, FRAME_VIRGIN);
	ASSERT(frame_put_blocks(pool, slot, first >> 6,
				mask_between(first, next)) == 0);
	return next;
}

/* The same of giants. */
static uint64_t add_giants(struct frame_pool *pool, frame_slot_id slot,
			   uint64_t first, uint64_t end)
{
	uint64_t next = min_u64(align_down(first, 64) + 64, end);

	memset(&pool->giant_state[first], FRAME_GIANT_VIRGIN, next - first);
	ASSERT(frame_put_giants(pool, slot, first >> 6,
				mask_between(first, next)) == 0);
	return next;
}

static bool may_add(const struct frame_pool *pool, uint64_t first, uint64_t end)
{
	for (uint64_t at = first; at < end;) {
		uint64_t block = at >> pool->shape.block_shift;
		uint64_t next = (block + 1) << pool->shape.block_shift;
		uint16_t hint = atomic_load_relaxed(&pool->hints[block]);

		switch (frame_giant_state(pool, block)) {
		case FRAME_GIANT_ABSENT:
			at = align_down(at, giant_frames(pool->shape)) +
			     giant_frames(pool->shape);
			continue;
		case FRAME_GIANT_VIRGIN:
			return false;
		case FRAME_GIANT_OPEN:
			break;
		}
		next = min_u64(next, end);
		if (hint != FRAME_ABSENT &&
		    (hint > FRAME_ABSENT ||
		     next - at == frames_per_block(pool)))
			return false;
		for (; hint != FRAME_ABSENT && at < next; at++)
			if (atomic_load_relaxed(&pool->frame_owner[at]) !=
			    FRAME_BYTE_FOREIGN)
				return false;
		at = next;
	}
	return true;
}

enum status frame_pool_add(struct frame_pool *pool, frame_slot_id slot,
			   struct frame_extent run)
{
	uint64_t first = run.first.raw - pool->first;
	uint64_t end;

	if (run.first.raw < pool->first || run.frames == 0 ||
	    add_overflows(first, run.frames, &end) || end > pool->frames)
		return ST_BAD_RANGE;
	if (!may_add(pool, first, end))
		return ST_CONFLICT;
	while (first < end) {
		uint64_t block = first >> pool->shape.block_shift;
		uint64_t next = (block + 1) << pool->shape.block_shift;
		uint64_t giant = giant_frames(pool->shape);
		uint64_t stop = align_down(first, giant) + giant;

		next = min_u64(next, end);
		stop = min_u64(stop, end) >> pool->shape.block_shift;
		if (is_aligned(first, giant) && end - first >= giant)
			next = add_giants(pool, slot, first / giant,
					  end / giant) * giant;
		else if (next - first < frames_per_block(pool))
			add_part(pool, slot, first, next);
		else
			next = add_blocks(pool, slot, block, stop) <<
			       pool->shape.block_shift;
		first = next;
	}
	return ST_OK;
}

bool frame_pool_has(const struct frame_pool *pool, pfn_t frame)
{
	uint64_t relative = frame.raw - pool->first;
	uint64_t block = relative >> pool->shape.block_shift;

	return relative < pool->frames &&
	       (frame_giant_state(pool, block) == FRAME_GIANT_VIRGIN ||
		atomic_load_relaxed(&pool->hints[block]) != FRAME_ABSENT);
}

/* --- alloc -----------------------------------------------------------------*/

/* One try; false: not found. */
static bool try_once(struct frame_pool *pool, frame_slot_id slot,
		     const struct frame_request *request, uint64_t *frame)
{
	struct frame_taking taking = { request->limit, 1, BLOCK_NONE, 0 };
	unsigned shift = pool->shape.block_shift;
	uint64_t mask, block, giant;

	switch (request->size) {
	case FRAME_4K:
		mask = frame_take(pool, slot, &taking);
		if (mask == 0)
			return false;
		frame_let_go_block(pool, taking.block);
		*frame = (taking.word << 6) + (uint64_t)__builtin_ctzl(mask);
		atomic_store_relaxed(&pool->frame_owner[*frame],
				     request->owner);
		return true;
	case FRAME_2M:
		mask = frame_take_blocks(pool, slot, &taking);
		if (mask == 0)
			return false;
		block = (taking.word << 6) + (uint64_t)__builtin_ctzl(mask);
		atomic_store_relaxed(&pool->block_owner[block],
				     request->owner);
		*frame = block << shift;
		return true;
	default:
		if (!frame_take_giant(pool, slot, request->limit, &giant))
			return false;
		atomic_store_relaxed(&pool->giant_owner[giant],
				     request->owner);
		*frame = giant << (shift + pool->shape.giant_shift);
		return true;
	}
}

static uint64_t mask_of(enum frame_size size)
{
	if (size == FRAME_4K)
		return MASK_FRAMES;
	return size == FRAME_2M ? MASK_BLOCKS : MASK_GIANTS;
}

/* What is free elsewhere does not help: a search must find nothing. */
static enum status alloc_limited(struct frame_pool *pool, frame_slot_id slot,
				 const struct frame_request *request,
				 uint64_t *frame)
{
	for (unsigned tries = 0; tries < FRAME_RUN_TRIES; tries++) {
		uint64_t before, after;
		bool quiet = frame_at_rest(pool, &before);

		if (try_once(pool, slot, request, frame))
			return ST_OK;
		/* Our own search moves things too: not the last time. */
		if (quiet && frame_at_rest(pool, &after) && before == after)
			return ST_NO_MEMORY;
		atomic_pause();
	}
	return slot & 1 ? ST_NO_MEMORY : ST_CONFLICT;
}

static enum status alloc_single(struct frame_pool *pool, frame_slot_id slot,
				const struct frame_request *request,
				uint64_t *frame)
{
	if (request->limit != FRAME_ANYWHERE)
		return alloc_limited(pool, slot, request, frame);
	for (unsigned tries = 0;; tries++) {
		if (try_once(pool, slot, request, frame))
			return ST_OK;
		if (frame_nothing_left(pool, slot, mask_of(request->size)))
			return ST_NO_MEMORY;
		if (slot & 1 && tries >= INTERRUPT_TRIES)
			return ST_NO_MEMORY;
		atomic_pause();
	}
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

enum status frame_pool_alloc(struct frame_pool *pool, frame_slot_id slot,
			     const struct frame_request *request, pfn_t *out)
{
	enum status status;
	uint64_t frame;

	if (!owner_is_lent(request->owner) || request->size > FRAME_RUN ||
	    request->limit > FRAME_BELOW_1M ||
	    request->contents > FRAME_ZEROED ||
	    (request->size == FRAME_RUN && request->pages == 0))
		return ST_BAD_ARGUMENT;
	ASSERT(slot < pool->slots);
	if (request->size == FRAME_RUN)
		status = frame_take_run(pool, slot, request, &frame);
	else
		status = alloc_single(pool, slot, request, &frame);
	if (status != ST_OK)
		return status;
	*out = (pfn_t){ pool->first + frame };
	if (request->contents == FRAME_ZEROED)
		memset(window_at_frame(&pool->window, *out), 0,
		       frames_of(pool, request->size, request->pages) *
			       PAGE_SIZE);
	return ST_OK;
}

/* --- free ------------------------------------------------------------------*/

enum status frame_misused(struct frame_pool *pool, enum frame_misuse misuse,
			  pfn_t frame, const void *caller)
{
	struct frame_complaint complaint = { misuse, frame, caller };

	atomic_fetch_add_relaxed(&pool->misuses, 1);
	if (pool->reporter != NULL)
		pool->reporter->report(pool->reporter, &complaint);
	if (misuse == FRAME_FOREIGN)
		return ST_BAD_RANGE;
	return misuse == FRAME_MISALIGNED ? ST_BAD_ARGUMENT : ST_CONFLICT;
}

static bool free_frame(struct frame_pool *pool, frame_slot_id slot,
		       uint64_t frame)
{
	atomic_store_relaxed(&pool->frame_owner[frame], FRAME_BYTE_FREE);
	return frame_put(pool, slot, frame >> 6, 1UL << (frame & 63)) == 0;
}

static bool free_block(struct frame_pool *pool, frame_slot_id slot,
		       uint64_t block)
{
	atomic_store_relaxed(&pool->block_owner[block], FRAME_BYTE_FREE);
	return frame_put_blocks(pool, slot, block >> 6,
				1UL << (block & 63)) == 0;
}

static bool free_giant(struct frame_pool *pool, frame_slot_id slot,
		       uint64_t giant)
{
	atomic_store_relaxed(&pool->giant_owner[giant], FRAME_BYTE_FREE);
	return frame_put_giant(pool, slot, giant);
}

static bool is_split(const struct frame_pool *pool, uint64_t frame)
{
	return atomic_load_relaxed(&pool->hints[frame >>
						pool->shape.block_shift]) <
	       FRAME_ABSENT;
}

static enum status free_large(struct frame_pool *pool, frame_slot_id slot,
			      const struct frame_return *what)
{
	uint64_t frame = what->frame.raw - pool->first;
	uint64_t block = frame >> pool->shape.block_shift;
	uint64_t giant = block >> pool->shape.giant_shift;
	bool is_block = what->size == FRAME_2M;
	atomic_u8 *byte = is_block ? &pool->block_owner[block] :
				     &pool->giant_owner[giant];
	bool good;

	if (!is_aligned(frame, frames_of(pool, what->size, 0)))
		return frame_misused(pool, FRAME_MISALIGNED, what->frame,
				     what->caller);
	/* There are owners of blocks only where a giant is open. */
	if ((is_block &&
	     frame_giant_state(pool, block) != FRAME_GIANT_OPEN) ||
	    !owner_is_lent(atomic_load_relaxed(byte)))
		return frame_misused(pool, FRAME_NOT_ALLOCATED, what->frame,
				     what->caller);
	good = is_block ? free_block(pool, slot, block) :
			  free_giant(pool, slot, giant);
	return good ? ST_OK : frame_misused(pool, FRAME_FREED_AT_ONCE,
					    what->frame, what->caller);
}

enum status frame_pool_free(struct frame_pool *pool, frame_slot_id slot,
			    const struct frame_return *what)
{
	uint64_t frame = what->frame.raw - pool->first;
	uint8_t owner;

	ASSERT(slot < pool->slots);
	if (what->size > FRAME_RUN ||
	    (what->size == FRAME_RUN && what->pages == 0))
		return ST_BAD_ARGUMENT;
	if (!frame_pool_has(pool, what->frame))
		return frame_misused(pool, FRAME_FOREIGN, what->frame,
				     what->caller);
	if (what->size == FRAME_RUN)
		return frame_put_run(pool, slot, what);
	if (what->size != FRAME_4K)
		return free_large(pool, slot, what);
	if (!is_split(pool, frame))
		return frame_misused(pool, FRAME_NOT_ALLOCATED, what->frame,
				     what->caller);
	owner = atomic_load_relaxed(&pool->frame_owner[frame]);
	if (!owner_is_lent(owner))
		return frame_misused(pool, owner_is_retired(owner) ?
						   FRAME_RETIRED :
						   FRAME_NOT_ALLOCATED,
				     what->frame, what->caller);
	if (!free_frame(pool, slot, frame))
		return frame_misused(pool, FRAME_FREED_AT_ONCE, what->frame,
				     what->caller);
	return ST_OK;
}

/* --- nodes -----------------------------------------------------------------*/

static enum status alloc_nearest(struct frame_nodes *nodes,
				 frame_slot_id slot,
				 const struct frame_request *request,
				 pfn_t *out)
{
	for (unsigned i = 0; i < nodes->count; i++) {
		unsigned node = nodes->order[request->node * nodes->count + i];
		enum status status = frame_pool_alloc(nodes->pool[node], slot,
						      request, out);

		if (status != ST_NO_MEMORY && status != ST_CONFLICT)
			return status;
	}
	return ST_NO_MEMORY;
}

/* All that CPUs have done to all pools; false while one is at it. */
static bool all_at_rest(const struct frame_nodes *nodes, uint64_t *sum)
{
	*sum = 0;
	for (unsigned i = 0; i < nodes->count; i++) {
		uint64_t one;

		if (!frame_at_rest(nodes->pool[i], &one))
			return false;
		*sum += one;
	}
	return true;
}

/*
 * Each node's own refusal names an instant, but another for each: a frame
 * may go home to the first node and the last one of the second be lent while
 * we go from one to the other. So all must be at rest the whole time.
 */
enum status frame_alloc(struct frame_nodes *nodes, frame_slot_id slot,
			const struct frame_request *request, pfn_t *out)
{
	bool search = request->size == FRAME_RUN ||
		      request->limit != FRAME_ANYWHERE;

	if (request->node >= nodes->count)
		return ST_BAD_ARGUMENT;
	if (request->rule == FRAME_NODE_REQUIRED || nodes->count == 1)
		return frame_pool_alloc(nodes->pool[request->node], slot,
					request, out);
	for (unsigned tries = 0; !search || tries < FRAME_RUN_TRIES; tries++) {
		uint64_t before, after;
		bool quiet = all_at_rest(nodes, &before);
		enum status status = alloc_nearest(nodes, slot, request, out);

		if (status != ST_NO_MEMORY)
			return status;
		if (quiet && all_at_rest(nodes, &after) && before == after)
			return ST_NO_MEMORY;
		if (slot & 1)
			return ST_NO_MEMORY;
		atomic_pause();
	}
	return ST_CONFLICT;
}

enum status frame_free(struct frame_nodes *nodes, frame_slot_id slot,
		       const struct frame_return *what)
{
	for (unsigned i = 0; i < nodes->count; i++)
		if (frame_pool_has(nodes->pool[i], what->frame))
			return frame_pool_free(nodes->pool[i], slot, what);
	return frame_misused(nodes->pool[0], FRAME_FOREIGN, what->frame,
			     what->caller);
}
