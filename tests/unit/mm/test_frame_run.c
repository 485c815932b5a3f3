// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/run.c: owners of parts. */
#include <base/bits.h>
#include <boot/owner.h>

#include <mm/frame/search.h>

#include "check.h"
#include "frame_world.h"

#define TINY ((struct frame_shape){ 6, 2 })
#define BLOCK 64
#define GIANT 256
#define MARK ((const void *)0x4321)

static struct frame_world *world_at(uint64_t first, uint64_t frames)
{
	return frame_world_full(&(struct frame_world_request){
		.shape = TINY, .first = { first }, .frames = frames,
		.cpus = 2 });
}

static struct frame_request run_of(uint64_t pages)
{
	return (struct frame_request){ .size = FRAME_RUN, .pages = pages,
				       .owner = OWNER_HEAP };
}

static enum status free_run(struct frame_world *world, uint64_t first,
			    uint64_t pages, uint8_t owner)
{
	return frame_pool_free(&world->pool, 0, &(struct frame_return){
		{ first }, FRAME_RUN, pages, MARK, owner });
}

/* --- owners ----------------------------------------------------------------*/

static uint64_t alloc_run(struct frame_world *world, uint64_t pages,
			  uint8_t owner)
{
	struct frame_request run = run_of(pages);
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
