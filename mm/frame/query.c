// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * State and owner of one frame, counts of all frames, and the free runs.
 *
 * A frame that has neither a bit nor an owner, in any size, is cached or
 * claimed by a CPU that moves it. At a quiet moment only cached frames are
 * left, so this count can be compared with what the caches hold.
 */
#include <mm/frame_query.h>

#include "block.h"

/* --- one frame -------------------------------------------------------------*/

bool frame_pool_has(const struct frame_pool *pool, pfn_t frame)
{
	return pool_has(pool, frame);
}

static struct frame_info seen(enum frame_state state, enum frame_size size,
			      uint8_t owner)
{
	return (struct frame_info){ state, size, owner };
}

static struct frame_info query_in_block(const struct frame_pool *pool,
					uint64_t frame)
{
	uint64_t word = atomic_load_relaxed(
		&pool->bits[frame >> FRAME_WORD_SHIFT]);
	uint8_t byte = atomic_load_relaxed(&pool->frame_owner[frame]);

	ASSERT(frame < pool->frames);
	if (word >> (frame & 63) & 1)
		return seen(FRAME_STATE_FREE, FRAME_4K, FRAME_BYTE_FREE);
	if (byte == FRAME_BYTE_FREE)
		return seen(FRAME_STATE_CACHED, FRAME_4K, byte);
	if (owner_is_allocated(byte) || owner_is_retired(byte))
		return seen(FRAME_STATE_ALLOCATED, FRAME_4K, byte);
	return seen(FRAME_STATE_FOREIGN, FRAME_4K, byte);
}

struct frame_info frame_pool_query(const struct frame_pool *pool, pfn_t at)
{
	uint64_t frame = at.raw - pool->first;
	uint64_t block = frame >> pool->shape.block_shift;
	uint64_t giant = block >> pool->shape.giant_shift;
	uint8_t byte;

	if (!frame_pool_has(pool, at))
		return seen(FRAME_STATE_FOREIGN, FRAME_4K, FRAME_BYTE_FREE);
	if (frame_tree_has(&pool->giants, giant))
		return seen(FRAME_STATE_FREE, FRAME_1G, FRAME_BYTE_FREE);
	byte = atomic_load_relaxed(&pool->giant_owner[giant]);
	if (owner_is_allocated(byte))
		return seen(FRAME_STATE_ALLOCATED, FRAME_1G, byte);
	/* UNINIT, neither free nor allocated: a CPU is moving it. */
	if (frame_giant_state(pool, block) != FRAME_GIANT_OPEN)
		return seen(FRAME_STATE_CACHED, FRAME_1G, FRAME_BYTE_FREE);
	if (frame_tree_has(&pool->blocks, block))
		return seen(FRAME_STATE_FREE, FRAME_2M, FRAME_BYTE_FREE);
	/* Acquire: a CPU that sees it split in place sees frames' bytes. */
	byte = atomic_load_acquire(&pool->block_owner[block]);
	if (owner_is_allocated(byte) || byte == FRAME_BYTE_SPLITTING)
		return seen(FRAME_STATE_ALLOCATED, FRAME_2M, byte);
	if (!frame_has_words(pool, block))
		return seen(FRAME_STATE_CACHED, FRAME_2M, FRAME_BYTE_FREE);
	return query_in_block(pool, frame);
}

/* --- all of them -----------------------------------------------------------*/

static void count_byte(uint8_t byte, uint64_t frames, struct frame_count *out)
{
	if (byte == FRAME_BYTE_FREE)
		out->cached += frames;
	else if (owner_is_allocated(byte) || owner_is_retired(byte))
		out->allocated[byte] += frames;
}

/* Frames of one word that are not free; often all have one owner. */
static void count_owners(const atomic_u8 *owner, uint64_t used,
			 struct frame_count *out)
{
	for (unsigned i = 0; i < FRAME_WORD_BITS; i += 8) {
		uint8_t byte = atomic_load_relaxed(&owner[i]);
		uint64_t eight;

		__builtin_memcpy(&eight, &owner[i], sizeof(eight));
		if ((used >> i & 0xff) == 0xff &&
		    eight == byte * 0x0101010101010101UL) {
			count_byte(byte, 8, out);
			continue;
		}
		for (unsigned j = i; j < i + 8; j++)
			if (used >> j & 1)
				count_byte(atomic_load_relaxed(&owner[j]), 1,
					   out);
	}
}

