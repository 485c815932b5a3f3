/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* many_scene.h - calls for many frames at once, and frames in between. */
#ifndef TESTS_MANY_SCENE_H
#define TESTS_MANY_SCENE_H

#include <mm/frame_many.h>

#include "check.h"
#include "frame_world.h"

#define TINY	((struct frame_shape){ 6, 2 })
#define BLOCK	64
#define MARK	((const void *)0x1234)
#define ALL	8192
#define MINE	OWNER_HEAP
#define OTHERS	OWNER_LOG

static inline struct frame_world *tiny(uint64_t frames)
{
	return frame_world_full(&(struct frame_world_request){
		.shape = TINY, .frames = frames, .cpus = 2 });
}

static inline enum status get_many(struct frame_world *world, pfn_t *frames,
			    uint64_t count)
{
	struct frame_request request = { .owner = MINE };

	return frame_pool_alloc_many(&world->pool, 0, &request,
				     (struct frame_array){ frames, count });
}

static inline enum status give_many(struct frame_world *world,
				    const pfn_t *frames, uint64_t count)
{
	return frame_pool_free_many(&world->pool, 0,
				    &(struct frame_many_return){
		.frames = frames, .count = count, .owner = MINE,
		.caller = MARK });
}

static inline pfn_t get(struct frame_world *world, enum frame_size size)
{
	struct frame_request request = { .size = size, .owner = OTHERS };
	pfn_t frame = { UINT64_MAX };

	CHECK(frame_pool_alloc(&world->pool, 0, &request, &frame) == ST_OK);
	return frame;
}

static inline enum status give(struct frame_world *world, uint64_t frame)
{
	return frame_pool_free(&world->pool, 0, &(struct frame_return){
		.frame = { frame }, .caller = MARK });
}

static inline bool is_mine(const struct frame_world *world, uint64_t frame)
{
	struct frame_info info = frame_pool_query(&world->pool,
						  (pfn_t){ frame });

	return info.state == FRAME_STATE_ALLOCATED && info.size == FRAME_4K &&
	       info.owner == MINE;
}

/* All of them, and each once. */
static inline bool are_mine(const struct frame_world *world,
			    const pfn_t *frames, uint64_t count)
{
	static bool seen[ALL];
	bool good = true;

	memset(seen, 0, sizeof(seen));
	for (uint64_t i = 0; i < count; i++) {
		good = good && frames[i].raw < ALL && !seen[frames[i].raw] &&
		       is_mine(world, frames[i].raw);
		if (frames[i].raw < ALL)
			seen[frames[i].raw] = true;
	}
	return good;
}

static inline void shuffle(pfn_t *frames, uint64_t count, uint64_t *seed)
{
	for (uint64_t i = 1; i < count; i++) {
		uint64_t j = check_random(seed) % (i + 1);
		pfn_t one = frames[i];

		frames[i] = frames[j];
		frames[j] = one;
	}
}

#endif
