/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * source.h - where one page comes from and where it goes back to.
 *
 * The seam between a room that needs pages and the one that has them: the
 * early list, the frame allocator, a test that fails on call n.
 */
#ifndef MM_SOURCE_H
#define MM_SOURCE_H

#include <base/address.h>
#include <base/status.h>

struct frame_source {
	/*
	 * Allocates one page; its contents are not defined.
	 * Fails: ST_NO_MEMORY, and then nothing has changed.
	 */
	enum status (*take)(struct frame_source *source, pfn_t *out);
	/* Frees a page that `take` allocated. Cannot fail. */
	void (*give)(struct frame_source *source, pfn_t frame);
};

static inline enum status frame_source_take(struct frame_source *source,
					    pfn_t *out)
{
	return source->take(source, out);
}

static inline void frame_source_give(struct frame_source *source, pfn_t frame)
{
	source->give(source, frame);
}

#endif
