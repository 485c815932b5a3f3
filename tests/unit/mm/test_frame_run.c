// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/run.c: alignment, owners of parts, and requests that do not wait. */
#include <base/bits.h>
#include <boot/owner.h>

#include <mm/frame/search.h>

#include "check.h"
#include "frame_world.h"

#define TINY ((struct frame_shape){ 6, 2 })
#define BLOCK 64
#define GIANT_SHIFT 8
#define GIANT 256
#define MOST 1024
#define MARK ((const void *)0x4321)

static struct frame_world *world_at(uint64_t first, uint64_t frames)
{
	return frame_world_full(&(struct frame_world_request){
		.shape = TINY, .first = { first }, .frames = frames,
		.cpus = 2 });
}

static struct frame_request run_of(uint64_t pages, uint8_t shift)
{
	return (struct frame_request){ .size = FRAME_RUN, .pages = pages,
				       .align_shift = shift,
				       .owner = OWNER_HEAP };
}

static enum status free_run(struct frame_world *world, uint64_t first,
			    uint64_t pages, uint8_t owner)
{
	return frame_pool_free(&world->pool, 0, &(struct frame_return){
		{ first }, FRAME_RUN, owner, pages, MARK });
}

/* --- alignment -------------------------------------------------------------*/

/* All frames are allocated, then those that are marked are freed. */
static struct frame_world *scattered(uint64_t first, const bool *free,
				     uint64_t frames)
{
	struct frame_world *world = world_at(first, frames);
	struct frame_request one = { .owner = OWNER_LOG };
	pfn_t frame;

	while (frame_pool_alloc(&world->pool, 0, &one, &frame) == ST_OK)
		;
	for (uint64_t i = 0; i < frames; i++)
		if (free[i])
			CHECK(frame_pool_free(&world->pool, 0,
					      &(struct frame_return){
				{ first + i }, FRAME_4K, 0, 0, MARK }) ==
			      ST_OK);
	return world;
}

/* Whether frames [at..at + pages) are free, and where they should be. */
static bool is_room(const bool *free, uint64_t frames, uint64_t at,
		    uint64_t pages)
{
	for (uint64_t i = at; i < at + pages; i++)
		if (i >= frames || !free[i])
			return false;
	return true;
}

static bool has_room(const bool *free, uint64_t first, uint64_t frames,
		     const struct frame_request *run)
{
	for (uint64_t at = 0; at < frames; at++)
		if (is_aligned(first + at, 1UL << run->align_shift) &&
		    is_room(free, frames, at, run->pages))
			return true;
	return false;
}

/* Long free stretches, from a frame on that is anywhere. */
static void scatter(bool *free, uint64_t *seed)
{
	memset(free, 0, MOST);
	for (unsigned i = 0; i < 6; i++) {
		uint64_t at = check_random(seed) % MOST;
		uint64_t end = min_u64(at + check_random(seed) % 200, MOST);

		for (; at < end; at++)
			free[at] = true;
	}
}

CASE(frame_run_is_aligned_wherever_the_pool_begins)
{
	static const uint64_t firsts[] = { 0, GIANT, 3 * GIANT, 64 * GIANT };
	uint64_t seed = check_seed();
	bool free[MOST];

	for (unsigned i = 0; i < 1500; i++) {
		uint64_t first = firsts[check_random(&seed) % 4];
		struct frame_request run = run_of(
			1 + check_random(&seed) % 150,
			(uint8_t)(check_random(&seed) % 11));
		struct frame_world *world;
		enum status status;
		pfn_t at = { 0 };

		scatter(free, &seed);
		world = scattered(first, free, MOST);
		status = frame_pool_alloc(&world->pool, 0, &run, &at);
		CHECK(status == (has_room(free, first, MOST, &run) ?
					 ST_OK : ST_NO_MEMORY));
		if (status == ST_OK) {
			CHECK(is_aligned(at.raw, 1UL << run.align_shift));
			CHECK(is_room(free, MOST, at.raw - first, run.pages));
			CHECK(free_run(world, at.raw, run.pages, OWNER_HEAP) ==
			      ST_OK);
		}
		frame_world_free(world);
	}
}

