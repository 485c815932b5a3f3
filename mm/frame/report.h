/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* report.h - frees that are refused: counted, and reported. */
#ifndef MM_FRAME_REPORT_H
#define MM_FRAME_REPORT_H

#include <mm/frame_pool.h>

#include "layout.h"

void frame_report_bad_free(struct frame_pool *pool,
			   const struct frame_bad_free *bad);
/* Reports, and returns the status that frame_pool_free promises. */
enum status frame_refuse_free(struct frame_pool *pool,
			      enum frame_bad_free_kind kind, pfn_t frame,
			      const void *caller);

/* Of a byte that is not the owner's for whom a frame is freed. */
static inline enum frame_bad_free_kind frame_bad_free_kind_of(uint8_t byte)
{
	if (owner_is_allocated(byte))
		return FRAME_OTHER_OWNER;
	return owner_is_retired(byte) ? FRAME_RETIRED : FRAME_NOT_ALLOCATED;
}

#endif
