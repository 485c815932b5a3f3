/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* report.h - frees that are refused: counted, and reported. */
#ifndef MM_FRAME_REPORT_H
#define MM_FRAME_REPORT_H

#include <mm/frame_pool.h>

void frame_report_bad_free(struct frame_pool *pool,
			   const struct frame_bad_free *bad);
/* Reports, and returns the status that frame_pool_free promises. */
enum status frame_refuse_free(struct frame_pool *pool,
			      enum frame_bad_free_kind kind, pfn_t frame,
			      const void *caller);

#endif
