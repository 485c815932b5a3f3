// SPDX-License-Identifier: MIT OR Apache-2.0
/* A whole block that no CPU can reach becomes frames, all of them allocated. */
#include "block.h"

/* Bytes that are written by one store, all with the same value. */
#define AT_ONCE		8U
#define EIGHT_BYTES	0x0101010101010101UL

void frame_fill_block(struct frame_pool *pool, uint64_t block, uint8_t owner)
{
	atomic_u8 *bytes = &pool->frame_owner[block << pool->shape.block_shift];
	atomic_u64 *words = block_words(pool, block);

	ASSERT(owner_is_allocated(owner));
	/* Of a block that was never split they mean nothing. */
	for (uint64_t i = 0; i < words_per_block(pool); i++)
		atomic_store_relaxed(&words[i], 0);
	for (uint64_t i = 0; i < frames_per_block(pool); i += AT_ONCE)
		atomic_store_relaxed(atomic_u8_group_at(&bytes[i]),
				     owner * EIGHT_BYTES);
	/* Release: a CPU that sees that it is split sees words and bytes. */
	atomic_store_release(&pool->hints[block], 0);
}
