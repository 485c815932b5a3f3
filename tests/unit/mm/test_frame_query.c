// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/query.c: adopted frames, the state of one frame, counts of all. */
#include "check.h"
#include "fake_cpu.h"
#include "frame_world.h"

#include <base/bits.h>
#include <boot/owner.h>

#define TINY ((struct frame_shape){ 6, 2 })
#define BLOCK 64
#define GIANT 256
#define MARK ((const void *)0x1234)

static struct frame_world *world_of(uint64_t first, uint64_t frames)
{
	return frame_world_new(&(struct frame_world_request){
		.shape = TINY, .first = { first }, .frames = frames,
		.cpus = 2 });
}

static enum status add(struct frame_world *world, uint64_t first,
		       uint64_t frames)
{
	return frame_pool_add(&world->pool, 0,
			      (struct frame_run){ { first }, frames });
}

static enum status adopt_as(struct frame_world *world, enum frame_size size,
			    struct frame_run run, uint8_t owner)
{
	return frame_pool_adopt(&world->pool, &(struct frame_adoption){
		run, size, owner });
}

static enum status adopt(struct frame_world *world, uint64_t first,
			 uint64_t frames, uint8_t owner)
{
	return adopt_as(world, FRAME_4K,
			(struct frame_run){ { first }, frames }, owner);
}

static bool looks(const struct frame_world *world, uint64_t frame,
		  struct frame_info want)
{
	struct frame_info is = frame_pool_query(&world->pool, (pfn_t){ frame });

	return is.state == want.state && is.size == want.size &&
	       is.owner == want.owner;
}

#define FREE(size) ((struct frame_info){ FRAME_STATE_FREE, size, 0 })
#define ALLOCATED(size, owner)                                               \
	((struct frame_info){ FRAME_STATE_ALLOCATED, size, owner })
#define CACHED(size) ((struct frame_info){ FRAME_STATE_CACHED, size, 0 })

static bool is_foreign(const struct frame_world *world, uint64_t frame)
{
	return frame_pool_query(&world->pool, (pfn_t){ frame }).state ==
	       FRAME_STATE_FOREIGN;
}

static enum status give(struct frame_world *world, uint64_t frame,
			enum frame_size size)
{
	return frame_pool_free(&world->pool, 0, &(struct frame_return){
		{ frame }, size, 0, 0, MARK });
}

CASE(frame_query_adopts_what_is_allocated_already)
{
	struct frame_world *world = world_of(0, 2 * GIANT);

	CHECK(add(world, 0, 10) == ST_OK);
	CHECK(adopt(world, 10, 20, OWNER_LOG) == ST_OK);
	CHECK(adopt(world, BLOCK, 3 * BLOCK, OWNER_STACK) == ST_OK);
	CHECK(looks(world, 9, FREE(FRAME_4K)));
	CHECK(looks(world, 10, ALLOCATED(FRAME_4K, OWNER_LOG)));
	CHECK(looks(world, 29, ALLOCATED(FRAME_4K, OWNER_LOG)));
	CHECK(is_foreign(world, 30) && is_foreign(world, GIANT));
	CHECK(looks(world, 4 * BLOCK - 1, ALLOCATED(FRAME_4K, OWNER_STACK)));
	CHECK(frame_world_audit(world, 10));
	/* They are freed one by one; in the end the block is whole. */
	for (uint64_t frame = BLOCK; frame < 2 * BLOCK; frame++)
		CHECK(give(world, frame, FRAME_4K) == ST_OK);
	CHECK(looks(world, BLOCK, FREE(FRAME_2M)));
	CHECK(give(world, 30, FRAME_4K) == ST_CONFLICT);
	CHECK(frame_world_audit(world, 10 + BLOCK));
	frame_world_free(world);
}

