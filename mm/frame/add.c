// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory that becomes a pool's: as free, or as allocated already.
 *
 * A pool begins empty. Frames that are added are published in their largest
 * size; frames that are adopted get their owner's byte and no bit.
 */
#include <mm/frame_add.h>

#include "block.h"

#define LINE 64UL

/* --- measure and init -----------------------------------------------------*/

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
	out->activity = request->slots * sizeof(struct frame_activity);
	return ST_OK;
}

static void init_trees(struct frame_pool *pool, void *memory, uint64_t bytes)
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
	ASSERT((char *)next <= (char *)memory + bytes);
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
		.activity = request->activity,
		.reporter = request->reporter,
		.window = request->window,
	};
	if (pool->first < below_4g)
		pool->low_end = min_u64(below_4g - pool->first, pool->frames);
	pool->giant_state = pool->giant_owner + (pool->frames /
						 giant_frames(pool->shape));
	memset(request->hints, FRAME_ABSENT & 0xff, sizes.hints);
	memset(request->giant_owner, FRAME_BYTE_FREE, sizes.giant_owner);
	memset(request->activity, 0, sizes.activity);
	init_trees(pool, request->trees, sizes.trees);
	return ST_OK;
}

/* --- add ------------------------------------------------------------------*/

/* A part of a block, or a block that is split or was allocated in parts. */
static void add_part(struct frame_pool *pool, cpu_slot slot,
		     uint64_t first, uint64_t end)
{
	uint64_t block = first >> pool->shape.block_shift;

	frame_open_absent_block(pool, block);
	while (first < end) {
		uint64_t next = min_u64(align_down(first, 64) + 64, end);
		uint64_t mask = ALL_ONES >> (64 - (next - first));

		memset(&pool->frame_owner[first], FRAME_BYTE_FREE,
		       next - first);
		EXPECT_NONE(frame_return_word(pool, slot,
					      first >> FRAME_WORD_SHIFT,
					      mask << (first & 63)));
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
static uint64_t add_blocks(struct frame_pool *pool, cpu_slot slot,
			   uint64_t first, uint64_t end)
{
	uint64_t next = min_u64(align_down(first, 64) + 64, end);

	frame_open_giant(pool, first >> pool->shape.giant_shift);
	fill_hints(pool, first, next - first, FRAME_UNINIT);
	EXPECT_NONE(frame_return_blocks(pool, slot, first >> 6,
					mask_between(first, next)));
	return next;
}

/* The same of giants. */
static uint64_t add_giants(struct frame_pool *pool, cpu_slot slot,
			   uint64_t first, uint64_t end)
{
	uint64_t next = min_u64(align_down(first, 64) + 64, end);

	memset(&pool->giant_state[first], FRAME_GIANT_UNINIT, next - first);
	EXPECT_NONE(frame_return_giants(pool, slot, first >> 6,
					mask_between(first, next)));
	return next;
}

static bool eight_are_foreign(const struct frame_pool *pool, uint64_t first)
{
	atomic_u8 *owner = &pool->frame_owner[first];

	return first % 8 == 0 &&
	       atomic_load_relaxed(atomic_u8_group_at(owner)) ==
		       FRAME_BYTE_FOREIGN * 0x0101010101010101UL;
}

static bool are_foreign(const struct frame_pool *pool, uint64_t first,
			uint64_t end)
{
	for (uint64_t at = first; at < end; at++)
		if (end - at >= 8 && eight_are_foreign(pool, at))
			at += 7;
		else if (atomic_load_relaxed(&pool->frame_owner[at]) !=
			 FRAME_BYTE_FOREIGN)
			return false;
	return true;
}

/* The first block from `block` on that is not absent, at most `last`. */
static uint64_t skip_absent_blocks(const struct frame_pool *pool,
				   uint64_t block, uint64_t last)
{
	while (block < last &&
	       atomic_load_relaxed(&pool->hints[block]) == FRAME_ABSENT)
		block++;
	return block;
}

/* Whether the pool has a frame of [first..end), which is inside a giant. */
static bool has_any_of_giant(const struct frame_pool *pool, uint64_t first,
			     uint64_t end)
{
	unsigned shift = pool->shape.block_shift;
	enum frame_giant state = frame_giant_state(pool, first >> shift);
	uint64_t next;

	if (state != FRAME_GIANT_OPEN)
		return state == FRAME_GIANT_UNINIT;
	for (; first < end; first = next) {
		uint64_t block = skip_absent_blocks(pool, first >> shift,
						    (end - 1) >> shift);
		uint16_t hint = atomic_load_relaxed(&pool->hints[block]);

		first = max_u64(first, block << shift);
		next = min_u64((block + 1) << shift, end);
		if (hint == FRAME_ABSENT)
			continue;
		if (hint > FRAME_ABSENT || !are_foreign(pool, first, next))
			return true;
	}
	return false;
}

/* The first giant of [giant..end) that has a frame, or `end`. */
static uint64_t skip_absent(const struct frame_pool *pool, uint64_t giant,
			    uint64_t end)
{
	const atomic_u8 *at = pool->giant_state + giant;
	const atomic_u8 *last = pool->giant_state + end;

	while (at < last && atomic_load_relaxed(at) == FRAME_GIANT_ABSENT)
		at++;
	return (uint64_t)(at - pool->giant_state);
}

static bool has_any(const struct frame_pool *pool, uint64_t first, uint64_t end)
{
	unsigned shift = pool->shape.block_shift + pool->shape.giant_shift;
	uint64_t giants = ((end - 1) >> shift) + 1;
	uint64_t giant = first >> shift;

	ASSERT(first < end && end <= pool->frames);
	for (; giant < giants; giant++) {
		giant = skip_absent(pool, giant, giants);
		if (giant < giants &&
		    has_any_of_giant(pool, max_u64(first, giant << shift),
				     min_u64((giant + 1) << shift, end)))
			return true;
	}
	return false;
}

enum status frame_pool_add(struct frame_pool *pool, cpu_slot slot,
			   struct frame_run run)
{
	uint64_t first = run.first.raw - pool->first;
	uint64_t end;

	if (run.first.raw < pool->first || run.frames == 0 ||
	    add_overflows(first, run.frames, &end) || end > pool->frames)
		return ST_BAD_RANGE;
	if (has_any(pool, first, end))
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

/* --- adopt ----------------------------------------------------------------*/

static void adopt_block(struct frame_pool *pool, uint64_t block, uint8_t owner)
{
	frame_open_giant(pool, block >> pool->shape.giant_shift);
	atomic_store_relaxed(&pool->hints[block], FRAME_UNINIT);
	atomic_store_relaxed(&pool->block_owner[block], owner);
}

enum status frame_pool_adopt(struct frame_pool *pool,
			     const struct frame_adoption *adoption)
{
	uint64_t first = adoption->run.first.raw - pool->first, end;
	uint64_t frames = frames_per_block(pool);

	if (adoption->run.first.raw < pool->first ||
	    adoption->run.frames == 0 ||
	    add_overflows(first, adoption->run.frames, &end) ||
	    end > pool->frames)
		return ST_BAD_RANGE;
	if (!owner_is_allocated(adoption->owner) ||
	    (adoption->size != FRAME_4K && adoption->size != FRAME_RUN))
		return ST_BAD_ARGUMENT;
	if (has_any(pool, first, end))
		return ST_CONFLICT;
	while (first < end) {
		uint64_t block = first >> pool->shape.block_shift;
		uint64_t next = min_u64(align_down(first, frames) + frames,
					end);

		if (adoption->size == FRAME_RUN && next - first == frames) {
			adopt_block(pool, block, adoption->owner);
			first = next;
			continue;
		}
		frame_open_absent_block(pool, block);
		memset(&pool->frame_owner[first], adoption->owner,
		       next - first);
		first = next;
	}
	return ST_OK;
}
