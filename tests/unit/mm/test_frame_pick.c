// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/pick.c: allocates one frame by its number, from any block. */
#include "check.h"
#include "fake_cpu.h"
#include "frame_world.h"

#include <base/bits.h>
#include <boot/owner.h>

#include <mm/frame/block.h>

#define TINY ((struct frame_shape){ 6, 2 })
#define TINY_BLOCK 64
#define TINY_GIANT 256
#define FIXED_AS_BAD ((uint8_t)(FRAME_BYTE_FIXED | OWNER_BAD))
#define MARK ((const void *)0x1234)

static struct frame_world *world_of(uint64_t first, uint64_t frames)
{
	return frame_world_full(&(struct frame_world_request){
		.shape = TINY, .first = { first }, .frames = frames,
		.cpus = 2 });
}

static enum status pick(struct frame_world *world, uint64_t frame)
{
	return frame_pool_alloc_at(&world->pool, 0, (pfn_t){ frame },
				   FIXED_AS_BAD);
}

static bool is_bad(const struct frame_world *world, uint64_t frame)
{
	struct frame_info info = frame_pool_query(&world->pool,
						  (pfn_t){ frame });

	return info.state == FRAME_STATE_ALLOCATED && info.size == FRAME_4K &&
	       info.owner == FIXED_AS_BAD;
}

static bool is_free_in(const struct frame_world *world, uint64_t frame,
		       enum frame_size size)
{
	struct frame_info info = frame_pool_query(&world->pool,
						  (pfn_t){ frame });

	return info.state == FRAME_STATE_FREE && info.size == size;
}

CASE(frame_pick_takes_it_out_of_a_giant_a_block_and_a_bitmap)
{
	struct frame_world *world = world_of(3 * TINY_GIANT, 2 * TINY_GIANT);
	uint64_t first = 3 * TINY_GIANT;

	CHECK(is_free_in(world, first + 77, FRAME_1G));
	CHECK(pick(world, first + 77) == ST_OK && is_bad(world, first + 77));
	CHECK(frame_world_audit(world, 2 * TINY_GIANT - 1));
	CHECK(is_free_in(world, first + 76, FRAME_4K));
	CHECK(is_free_in(world, first + 0, FRAME_2M));
	CHECK(is_free_in(world, first + TINY_GIANT, FRAME_1G));
	CHECK(pick(world, first) == ST_OK && is_bad(world, first));
	CHECK(pick(world, first + 63) == ST_OK);
	CHECK(pick(world, first + 2 * TINY_GIANT - 1) == ST_OK);
	CHECK(frame_world_audit(world, 2 * TINY_GIANT - 4));
	frame_world_free(world);
}

CASE(frame_pick_of_a_whole_giant_leaves_nothing)
{
	struct frame_world *world = world_of(0, TINY_GIANT);
	struct frame_request one = { .owner = OWNER_HEAP };
	pfn_t frame;

	for (uint64_t i = 0; i < TINY_GIANT; i++)
		CHECK(pick(world, i * 37 % TINY_GIANT) == ST_OK);
	CHECK(frame_world_audit(world, 0));
	CHECK(frame_pool_alloc(&world->pool, 0, &one, &frame) ==
	      ST_NO_MEMORY);
	frame_world_free(world);
}

/* It holds the block while it takes the frame, and no longer. */
CASE(frame_pick_leaves_its_block_to_others)
{
	struct frame_world *world = world_of(0, TINY_GIANT);
	const struct frame_pool *pool = &world->pool;

	CHECK(pick(world, 70) == ST_OK);
	CHECK(pool->hints[1].plain == TINY_BLOCK - 1);
	CHECK(frame_tree_has(&pool->classes[5], 1));
	for (unsigned i = 0; i < 60; i++)
		CHECK(pick(world, TINY_BLOCK + (i < 6 ? i : i + 1)) == ST_OK);
	CHECK(pool->hints[1].plain == 3);
	CHECK(frame_world_audit(world, TINY_GIANT - 61));
	frame_world_free(world);
}

