// SPDX-License-Identifier: MIT OR Apache-2.0
/* Counts and reports a free that is refused. */
#include "report.h"

void frame_report_bad_free(struct frame_pool *pool,
			   const struct frame_bad_free *bad)
{
	atomic_fetch_add_relaxed(&pool->bad_frees, 1);
	if (pool->reporter != NULL)
		pool->reporter->report(pool->reporter, bad);
}

enum status frame_refuse_free(struct frame_pool *pool,
			      enum frame_bad_free_kind kind, pfn_t frame,
			      const void *caller)
{
	struct frame_bad_free bad = { kind, frame, caller };

	frame_report_bad_free(pool, &bad);
	if (kind == FRAME_FOREIGN)
		return ST_BAD_RANGE;
	return kind == FRAME_MISALIGNED ? ST_BAD_ARGUMENT : ST_CONFLICT;
}
