/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_bytes.h - counts in the owners' bytes of allocated memory, and a block
 * that becomes frames in place.
 *
 * Takes: a frame, block or giant that is allocated, the byte that the caller
 *        believes it has, and the byte that it shall have.
 * Gives: the new byte if the old one was still there, in one locked
 *        instruction. No free memory moves, and nothing is allocated.
 *
 * A page of user memory counts its sharers in its byte, FRAME_BYTE_SHARERS + 0
 * ... 63 for 1 ... 64 or more; a user's page table counts its holders,
 * FRAME_BYTE_HOLDERS + 0 ... 31 for 1 ... 32 or more. At the highest byte of
 * either the exact count is elsewhere.
 */
#ifndef MM_FRAME_BYTES_H
#define MM_FRAME_BYTES_H

#include <mm/frame_nodes.h>

#define FRAME_BYTE_SHARERS	64
#define FRAME_BYTE_SHARERS_MOST	127
#define FRAME_BYTE_HOLDERS_MOST	255

struct frame_byte_change {
	pfn_t frame;		/* the first one of that size                */
	enum frame_size size;	/* as it was allocated; no FRAME_RUN         */
	uint8_t from, to;	/* bytes of what is allocated                */
};

/*
 * Writes `to` if the byte is `from`. `found` is the byte that was there, and 0
 * where there is none. Frames of a run are of 4 KiB, but for its whole blocks.
 * Fails: ST_CONFLICT: allocated in this size with another byte, or a block that
 *        another CPU splits at this moment;
 *        ST_NOT_FOUND: not allocated in this size, or kept for good;
 *        ST_BAD_ARGUMENT (bytes, size, misaligned), ST_BAD_RANGE (foreign).
 *        Nothing has changed then.
 * Locks: none. From any context but NMI.
 * Cost:  one locked instruction.
 */
enum status frame_pool_exchange_byte(struct frame_pool *pool,
				     const struct frame_byte_change *change,
				     uint8_t *found);

/*
 * A block that was allocated whole, by itself or in a run, becomes frames of
 * 4 KiB that are allocated with the byte `to`. Each is freed by itself. At
 * each instant all of them are allocated: no CPU gets one, and a query says
 * so. Only the owner of a block frees or splits it, and not both at once.
 * Fails: ST_CONFLICT: it is not allocated whole with the byte `from`;
 *        ST_BAD_ARGUMENT (bytes, a size that is not FRAME_2M, misaligned),
 *        ST_BAD_RANGE (foreign). Nothing has changed then.
 * Locks: none. From any context but NMI.
 * Cost:  O(frames of a block / 8) stores, one locked instruction.
 */
enum status frame_pool_split(struct frame_pool *pool,
			     const struct frame_byte_change *change);

/* The same, wherever the frame is. */
enum status frame_exchange_byte(struct frame_nodes *nodes,
				const struct frame_byte_change *change,
				uint8_t *found);
enum status frame_split(struct frame_nodes *nodes,
			const struct frame_byte_change *change);

#endif
