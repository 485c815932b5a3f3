// SPDX-License-Identifier: MIT OR Apache-2.0
/* A whole block that no CPU can reach becomes frames, all of them allocated. */
#include "block.h"

#include <base/string.h>

void frame_fill_block(struct frame_pool *pool, uint64_t block, uint8_t owner)
{
	atomic_u64 *words = block_words(pool, block);

	/* Of a block that was never split they mean nothing. */
	for (uint64_t i = 0; i < words_per_block(pool); i++)
		atomic_store_relaxed(&words[i], 0);
	memset(&pool->frame_owner[block << pool->shape.block_shift], owner,
	       frames_per_block(pool));
	/* Release: a CPU that sees that it is split sees words and bytes. */
	atomic_store_release(&pool->hints[block], 0);
}
