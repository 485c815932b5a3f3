/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * explored_scene.h - a small pool of explored_frame.h in memory that is its
 * own, and what the processors were told.
 */
#ifndef TESTS_EXPLORED_SCENE_H
#define TESTS_EXPLORED_SCENE_H

#include "explored_frame.h"

/* After it: that one gives other names to what the headers declare. */
#include <mm/frame_audit.h>

/* Blocks of two words, two to a giant. */
#define FRAMES 256
#define BLOCK 128

struct scene {
	struct frame_pool pool;
	atomic_u64 bits[FRAMES / 64];
	atomic_u16 hints[32];
	atomic_u8 frame_owner[FRAMES], block_owner[64], giant_owner[64];
	atomic_u64 trees[64];
	struct frame_activity activity[6];
	enum status status[3];
};

/* The pool begins at frame `begin`. */
static inline struct frame_pool_request pool_of(struct scene *at,
						uint64_t begin)
{
	return (struct frame_pool_request){
		.first = { begin }, .frames = FRAMES, .shape = { 7, 1 },
		.slots = 6, .bits = at->bits, .hints = at->hints,
		.frame_owner = at->frame_owner,
		.block_owner = at->block_owner,
		.giant_owner = at->giant_owner,
		.trees = at->trees, .activity = at->activity,
	};
}

static inline bool scene_has_free(const struct scene *at, uint64_t want)
{
	struct frame_stats stats;

	frame_pool_stats(&at->pool, &stats);
	return stats.free_frames == want && frame_pool_audit(&at->pool);
}

#endif
