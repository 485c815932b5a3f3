// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Exchanges owners' bytes, and splits an allocated block in place.
 *
 * "Allocated" is the absence of a bit and a byte that is not 0, so a change of
 * the byte from one owner to another moves no free memory and announces
 * nothing. A compare-and-exchange decides between CPUs that change one byte.
 *
 * A split exchanges the block's byte for FRAME_BYTE_SPLITTING: the CPU that
 * succeeds has the block for itself, since no free, no exchange and no other
 * split takes that byte. Then it writes the frames' words and bytes and the
 * hint, and the block's byte last. A CPU that finds 0 there therefore finds the
 * frames' bytes, and before that the block is allocated by its own byte.
 */
#include <mm/frame_bytes.h>

#include "block.h"

static uint64_t frames_of_size(const struct frame_pool *pool,
			       enum frame_size size)
{
	if (size == FRAME_4K)
		return 1;
	return size == FRAME_2M ? frames_per_block(pool) :
				  giant_frames(pool->shape);
}

static enum status check_change(const struct frame_pool *pool,
				const struct frame_byte_change *change)
{
	if (change->size >= FRAME_RUN || !owner_is_allocated(change->from) ||
	    !owner_is_allocated(change->to))
		return ST_BAD_ARGUMENT;
	if (!pool_has(pool, change->frame))
		return ST_BAD_RANGE;
	return is_aligned(change->frame.raw - pool->first,
			  frames_of_size(pool, change->size)) ?
		       ST_OK : ST_BAD_ARGUMENT;
}

/* The byte, or NULL where bytes of that size mean nothing. */
static atomic_u8 *find_byte(const struct frame_pool *pool,
			    const struct frame_byte_change *change)
{
	uint64_t frame = change->frame.raw - pool->first;
	uint64_t block = frame >> pool->shape.block_shift;

	ASSERT(frame < pool->frames);
	if (change->size == FRAME_1G)
		return &pool->giant_owner[block >> pool->shape.giant_shift];
	if (frame_giant_state(pool, block) != FRAME_GIANT_OPEN)
		return NULL;
	if (change->size == FRAME_2M)
		return &pool->block_owner[block];
	return frame_has_words(pool, block) ? &pool->frame_owner[frame] : NULL;
}

static bool is_changing(uint8_t byte)
{
	return owner_is_allocated(byte) || byte == FRAME_BYTE_SPLITTING;
}

enum status frame_pool_exchange_byte(struct frame_pool *pool,
				     const struct frame_byte_change *change,
				     uint8_t *found)
{
	enum status status = check_change(pool, change);
	/* `found` may be a part of the change: read that first. */
	uint8_t to = change->to, byte = change->from;
	atomic_u8 *cell;

	if (status != ST_OK)
		return status;
	cell = find_byte(pool, change);
	*found = FRAME_BYTE_FREE;
	if (cell == NULL)
		return ST_NOT_FOUND;
	/* Both ways: a count orders what its holders do with the frame. */
	if (atomic_compare_exchange_acq_rel(cell, &byte, to))
		status = ST_OK;
	else
		status = is_changing(byte) ? ST_CONFLICT : ST_NOT_FOUND;
	*found = byte;
	return status;
}

enum status frame_pool_split(struct frame_pool *pool,
			     const struct frame_byte_change *change)
{
	enum status status = check_change(pool, change);
	uint64_t block = (change->frame.raw - pool->first) >>
			 pool->shape.block_shift;
	uint8_t byte = change->from;
	atomic_u8 *cell;

	if (status != ST_OK)
		return status;
	if (change->size != FRAME_2M)
		return ST_BAD_ARGUMENT;
	cell = find_byte(pool, change);
	/* Acquire: sees what the last owner of the byte did with the block. */
	if (cell == NULL || !atomic_compare_exchange_acq_rel(
				    cell, &byte, FRAME_BYTE_SPLITTING))
		return ST_CONFLICT;
	ASSERT(!frame_block_is_free(pool, block));
	frame_fill_block(pool, block, change->to);
	/* Release: a CPU that sees no owner of the block sees its frames'. */
	atomic_store_release(cell, FRAME_BYTE_FREE);
	return ST_OK;
}

/* --- over all nodes --------------------------------------------------------*/

enum status frame_exchange_byte(struct frame_nodes *nodes,
				const struct frame_byte_change *change,
				uint8_t *found)
{
	unsigned pool;

	if (frame_nodes_find(nodes, change->frame, &pool) != ST_OK)
		return ST_BAD_RANGE;
	return frame_pool_exchange_byte(nodes->pool[pool], change, found);
}

enum status frame_split(struct frame_nodes *nodes,
			const struct frame_byte_change *change)
{
	unsigned pool;

	if (frame_nodes_find(nodes, change->frame, &pool) != ST_OK)
		return ST_BAD_RANGE;
	return frame_pool_split(nodes->pool[pool], change);
}
