/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* audit.h - the frames in caches in ascending order, and what holds a frame. */
#ifndef MM_FRAME_AUDIT_INTERNAL_H
#define MM_FRAME_AUDIT_INTERNAL_H

#include <mm/frame_audit.h>

/* An audit that is under way. */
struct audit {
	const struct frame_audit_request *request;
	const struct frame_pool *pool;
	struct frame_finding *out;
	/* window[next..count) comes next, ascending; `last` was before it. */
	unsigned next, count;
	bool has_last;
	struct frame_cached last;
};

/* --- audit_caches.c ------------------------------------------------------*/

/*
 * The frames of entry `index` of a cache, which may be none; false when it
 * has no such entry.
 */
bool frame_cached_at(const struct frame_cache *cache, unsigned index,
		     struct frame_cached *out);

/* Entries of caches that begin below `end`, one by one, then NULL. */
const struct frame_cached *frame_cached_next(struct audit *audit,
					     uint64_t end);

/* C3, C4: what it finds, or nothing. */
enum frame_finding_kind frame_check_cache(const struct frame_cache *cache);

/* --- audit_finding.c -----------------------------------------------------*/

/*
 * Notes what is wrong with relative frame `frame`, and what holds it.
 * Returns false, for a caller that ends there.
 */
bool frame_found(struct audit *audit, enum frame_finding_kind kind,
		 uint64_t frame);
/* The same for a CPU's steps or its cache. */
bool frame_found_slot(struct audit *audit, enum frame_finding_kind kind,
		      cpu_slot slot);

#endif