CASE(frame_pick_is_never_allocated_again)
{
	struct frame_world *world = world_of(0, TINY_GIANT);
	struct frame_request one = { .owner = OWNER_HEAP };
	unsigned allocated = 0;
	pfn_t frame;

	CHECK(pick(world, 100) == ST_OK && pick(world, 200) == ST_OK);
	while (frame_pool_alloc(&world->pool, 0, &one, &frame) == ST_OK) {
		CHECK(frame.raw != 100 && frame.raw != 200);
		allocated++;
	}
	CHECK(allocated == TINY_GIANT - 2);
	for (uint64_t i = 0; i < TINY_GIANT; i++)
		if (i != 100 && i != 200)
			CHECK(frame_pool_free(&world->pool, 0,
					      &(struct frame_return){
				{ i }, FRAME_4K, 0, 0, MARK }) == ST_OK);
	CHECK(frame_world_audit(world, TINY_GIANT - 2));
	CHECK(is_bad(world, 100) && is_bad(world, 200));
	frame_world_free(world);
}

CASE(frame_pick_refuses_what_is_allocated_in_any_size)
{
	static const enum frame_size sizes[] = { FRAME_4K, FRAME_2M, FRAME_1G };

	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		struct frame_world *world = world_of(0, TINY_GIANT);
		struct frame_request request = {
			.size = sizes[i], .owner = OWNER_HEAP };
		struct frame_info info;
		pfn_t frame;

		CHECK(frame_pool_alloc(&world->pool, 0, &request, &frame) ==
		      ST_OK);
		CHECK(pick(world, frame.raw) == ST_CONFLICT);
		info = frame_pool_query(&world->pool, frame);
		CHECK(info.state == FRAME_STATE_ALLOCATED &&
		      info.owner == OWNER_HEAP);
		CHECK(frame_pool_free(&world->pool, 0, &(struct frame_return){
			frame, sizes[i], 0, 0, MARK }) == ST_OK);
		CHECK(pick(world, frame.raw) == ST_OK);
		CHECK(pick(world, frame.raw) == ST_CONFLICT);
		CHECK(is_bad(world, frame.raw));
		CHECK(frame_world_audit(world, TINY_GIANT - 1));
		frame_world_free(world);
	}
}

CASE(frame_pick_refuses_what_a_cache_has_until_it_is_drained)
{
	enum { MANY = 32768 };	/* A small node's caches keep nothing. */
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){
			.shape = { 7, 4 }, .frames = MANY, .cpus = 1 });
	struct frame_cache *cache;
	uint64_t left = MANY - 1;
	pfn_t frame;

	fake_cpu_become(0, CPU_TASK);
	cache = frame_cache_current(&world->set);
	CHECK(frame_cache_alloc(cache, OWNER_HEAP, &frame) == ST_OK);
	CHECK(frame_cache_held(cache) > 0);
	for (uint64_t at = 0; at < MANY; at++) {
		enum frame_state state = frame_pool_query(
			&world->pool, (pfn_t){ at }).state;

		if (state == FRAME_STATE_FREE)
			continue;
		CHECK(pick(world, at) == ST_CONFLICT);
	}
	CHECK(frame_cache_free(cache, frame, MARK) == ST_OK);
	CHECK(pick(world, frame.raw) == ST_CONFLICT);
	CHECK(frame_world_audit(world, MANY));
	frame_cache_drain(cache);
	CHECK(pick(world, frame.raw) == ST_OK && is_bad(world, frame.raw));
	CHECK(frame_world_audit(world, left));
	frame_world_free(world);
}

static bool keeps(const struct frame_world *world, enum status status,
		  enum frame_bad_free_kind kind, uint64_t frame)
{
	return status == ST_CONFLICT && world->last.kind == kind &&
	       world->last.frame.raw == frame &&
	       world->last.caller == MARK && is_bad(world, frame);
}

static struct frame_return back(uint64_t frame, enum frame_size size,
				uint64_t pages)
{
	return (struct frame_return){ { frame }, size, 0, pages, MARK };
}