/* Chunks of the heap, until there is none: each frame once. */
CASE(frame_run_fills_a_pool_with_aligned_runs)
{
	struct frame_world *world = world_at(GIANT, 2 * GIANT);
	struct frame_request run = run_of(16, 4);
	bool seen[2 * GIANT] = { false };
	pfn_t at;

	for (unsigned i = 0; i < 2 * GIANT / 16; i++) {
		CHECK(frame_pool_alloc(&world->pool, 0, &run, &at) == ST_OK);
		CHECK(is_aligned(at.raw, 16) && at.raw >= GIANT);
		CHECK(!seen[at.raw - GIANT]);
		seen[at.raw - GIANT] = true;
	}
	CHECK(frame_pool_alloc(&world->pool, 0, &run, &at) == ST_NO_MEMORY);
	for (uint64_t i = GIANT; i < 3 * GIANT; i += 16)
		CHECK(free_run(world, i, 16, OWNER_HEAP) == ST_OK);
	CHECK(frame_world_audit(world, 2 * GIANT));
	/* More than half of it, and nothing of that length is aligned. */
	run = run_of(GIANT + 1, GIANT_SHIFT + 1);
	CHECK(frame_pool_alloc(&world->pool, 0, &run, &at) == ST_NO_MEMORY);
	run.pages = GIANT;
	CHECK(frame_pool_alloc(&world->pool, 0, &run, &at) == ST_OK);
	CHECK(at.raw == 2 * GIANT);
	CHECK(frame_world_audit(world, GIANT));
	frame_world_free(world);
}

CASE(frame_run_refuses_bad_alignments)
{
	static const uint8_t bad[] = { FRAME_ALIGN_SHIFT_MOST + 1, 63, 64,
				       UINT8_MAX };
	struct frame_world *world = world_at(0, GIANT);
	struct frame_request run = run_of(1, 0);
	pfn_t at;

	for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++) {
		run.align_shift = bad[i];
		CHECK(frame_pool_alloc(&world->pool, 0, &run, &at) ==
		      ST_BAD_ARGUMENT);
	}
	run.align_shift = FRAME_ALIGN_SHIFT_MOST;
	CHECK(frame_pool_alloc(&world->pool, 0, &run, &at) == ST_OK);
	CHECK(at.raw == 0);
	/* Frame 0 was the only one. */
	CHECK(frame_pool_alloc(&world->pool, 0, &run, &at) == ST_NO_MEMORY);
	run.align_shift = 0;
	CHECK(frame_pool_alloc(&world->pool, 0, &run, &at) == ST_OK);
	CHECK(frame_world_audit(world, GIANT - 2));
	frame_world_free(world);
}

CASE(frame_run_is_aligned_on_the_nearest_node_that_has_one)
{
	struct frame_world *worlds[] = { world_at(GIANT, GIANT),
					 world_at(2 * GIANT, GIANT),
					 world_at(4 * GIANT, GIANT) };
	struct frame_pool *pools[] = { &worlds[0]->pool, &worlds[1]->pool,
				       &worlds[2]->pool };
	static const uint16_t first[] = { 0, 1, 2, 3 };
	static const uint8_t order[] = { 0, 1, 2, 1, 0, 2, 2, 1, 0 };
	static const struct frame_place places[] = {
		{ GIANT, 0 }, { 2 * GIANT, 1 }, { 4 * GIANT, 2 },
	};
	struct frame_nodes nodes = {
		.pool = pools, .pools = 3, .count = 3, .first = first,
		.order = order, .places = places, .place_count = 3,
	};
	struct frame_request run = run_of(8, GIANT_SHIFT + 2);
	pfn_t at;

	CHECK(frame_alloc(&nodes, 0, &run, &at) == ST_OK);
	CHECK(at.raw == 4 * GIANT);
	CHECK(frame_alloc(&nodes, 0, &run, &at) == ST_NO_MEMORY);
	run.align_shift = GIANT_SHIFT + 1;
	CHECK(frame_alloc(&nodes, 0, &run, &at) == ST_OK);
	CHECK(at.raw == 2 * GIANT);
	run.rule = FRAME_NODE_REQUIRED;
	CHECK(frame_alloc(&nodes, 0, &run, &at) == ST_NO_MEMORY);
	run.align_shift = GIANT_SHIFT;
	CHECK(frame_alloc(&nodes, 0, &run, &at) == ST_OK);
	CHECK(at.raw == GIANT);
	run.align_shift = 50;
	CHECK(frame_alloc(&nodes, 0, &run, &at) == ST_BAD_ARGUMENT);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(frame_world_audit(worlds[i], GIANT - 8));
		frame_world_free(worlds[i]);
	}
}