CASE(frame_query_refuses_to_adopt_what_it_has)
{
	struct frame_world *world = world_of(GIANT, GIANT);

	CHECK(add(world, GIANT, BLOCK) == ST_OK);
	CHECK(add(world, GIANT + BLOCK, 5) == ST_OK);
	/* The bytes of an uninit block may have any value. */
	memset(world->pool.frame_owner, FRAME_BYTE_FOREIGN, BLOCK);
	CHECK(adopt(world, GIANT, 1, OWNER_LOG) == ST_CONFLICT);
	CHECK(adopt(world, GIANT + BLOCK + 3, 9, OWNER_LOG) == ST_CONFLICT);
	CHECK(adopt(world, GIANT + BLOCK + 5, 9, OWNER_LOG) == ST_OK);
	CHECK(adopt(world, GIANT + BLOCK + 13, 2, OWNER_LOG) == ST_CONFLICT);
	CHECK(is_foreign(world, GIANT + BLOCK + 14));
	CHECK(adopt(world, GIANT - 1, 1, OWNER_LOG) == ST_BAD_RANGE);
	CHECK(adopt(world, 2 * GIANT - 1, 2, OWNER_LOG) == ST_BAD_RANGE);
	CHECK(adopt(world, GIANT + 3 * BLOCK, 0, OWNER_LOG) == ST_BAD_RANGE);
	CHECK(adopt(world, GIANT + 3 * BLOCK, 1, 0) == ST_BAD_ARGUMENT);
	CHECK(adopt(world, GIANT + 3 * BLOCK, 1, FRAME_BYTE_FIXED) ==
	      ST_BAD_ARGUMENT);
	CHECK(is_foreign(world, GIANT + 3 * BLOCK));
	CHECK(frame_world_audit(world, BLOCK + 5));
	frame_world_free(world);
}

/* The pool's frame at any place, before and after those that are not. */
CASE(frame_query_refuses_to_adopt_one_frame_among_foreign_ones)
{
	for (uint64_t at = 0; at < BLOCK; at++) {
		struct frame_world *world = world_of(0, GIANT);

		CHECK(add(world, at, 1) == ST_OK);
		for (uint64_t first = 0; first <= at; first++) {
			CHECK(adopt(world, first, BLOCK - first, OWNER_LOG) ==
			      ST_CONFLICT);
			CHECK(adopt(world, first, at + 1 - first, OWNER_LOG) ==
			      ST_CONFLICT);
		}
		CHECK(at == 0 || adopt(world, 0, at, OWNER_LOG) == ST_OK);
		CHECK(frame_world_audit(world, 1));
		frame_world_free(world);
	}
}

CASE(frame_query_adopts_runs_that_come_back_as_one_run)
{
	struct frame_world *world = world_of(0, 2 * GIANT);
	struct frame_run run = { { 10 }, 3 * BLOCK };
	struct frame_return what = { { 10 }, FRAME_RUN, 0, 3 * BLOCK, MARK };

	CHECK(adopt_as(world, FRAME_2M, run, 7) == ST_BAD_ARGUMENT);
	CHECK(adopt_as(world, FRAME_RUN, run, 7) == ST_OK);
	CHECK(looks(world, 10, ALLOCATED(FRAME_4K, 7)));
	CHECK(looks(world, BLOCK, ALLOCATED(FRAME_2M, 7)));
	CHECK(looks(world, 3 * BLOCK + 9, ALLOCATED(FRAME_4K, 7)));
	CHECK(is_foreign(world, 3 * BLOCK + 10) && is_foreign(world, 9));
	CHECK(adopt(world, BLOCK + 1, 1, 7) == ST_CONFLICT);
	CHECK(add(world, 2 * BLOCK, 1) == ST_CONFLICT);
	CHECK(give(world, BLOCK + 1, FRAME_4K) == ST_CONFLICT);
	CHECK(frame_pool_free(&world->pool, 0, &what) == ST_OK);
	CHECK(frame_world_audit(world, 3 * BLOCK));
	frame_world_free(world);
}