static void count_split(const struct frame_pool *pool, uint64_t block,
			struct frame_count *out)
{
	const atomic_u64 *words = block_words(pool, block);
	const atomic_u8 *owner =
		&pool->frame_owner[block << pool->shape.block_shift];

	for (uint64_t i = 0; i < words_per_block(pool); i++) {
		uint64_t word = atomic_load_relaxed(&words[i]);

		out->free += count_ones(word);
		if (word != ALL_ONES)
			count_owners(owner + i * FRAME_WORD_BITS, ~word, out);
	}
}

/* Of an open giant, and not free. */
static void count_block(const struct frame_pool *pool, uint64_t block,
			struct frame_count *out)
{
	uint8_t byte = atomic_load_relaxed(&pool->block_owner[block]);
	uint16_t hint = atomic_load_relaxed(&pool->hints[block]);

	if (hint == FRAME_ABSENT)
		return;
	if (owner_is_allocated(byte))
		out->allocated[byte] += frames_per_block(pool);
	else if (hint == FRAME_UNINIT)
		out->cached += frames_per_block(pool);
	else
		count_split(pool, block, out);
}

static uint64_t count_low(const struct frame_pool *pool)
{
	uint64_t low = 0;

	for (uint64_t at = pool->first; at < MIB >> PAGE_SHIFT; at++)
		low += frame_pool_query(pool, (pfn_t){ at }).state ==
		       FRAME_STATE_FREE;
	return low;
}

/* Blocks [first..end) of one word of the tree. */
static void count_blocks(const struct frame_pool *pool, uint64_t first,
			 uint64_t end, struct frame_count *out)
{
	uint64_t mask = ALL_ONES >> (64 - (end - first)) << (first & 63);
	uint64_t free = atomic_load_relaxed(
		&pool->blocks.level[0][first >> 6]) & mask;

	ASSERT(first < end && end <= align_down(first, 64) + 64);
	out->free += count_ones(free) * frames_per_block(pool);
	for (uint64_t rest = mask & ~free; rest != 0; rest &= rest - 1)
		count_block(pool, align_down(first, 64) + (uint64_t)
			    __builtin_ctzl(rest), out);
}

/* One that is not free. */
static void count_giant(const struct frame_pool *pool, uint64_t giant,
			struct frame_count *out)
{
	uint64_t blocks = blocks_per_giant(pool), first = giant * blocks;
	uint64_t end = first + blocks;
	uint64_t frames = blocks << pool->shape.block_shift;
	enum frame_giant state = frame_giant_state(pool, first);
	uint8_t byte = atomic_load_relaxed(&pool->giant_owner[giant]);

	if (owner_is_allocated(byte)) {
		out->allocated[byte] += frames;
	} else if (state == FRAME_GIANT_UNINIT) {
		out->cached += frames;
	} else if (state == FRAME_GIANT_OPEN) {
		for (; first < end; first = align_down(first, 64) + 64)
			count_blocks(pool, first,
				     min_u64(align_down(first, 64) + 64, end),
				     out);
	}
}

void frame_pool_count(const struct frame_pool *pool, struct frame_count *out)
{
	unsigned shift = pool->shape.block_shift + pool->shape.giant_shift;
	uint64_t giants = pool->frames >> shift;

	*out = (struct frame_count){ .free_low = count_low(pool) };
	for (uint64_t first = 0; first < giants; first += 64) {
		uint64_t mask = ALL_ONES >> (64 - min_u64(giants - first, 64));
		uint64_t free = atomic_load_relaxed(
			&pool->giants.level[0][first >> 6]) & mask;

		out->free += (uint64_t)count_ones(free) << shift;
		for (uint64_t rest = mask & ~free; rest != 0; rest &= rest - 1)
			count_giant(pool, first + (uint64_t)
				    __builtin_ctzl(rest), out);
	}
	/* Each frame is read once, even while CPUs allocate and free. */
	ASSERT(out->free + out->cached <= pool->frames);
}

