/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * source.h - the interface that allocates and frees single pages.
 *
 * Rooms that need pages call it; the early list, the frame pools and the tests
 * implement it, for example a test that fails on call n.
 */
#ifndef MM_SOURCE_H
#define MM_SOURCE_H

#include <base/address.h>
#include <base/status.h>

struct frame_source {
	/*
	 * Allocates one page; its contents are not defined.
	 * Fails: ST_NO_MEMORY; nothing is changed then.
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