CASE(frame_query_knows_uninit_giants)
{
	struct frame_world *world = world_of(0, 3 * GIANT);
	struct frame_request request = { .size = FRAME_4K, .owner = 5 };
	pfn_t frame;

	memset(world->pool.frame_owner, FRAME_BYTE_FOREIGN, 3 * GIANT);
	CHECK(add(world, GIANT, 2 * GIANT) == ST_OK);
	CHECK(looks(world, 2 * GIANT, FREE(FRAME_1G)));
	CHECK(is_foreign(world, GIANT - 1));
	CHECK(add(world, GIANT, BLOCK) == ST_CONFLICT);
	CHECK(adopt(world, 2 * GIANT + 1, 1, OWNER_LOG) == ST_CONFLICT);
	CHECK(give(world, GIANT + 5, FRAME_4K) == ST_CONFLICT);
	CHECK(give(world, GIANT, FRAME_2M) == ST_CONFLICT);
	CHECK(frame_world_audit(world, 2 * GIANT));
	/*
	 * Split, allocated, whole again, allocated as a giant: never undefined.
	 */
	CHECK(frame_pool_alloc(&world->pool, 0, &request, &frame) == ST_OK);
	CHECK(frame_world_audit(world, 2 * GIANT - 1));
	CHECK(give(world, frame.raw, FRAME_4K) == ST_OK);
	CHECK(frame_world_audit(world, 2 * GIANT));
	request.size = FRAME_1G;
	CHECK(frame_pool_alloc(&world->pool, 0, &request, &frame) == ST_OK);
	CHECK(give(world, frame.raw + 3, FRAME_4K) == ST_CONFLICT);
	CHECK(add(world, frame.raw, GIANT) == ST_CONFLICT);
	CHECK(looks(world, frame.raw + 9, ALLOCATED(FRAME_1G, 5)));
	CHECK(give(world, frame.raw, FRAME_1G) == ST_OK);
	frame_world_free(world);
}

/* Nothing but blocks opens their giant, in a shape that has 8 words of them. */
CASE(frame_query_knows_whole_blocks_of_an_absent_giant)
{
	struct frame_world *world = frame_world_new(
		&(struct frame_world_request){ .shape = { 6, 9 },
			.frames = 3 * 64 * 512, .cpus = 1 });
	const uint64_t giant = 64 * 512;
	struct frame_count count;

	CHECK(add(world, giant + 60 * 64, 10 * 64) == ST_OK);
	CHECK(looks(world, giant + 69 * 64, FREE(FRAME_2M)));
	CHECK(is_foreign(world, giant + 59 * 64));
	CHECK(is_foreign(world, giant + 70 * 64));
	frame_pool_count(&world->pool, &count);
	CHECK(count.free == 10 * 64);
	CHECK(frame_world_audit(world, 10 * 64));
	frame_world_free(world);
}

static pfn_t take(struct frame_world *world, enum frame_size size,
		  uint8_t owner)
{
	pfn_t frame = { UINT64_MAX };

	CHECK(frame_pool_alloc(&world->pool, 0, &(struct frame_request){
		.size = size, .owner = owner }, &frame) == ST_OK);
	return frame;
}

CASE(frame_query_tells_each_size_and_owner)
{
	struct frame_world *world = world_of(0, 4 * GIANT);
	struct frame_count count;
	pfn_t giant, block, frame;

	CHECK(add(world, 0, 3 * GIANT) == ST_OK);
	CHECK(looks(world, 2 * GIANT + 5, FREE(FRAME_1G)));
	giant = take(world, FRAME_1G, OWNER_HEAP);
	block = take(world, FRAME_2M, OWNER_VMEM);
	frame = take(world, FRAME_4K, 100);
	CHECK(looks(world, giant.raw + GIANT - 1,
		    ALLOCATED(FRAME_1G, OWNER_HEAP)));
	CHECK(looks(world, block.raw + 1, ALLOCATED(FRAME_2M, OWNER_VMEM)));
	CHECK(looks(world, frame.raw, ALLOCATED(FRAME_4K, 100)));
	frame_pool_count(&world->pool, &count);
	CHECK(count.allocated[OWNER_HEAP] == GIANT);
	CHECK(count.allocated[OWNER_VMEM] == BLOCK);
	CHECK(count.allocated[100] == 1 && count.allocated[OWNER_FREE] == 0);
	CHECK(count.free == 2 * GIANT - BLOCK - 1 && count.cached == 0);
	CHECK(count.free_low <= 256);
	frame_world_free(world);
}

