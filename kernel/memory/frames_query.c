// SPDX-License-Identifier: MIT OR Apache-2.0
/* frames_query.c - queries of the pools: a frame, counts, the audit. */
#include "frames.h"

#include <base/bits.h>

#include <kernel/log/log.h>

#include "frames_internal.h"

enum status frames_query(pfn_t frame, struct frame_info *out)
{
	unsigned pool;
	enum status status = frame_nodes_find(&frames.nodes, frame, &pool);

	if (status == ST_OK)
		*out = frame_pool_query(frames.nodes.pool[pool], frame);
	return status;
}

void frames_count(struct frame_count *out)
{
	struct frame_count one;

	*out = (struct frame_count){ 0 };
	for (unsigned pool = 0; pool < frames.nodes.pools; pool++) {
		frame_pool_count(frames.nodes.pool[pool], &one);
		out->free += one.free;
		out->free_low += one.free_low;
		out->cached += one.cached;
		for (unsigned i = 0; i < ARRAY_LENGTH(one.allocated); i++)
			out->allocated[i] += one.allocated[i];
	}
}

/* --- audit -----------------------------------------------------------------*/

/* Words and blocks of caches that one pass over the caches sorts. */
#define WINDOW	128

bool frames_find_damage(struct frame_finding *out)
{
	/* [O] of the task that audits, one at a time. */
	static struct frame_cached window[WINDOW];

	for (unsigned pool = 0; pool < frames.nodes.pools; pool++) {
		const struct frame_audit_request request = {
			.pool = frames.nodes.pool[pool],
			.caches = frames.caches,
			.slots = 2 * frames.cpus,
			.window = window,
			.window_length = WINDOW,
		};

		if (!frame_audit(&request, out))
			return true;
	}
	return false;
}

bool frames_audit(void)
{
	struct frame_finding finding;
	char text[FRAME_FINDING_BYTES];

	if (!frames_find_damage(&finding))
		return true;
	frame_finding_print(&finding, text);
	log_line(LOG_ERROR, "frames: audit %s", text);
	return false;
}
