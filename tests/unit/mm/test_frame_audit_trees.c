// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/audit.c: bits that are missing in trees of several levels. */
#include <mm/frame/block.h>

#include "check.h"
#include "frame_world.h"

/* Giants of two blocks of a word: 4,160 blocks, and 2,080 giants. */
#define SHAPE	((struct frame_shape){ 6, 1 })
#define BLOCK	64UL
#define GIANT	128UL
#define GIANTS	2080UL

static bool finds(const struct frame_world *world, uint64_t frame)
{
	struct frame_finding found;

	frame_world_find(world, &found);
	return found.kind == FRAME_FOUND_NOT_LISTED &&
	       found.frame.raw == frame;
}

/* Each bit above the leaves of a tree: the leaves are named by frames. */
static unsigned clear_each(const struct frame_world *world,
			   const struct frame_tree *tree, uint64_t unit)
{
	uint64_t leaves = (tree->size + 63) / 64, step = unit * 64;
	unsigned cleared = 0;

	for (unsigned level = 1; level < tree->levels; level++) {
		for (uint64_t at = 0; at < leaves; at++) {
			atomic_u64 *word = &tree->level[level][at / 64];
			uint64_t bit = 1UL << (at % 64);

			if ((word->plain & bit) == 0)
				continue;
			word->plain &= ~bit;
			CHECK(finds(world, at * step));
			word->plain |= bit;
			cleared++;
		}
		leaves = (leaves + 63) / 64;
		step *= 64;
	}
	return cleared;
}

CASE(frame_audit_finds_each_bit_that_is_missing_above_leaves)
{
	struct frame_world *world = frame_world_new(
		&(struct frame_world_request){
			.shape = SHAPE, .frames = GIANTS * GIANT, .cpus = 1 });

	/* The first word's giants whole, and one block of each other. */
	CHECK(frame_pool_add(&world->pool, 0, (struct frame_run){
		{ 0 }, 32 * GIANT }) == ST_OK);
	for (uint64_t i = 32; i < GIANTS; i++)
		CHECK(frame_pool_add(&world->pool, 0, (struct frame_run){
			{ i * GIANT }, BLOCK }) == ST_OK);
	CHECK(frame_world_audit(world, (GIANTS - 32) * BLOCK + 32 * GIANT));
	CHECK(clear_each(world, &world->pool.blocks, BLOCK) == 64 + 2);
	CHECK(clear_each(world, &world->pool.giants, GIANT) == 1);
	CHECK(frame_world_audit(world, (GIANTS - 32) * BLOCK + 32 * GIANT));
	frame_world_free(world);
}

/* One more than the bits of a word. */
CASE(frame_audit_finds_the_last_giant_of_65)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){
			.shape = SHAPE, .frames = 65 * GIANT, .cpus = 1 });

	CHECK(frame_world_audit(world, 65 * GIANT));
	CHECK(clear_each(world, &world->pool.giants, GIANT) == 2);
	CHECK(frame_world_audit(world, 65 * GIANT));
	frame_world_free(world);
}