/* --- owners ----------------------------------------------------------------*/

static uint64_t alloc_run(struct frame_world *world, uint64_t pages,
			  uint8_t owner)
{
	struct frame_request run = run_of(pages, 0);
	pfn_t at = { 0 };

	run.owner = owner;
	CHECK(frame_pool_alloc(&world->pool, 0, &run, &at) == ST_OK);
	return at.raw;
}

/* A free that is refused, because of the frame `named`. */
struct refused {
	uint64_t first, pages;
	uint8_t owner;
	enum frame_bad_free_kind kind;
	uint64_t named;
};

static void refuses(struct frame_world *world, const struct refused *want,
		    uint64_t free)
{
	unsigned before = world->reports;

	CHECK(free_run(world, want->first, want->pages, want->owner) ==
	      ST_CONFLICT);
	CHECK(world->reports == before + 1);
	CHECK(world->last.kind == want->kind);
	CHECK(world->last.frame.raw == want->named);
	CHECK(world->last.caller == MARK);
	CHECK(frame_world_audit(world, free));
}

CASE(frame_run_that_takes_a_neighbor_along_is_refused)
{
	struct frame_world *world = world_at(GIANT, 2 * GIANT);
	uint64_t one = alloc_run(world, 10, OWNER_HEAP);
	uint64_t next = alloc_run(world, 10, OWNER_LOG);
	uint64_t left = 2 * GIANT - 20;
	struct refused wrong[] = {
		{ one, 11, OWNER_HEAP, FRAME_OTHER_OWNER, next },
		{ one, 20, OWNER_HEAP, FRAME_OTHER_OWNER, next },
		{ one, 11, 0, FRAME_OTHER_OWNER, next },
		{ one, 10, OWNER_LOG, FRAME_OTHER_OWNER, one },
		{ next, 11, OWNER_LOG, FRAME_NOT_ALLOCATED, next + 10 },
		{ next, 11, 0, FRAME_NOT_ALLOCATED, next + 10 },
		{ next + 10, 3, 0, FRAME_NOT_ALLOCATED, next + 10 },
	};

	CHECK(one == GIANT && next == one + 10);
	for (unsigned i = 0; i < ARRAY_LENGTH(wrong); i++)
		refuses(world, &wrong[i], left);
	CHECK(free_run(world, one, 10, 0) == ST_OK);
	CHECK(free_run(world, next, 10, OWNER_LOG) == ST_OK);
	CHECK(frame_world_audit(world, 2 * GIANT));
	frame_world_free(world);
}