CASE(frame_query_counts_what_caches_hold)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = { 9, 3 },
			.frames = 16 * 4096, .cpus = 1 });
	struct frame_count count;
	struct frame_cache *cache;
	pfn_t frames[40], block;

	fake_cpu_become(0, CPU_TASK);
	cache = frame_cache_current(&world->set);
	for (unsigned i = 0; i < 40; i++)
		CHECK(frame_cache_alloc(cache, 7, &frames[i]) == ST_OK);
	CHECK(frame_cache_alloc_block(cache, 9, &block) == ST_OK);
	CHECK(frame_cache_free_block(cache, block, MARK) == ST_OK);
	/* One is returned, so that a free frame is among cached ones. */
	for (unsigned i = 0; i < 30; i++)
		CHECK((i == 3 ? give(world, frames[i].raw, FRAME_4K) :
			frame_cache_free(cache, frames[i], MARK)) == ST_OK);
	frame_pool_count(&world->pool, &count);
	CHECK(looks(world, frames[29].raw, CACHED(FRAME_4K)));
	CHECK(frame_cache_held(cache) > 512);
	CHECK(count.cached == frame_cache_held(cache));
	CHECK(count.allocated[7] == 10 && count.allocated[9] == 0);
	CHECK(count.free + count.cached + 10 == 16 * 4096);
	CHECK(looks(world, block.raw, CACHED(FRAME_2M)) ||
	      looks(world, block.raw, CACHED(FRAME_4K)));
	frame_cache_drain(cache);
	frame_pool_count(&world->pool, &count);
	CHECK(count.cached == 0 && count.free == 16 * 4096 - 10);
	frame_world_free(world);
}

struct drawing {
	char text[4 * GIANT + 1];
	uint64_t last_end;
	unsigned runs, most;
	bool apart;
};

static bool draw(void *context, struct frame_run run)
{
	struct drawing *drawing = context;

	drawing->apart &= drawing->runs == 0 ||
			  run.first.raw > drawing->last_end;
	drawing->last_end = run.first.raw + run.frames;
	memset(drawing->text + run.first.raw, 'F', run.frames);
	return ++drawing->runs < drawing->most;
}

CASE(frame_query_visits_free_runs_once_and_joined)
{
	struct frame_world *world = world_of(0, 4 * GIANT);
	struct drawing drawing = { .most = UINT32_MAX, .apart = true };
	uint64_t seed = check_seed();
	uint64_t free = 0;

	CHECK(add(world, 0, 4 * GIANT - 30) == ST_OK);
	for (unsigned i = 0; i < 300; i++)
		CHECK(take(world, FRAME_4K, 5).raw < 4 * GIANT);
	for (unsigned i = 0; i < 600; i++) {
		uint64_t frame = check_random(&seed) % (4 * GIANT);

		if (looks(world, frame, ALLOCATED(FRAME_4K, 5)))
			CHECK(give(world, frame, FRAME_4K) == ST_OK);
	}
	frame_pool_visit(&world->pool, draw, &drawing);
	CHECK(drawing.apart && drawing.runs > 3);
	for (uint64_t frame = 0; frame < 4 * GIANT; frame++) {
		bool is_free = frame_pool_query(&world->pool, (pfn_t){ frame })
				       .state == FRAME_STATE_FREE;

		free += is_free;
		CHECK(is_free == (drawing.text[frame] == 'F'));
	}
	CHECK(frame_world_audit(world, free));
	drawing = (struct drawing){ .most = 2, .apart = true };
	frame_pool_visit(&world->pool, draw, &drawing);
	CHECK(drawing.runs == 2);
	frame_world_free(world);
}
