// SPDX-License-Identifier: MIT OR Apache-2.0
/* A free that is refused: counted, reported, and turned into a status. */
#include "internal.h"

enum status frame_report_bad_free(struct frame_pool *pool,
				  enum frame_bad_free_kind kind, pfn_t frame,
				  const void *caller)
{
	struct frame_bad_free bad = { kind, frame, caller };

	atomic_fetch_add_relaxed(&pool->bad_frees, 1);
	if (pool->reporter != NULL)
		pool->reporter->report(pool->reporter, &bad);
	if (kind == FRAME_FOREIGN)
		return ST_BAD_RANGE;
	return kind == FRAME_MISALIGNED ? ST_BAD_ARGUMENT : ST_CONFLICT;
}