void frame_pool_stats(const struct frame_pool *pool,
		      struct frame_stats *out)
{
	uint64_t blocks = pool_blocks(pool);

	*out = (struct frame_stats){ 0 };
	for (uint64_t block = 0; block < blocks; block++) {
		const atomic_u64 *words = block_words(pool, block);
		uint16_t hint = atomic_load_relaxed(&pool->hints[block]);

		out->whole_blocks += frame_block_is_free(pool, block);
		for (uint64_t i = 0;
		     hint != FRAME_ABSENT && hint != FRAME_UNINIT &&
		     i < words_per_block(pool); i++)
			out->split_frames +=
				count_ones(atomic_load_relaxed(&words[i]));
	}
	for (uint64_t giant = 0; giant < blocks >> pool->shape.giant_shift;
	     giant++)
		out->whole_giants += frame_tree_has(&pool->giants, giant);
	out->free_frames = out->split_frames +
			   (out->whole_blocks << pool->shape.block_shift) +
			   (out->whole_giants << (pool->shape.block_shift +
						  pool->shape.giant_shift));
}

/* --- what is free, as runs -------------------------------------------------*/

struct joining {
	struct frame_run run;	/* not told yet; 0 frames: none      */
	bool (*visit)(void *context, struct frame_run run);
	void *context;
};

/* Joins with what came before, or tells that; false: enough. */
static bool join(struct joining *joining, uint64_t first, uint64_t frames)
{
	struct frame_run told = joining->run;

	if (frames == 0)
		return true;
	if (told.frames != 0 && told.first.raw + told.frames == first) {
		joining->run.frames += frames;
		return true;
	}
	ASSERT(told.frames == 0 || told.first.raw + told.frames < first);
	joining->run = (struct frame_run){ { first }, frames };
	return told.frames == 0 || joining->visit(joining->context, told);
}

/* The frames of a split block, 64 at a step where they are all alike. */
static bool visit_split(const struct frame_pool *pool, uint64_t block,
			struct joining *joining)
{
	uint64_t first = pool->first + (block << pool->shape.block_shift);
	const atomic_u64 *words = block_words(pool, block);

	for (uint64_t i = 0; i < words_per_block(pool); i++) {
		uint64_t word = atomic_load_relaxed(&words[i]);
		uint64_t base = first + i * FRAME_WORD_BITS;

		if (word == ALL_ONES) {
			if (!join(joining, base, FRAME_WORD_BITS))
				return false;
			continue;
		}
		for (; word != 0; word &= word - 1)
			if (!join(joining, base + (uint64_t)
				  __builtin_ctzl(word), 1))
				return false;
	}
	return true;
}

static bool visit_block(const struct frame_pool *pool, uint64_t block,
			struct joining *joining)
{
	uint64_t first = pool->first + (block << pool->shape.block_shift);
	uint16_t hint = atomic_load_relaxed(&pool->hints[block]);

	if (frame_tree_has(&pool->giants, block >> pool->shape.giant_shift) ||
	    frame_block_is_free(pool, block))
		return join(joining, first, frames_per_block(pool));
	if (hint == FRAME_ABSENT || hint == FRAME_UNINIT)
		return true;
	return visit_split(pool, block, joining);
}

void frame_pool_visit(const struct frame_pool *pool,
		      bool (*visit)(void *context, struct frame_run run),
		      void *context)
{
	struct joining joining = { .visit = visit, .context = context };

	for (uint64_t block = 0; block < pool_blocks(pool); block++) {
		if (frame_giant_state(pool, block) == FRAME_GIANT_ABSENT)
			block |= blocks_per_giant(pool) - 1;
		else if (!visit_block(pool, block, &joining))
			return;
	}
	if (joining.run.frames != 0)
		visit(context, joining.run);
}
