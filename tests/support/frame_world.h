/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_world.h - a pool of any shape with its arrays, and its reports.
 */
#ifndef TESTS_FRAME_WORLD_H
#define TESTS_FRAME_WORLD_H

#include <mm/frame_add.h>
#include <mm/frame_audit.h>
#include <mm/frame_nodes.h>
#include <mm/frame_query.h>

#include <stdbool.h>

struct frame_world {
	struct frame_reporter reporter;
	struct frame_bad_free last;	/* of `reports`                   */
	unsigned reports;
	struct frame_pool pool;
	struct frame_pool_sizes sizes;
	struct frame_cache_set set;
	uint64_t frames;
	unsigned char *memory;		/* frames' content, if asked for     */
	void *arrays[7];
};

enum frame_world_memory {
	FRAME_WORLD_NUMBERS,		/* metadata only                     */
	FRAME_WORLD_MEMORY,		/* the frames have content           */
};

struct frame_world_request {
	struct frame_shape shape;
	pfn_t first;
	uint64_t frames;
	unsigned cpus;
	enum frame_world_memory memory;
};

/* An empty pool; its undefined arrays have random bytes. */
struct frame_world *frame_world_new(const struct frame_world_request *request);
/* The same with all frames added and caches in front. */
struct frame_world *frame_world_full(const struct frame_world_request *request);
void frame_world_free(struct frame_world *world);

/* Quiet moment: what the audit of the pool and all caches finds. */
enum frame_finding_kind frame_world_find(const struct frame_world *world,
					 struct frame_finding *out);
/*
 * Quiet moment: it finds nothing, and bits and caches together are exactly
 * `free` frames.
 */
bool frame_world_audit(const struct frame_world *world, uint64_t free);

#endif