CASE(frame_pick_refuses_every_free_of_a_retired_frame)
{
	enum { MANY = 32768, BLOCK = 128, AT = 5 * BLOCK };
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){
			.shape = { 7, 4 }, .frames = MANY, .cpus = 1 });
	struct frame_pool *pool = &world->pool;
	struct frame_return one = back(AT, FRAME_4K, 0);
	struct frame_return run = back(AT, FRAME_RUN, 3);
	struct frame_return block = back(AT, FRAME_2M, 0);
	struct frame_count count;
	struct frame_cache *cache;

	fake_cpu_become(0, CPU_TASK);
	cache = frame_cache_current(&world->set);
	CHECK(pick(world, AT) == ST_OK);
	CHECK(keeps(world, frame_pool_free(pool, 0, &one), FRAME_RETIRED,
		    AT));
	CHECK(keeps(world, frame_cache_free(cache, one.frame, MARK),
		    FRAME_RETIRED, AT));
	CHECK(keeps(world, frame_pool_free(pool, 0, &run), FRAME_RETIRED,
		    AT));
	CHECK(keeps(world, frame_pool_free(pool, 0, &block),
		    FRAME_NOT_ALLOCATED, AT));
	CHECK(keeps(world, frame_cache_free_block(cache, one.frame, MARK),
		    FRAME_NOT_ALLOCATED, AT));
	CHECK(world->reports == 5);
	CHECK(pick(world, AT) == ST_CONFLICT);
	CHECK(frame_pool_add(pool, 0, (struct frame_run){ { AT }, 1 }) ==
	      ST_CONFLICT);
	CHECK(frame_pool_adopt(pool, &(struct frame_adoption){
		{ { AT }, 1 }, FRAME_4K, OWNER_LOG }) == ST_CONFLICT);
	frame_pool_count(pool, &count);
	CHECK(count.allocated[FIXED_AS_BAD] == 1 && count.free == MANY - 1);
	CHECK(frame_world_audit(world, MANY - 1));
	frame_world_free(world);
}

CASE(frame_pick_refuses_what_is_foreign)
{
	struct frame_world *world = frame_world_new(
		&(struct frame_world_request){
			.shape = TINY, .first = { TINY_GIANT },
			.frames = 2 * TINY_GIANT, .cpus = 2 });

	CHECK(frame_pool_add(&world->pool, 0, (struct frame_run){
		{ TINY_GIANT + 3 }, 10 }) == ST_OK);
	CHECK(pick(world, TINY_GIANT - 1) == ST_BAD_RANGE);
	CHECK(pick(world, 3 * TINY_GIANT) == ST_BAD_RANGE);
	CHECK(pick(world, UINT64_MAX) == ST_BAD_RANGE);
	CHECK(pick(world, TINY_GIANT + TINY_BLOCK) == ST_BAD_RANGE);
	CHECK(pick(world, TINY_GIANT + 2) == ST_CONFLICT);
	CHECK(frame_pool_alloc_at(&world->pool, 0, (pfn_t){ TINY_GIANT + 3 },
				  FRAME_BYTE_FREE) == ST_BAD_ARGUMENT);
	CHECK(frame_pool_alloc_at(&world->pool, 0, (pfn_t){ TINY_GIANT + 3 },
				  FRAME_BYTE_FIXED) == ST_BAD_ARGUMENT);
	CHECK(frame_pool_alloc_at(&world->pool, 0, (pfn_t){ TINY_GIANT + 3 },
				  FRAME_BYTE_FOREIGN) == ST_BAD_ARGUMENT);
	CHECK(frame_world_audit(world, 10));
	CHECK(pick(world, TINY_GIANT + 3) == ST_OK);
	CHECK(frame_world_audit(world, 9));
	frame_world_free(world);
}

CASE(frame_pick_walks_at_random_beside_the_others)
{
	struct frame_world *world = world_of(0, 4 * TINY_GIANT);
	static bool bad[4 * TINY_GIANT], allocated[4 * TINY_GIANT];
	uint64_t seed = check_seed(), free = 4 * TINY_GIANT;

	memset(bad, 0, sizeof(bad));
	memset(allocated, 0, sizeof(allocated));
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t roll = check_random(&seed);
		uint64_t at = (roll >> 8) % (4 * TINY_GIANT);
		struct frame_request one = { .owner = OWNER_HEAP };
		pfn_t frame;

		if (roll % 100 < 2) {
			bool there = !bad[at] && !allocated[at];

			CHECK(pick(world, at) ==
			      (there ? ST_OK : ST_CONFLICT));
			bad[at] |= there;
			free -= there;
		} else if (roll % 100 < 50) {
			if (frame_pool_alloc(&world->pool, 0, &one, &frame) !=
			    ST_OK)
				continue;
			CHECK(!bad[frame.raw] && !allocated[frame.raw]);
			allocated[frame.raw] = true;
			free--;
		} else if (allocated[at]) {
			CHECK(frame_pool_free(&world->pool, 0,
					      &(struct frame_return){
				{ at }, FRAME_4K, 0, 0, MARK }) == ST_OK);
			allocated[at] = false;
			free++;
		}
	}
	CHECK(frame_world_audit(world, free));
	frame_world_free(world);
}
