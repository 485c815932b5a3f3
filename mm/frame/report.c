// SPDX-License-Identifier: MIT OR Apache-2.0
/* A free that is refused: counted, reported, and turned into a status. */
#include "internal.h"

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