/* The run ends in whole blocks, and the neighbor is one or is in one. */
CASE(frame_run_of_blocks_that_takes_a_neighbor_along_is_refused)
{
	struct frame_world *world = world_at(GIANT, 2 * GIANT);
	uint64_t one = alloc_run(world, 2 * BLOCK, OWNER_HEAP);
	uint64_t next = alloc_run(world, BLOCK, OWNER_LOG);
	uint64_t last = alloc_run(world, 5, OWNER_HEAP);
	uint64_t left = 2 * GIANT - 3 * BLOCK - 5;
	struct refused wrong[] = {
		{ one, 3 * BLOCK, OWNER_HEAP, FRAME_OTHER_OWNER, next },
		{ one, 3 * BLOCK + 5, 0, FRAME_OTHER_OWNER, next },
		{ next, BLOCK + 5, OWNER_LOG, FRAME_OTHER_OWNER, last },
		/* Part of a block has no bytes: it was not allocated so. */
		{ one, BLOCK + 1, OWNER_HEAP, FRAME_NOT_ALLOCATED,
		  one + BLOCK },
	};

	CHECK(one == GIANT && next == one + 2 * BLOCK &&
	      last == next + BLOCK);
	for (unsigned i = 0; i < ARRAY_LENGTH(wrong); i++)
		refuses(world, &wrong[i], left);
	CHECK(frame_pool_alloc_at(&world->pool, 0, (pfn_t){ last + 5 },
				  FRAME_BYTE_FIXED | OWNER_BAD) == ST_OK);
	refuses(world, &(struct refused){ last, 6, OWNER_HEAP, FRAME_RETIRED,
					  last + 5 }, left - 1);
	refuses(world, &(struct refused){ last + 5, 1,
		FRAME_BYTE_FIXED | OWNER_BAD, FRAME_RETIRED, last + 5 },
		left - 1);
	CHECK(free_run(world, one, BLOCK, OWNER_HEAP) == ST_OK);
	CHECK(free_run(world, one + BLOCK, BLOCK, OWNER_HEAP) == ST_OK);
	CHECK(free_run(world, next, BLOCK, 0) == ST_OK);
	CHECK(free_run(world, last, 5, OWNER_HEAP) == ST_OK);
	CHECK(frame_world_audit(world, 2 * GIANT - 1));
	frame_world_free(world);
}

/* --- requests that do not wait ---------------------------------------------*/

/* Another CPU moves frames, and does not end while this one searches. */
static struct frame_world *empty_and_moving(void)
{
	struct frame_world *world = world_at(0, GIANT);
	struct frame_request all = run_of(GIANT, 0);
	pfn_t at;

	CHECK(frame_pool_alloc(&world->pool, 0, &all, &at) == ST_OK);
	frame_enter(&world->pool, frame_task_slot(1));
	return world;
}

static void refuses_at_once(struct frame_request request)
{
	struct frame_world *world = empty_and_moving();
	pfn_t at;

	request.owner = OWNER_HEAP;
	CHECK(frame_pool_alloc(&world->pool, 0, &request, &at) == ST_CONFLICT);
	request.patience = FRAME_NO_WAIT;
	CHECK(frame_pool_alloc(&world->pool, 0, &request, &at) ==
	      ST_NO_MEMORY);
	CHECK(free_run(world, 0, GIANT, OWNER_HEAP) == ST_OK);
	CHECK(frame_pool_alloc(&world->pool, 0, &request, &at) == ST_OK);
	frame_world_free(world);
}

CASE(frame_that_may_not_wait_is_refused_while_others_move)
{
	refuses_at_once((struct frame_request){ .size = FRAME_4K });
	refuses_at_once((struct frame_request){ .size = FRAME_2M });
	refuses_at_once((struct frame_request){ .size = FRAME_1G });
	refuses_at_once((struct frame_request){ .limit = FRAME_BELOW_1M });
	refuses_at_once(run_of(100, 0));
}

CASE(frame_that_may_not_wait_refuses_an_unknown_patience)
{
	struct frame_world *world = world_at(0, GIANT);
	struct frame_request one = { .owner = OWNER_HEAP,
				     .patience = (enum frame_patience)2 };
	pfn_t at;

	CHECK(frame_pool_alloc(&world->pool, 0, &one, &at) ==
	      ST_BAD_ARGUMENT);
	frame_world_free(world);
}

/* All bits of a block are set and its merge is another CPU's to do. */
CASE(frame_run_that_may_not_wait_goes_on_above_a_late_merge)
{
	struct frame_world *world = world_at(0, GIANT);
	struct frame_request run = run_of(2 * BLOCK, 0);
	pfn_t at;

	run.patience = FRAME_NO_WAIT;
	CHECK(frame_split_giant(&world->pool, 0, 0));
	CHECK(frame_split_block(&world->pool, 0, 1));
	CHECK(frame_pool_alloc(&world->pool, 0, &run, &at) == ST_OK);
	CHECK(at.raw == 2 * BLOCK);
	frame_world_free(world);
}
