// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Merges end although another CPU makes each try fail: it has always returned
 * its frame when the merge checks that all are free, and claimed one again
 * when the merge claims that word.
 */
#include <tests/explorer/include/base/atomic_builtin.h>

#include <base/assert.h>
#include <base/atomic.h>

/* The other CPU's word, its bit there, and the tries that it made fail. */
static const void *watched;
static uint64_t watched_bit;
static unsigned failed, most;

static void claim_watched(const void *cell)
{
	atomic_u64 *word = (atomic_u64 *)(uintptr_t)cell;

	if (cell != watched)
		return;
	if (word->plain & watched_bit)
		ASSERT(++failed <= most);
	word->plain &= ~watched_bit;
}

static void return_watched(const void *cell)
{
	if (cell == watched)
		((atomic_u64 *)(uintptr_t)cell)->plain |= watched_bit;
}

#undef atomic_load_seq_cst
#define atomic_load_seq_cst(cell)					\
	({								\
		return_watched(cell);					\
		BUILTIN_LOAD(&(cell)->plain, __ATOMIC_SEQ_CST);		\
	})
#undef atomic_load_relaxed
#define atomic_load_relaxed(cell)					\
	({								\
		claim_watched(cell);					\
		BUILTIN_LOAD(&(cell)->plain, __ATOMIC_RELAXED);		\
	})
#undef atomic_compare_exchange_seq_cst
#define atomic_compare_exchange_seq_cst(cell, expected, value)		\
	({								\
		claim_watched(cell);					\
		BUILTIN_COMPARE_EXCHANGE(&(cell)->plain, expected, value, \
					 __ATOMIC_SEQ_CST,		\
					 __ATOMIC_SEQ_CST);		\
	})

#include "explored_scene.h"

#include "check.h"
#include "frame_world.h"

#define OTHER_BIT (1UL << 9)

static struct scene scene;

static enum status alloc(cpu_slot slot, enum frame_size size,
			 enum frame_limit limit)
{
	struct frame_request request = {
		.size = size, .limit = limit, .owner = 1,
		.pages = size == FRAME_RUN ? BLOCK : 0,
	};
	pfn_t frame;

	return explored_frame_pool_alloc(&scene.pool, slot, &request, &frame);
}

/* Two free blocks. */
static void set_up(void)
{
	struct frame_pool_request request = pool_of(&scene, 0);

	watched = NULL;
	failed = 0;
	most = MERGE_TRIES;
	memset(&scene, 0, sizeof(scene));
	CHECK(explored_frame_pool_init(&scene.pool, &request) == ST_OK);
	CHECK(explored_frame_pool_add(&scene.pool, 0, (struct frame_run){
		{ 0 }, FRAMES }) == ST_OK);
	CHECK(explored_frame_split_giant(&scene.pool, 0, 0));
}

static void watch(atomic_u64 *cell, uint64_t bit)
{
	watched = cell;
	watched_bit = bit;
}

/* The other CPU has returned its frame. */
static void watch_no_more(void)
{
	return_watched(watched);
	watched = NULL;
	CHECK(failed == MERGE_TRIES);
	CHECK(frame_has_late(&scene.pool));
	CHECK(frame_pool_audit(&scene.pool));
}

/* Block 0 is free, and its merge was left; block 1 is allocated. */
static void leave_a_block(void)
{
	set_up();
	CHECK(alloc(0, FRAME_2M, FRAME_ANYWHERE) == ST_OK);
	CHECK(explored_frame_split_block(&scene.pool, 0, 0));
	CHECK(alloc(0, FRAME_4K, FRAME_ANYWHERE) == ST_OK);
	watch(&scene.bits[1], OTHER_BIT);
	CHECK(explored_frame_pool_free(&scene.pool, 0, &(struct frame_return){
		.frame = { 0 } }) == ST_OK);
	watch_no_more();
	CHECK(!frame_tree_has(&scene.pool.blocks, 0));
}

static bool is_made_up(uint64_t want)
{
	return !frame_has_late(&scene.pool) && scene_has_free(&scene, want);
}

CASE(frame_late_block_is_merged_before_a_block_is_refused)
{
	leave_a_block();
	CHECK(alloc(0, FRAME_2M, FRAME_ANYWHERE) == ST_OK);
	CHECK(is_made_up(0));
}

CASE(frame_late_block_is_merged_before_a_limited_block_is_refused)
{
	leave_a_block();
	CHECK(alloc(0, FRAME_2M, FRAME_BELOW_4G) == ST_OK);
	CHECK(is_made_up(0));
}

CASE(frame_late_block_is_merged_before_a_run_is_refused)
{
	leave_a_block();
	CHECK(alloc(0, FRAME_RUN, FRAME_ANYWHERE) == ST_OK);
	CHECK(is_made_up(0));
}

CASE(frame_late_block_is_left_by_a_handler)
{
	leave_a_block();
	CHECK(alloc(1, FRAME_2M, FRAME_ANYWHERE) == ST_NO_MEMORY);
	CHECK(alloc(1, FRAME_2M, FRAME_BELOW_4G) == ST_NO_MEMORY);
	CHECK(alloc(1, FRAME_RUN, FRAME_ANYWHERE) == ST_NO_MEMORY);
	CHECK(frame_has_late(&scene.pool));
	CHECK(alloc(1, FRAME_4K, FRAME_ANYWHERE) == ST_OK);
	CHECK(scene_has_free(&scene, BLOCK - 1));
}

CASE(frame_late_giant_is_merged_before_a_giant_is_refused)
{
	set_up();
	watch(&scene.pool.blocks.level[0][0], 1);
	explored_frame_merge_giant(&scene.pool, 0, 0);
	watch_no_more();
	CHECK(alloc(0, FRAME_1G, FRAME_ANYWHERE) == ST_OK);
	CHECK(is_made_up(0));
}

/* Nothing is behind the mark any more. */
CASE(frame_late_mark_alone_refuses_at_last)
{
	static const enum frame_size sizes[] = { FRAME_4K, FRAME_2M, FRAME_1G,
						 FRAME_RUN };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		leave_a_block();
		for (unsigned frames = 0; frames < BLOCK; frames++)
			CHECK(alloc(0, FRAME_4K, FRAME_ANYWHERE) == ST_OK);
		CHECK(frame_has_late(&scene.pool));
		CHECK(alloc(0, sizes[i], FRAME_ANYWHERE) == ST_NO_MEMORY);
		CHECK(is_made_up(0));
	}
}

/* Nothing is written below a giant that never was open, or is no longer. */
CASE(frame_late_giants_that_are_closed_are_not_looked_into)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){
			.shape = { 6, 2 }, .frames = 1024, .cpus = 1 });
	struct frame_pool *pool = &world->pool;
	struct frame_request giant = { .size = FRAME_1G, .owner = 1 };
	pfn_t frame;

	for (unsigned i = 0; i < 4; i++)
		CHECK(frame_pool_alloc(pool, 0, &giant, &frame) == ST_OK);
	pool->blocks.level[0][0].plain = UINT64_MAX;
	pool->root.plain |= FRAME_LATE;
	CHECK(frame_pool_alloc(pool, 0, &giant, &frame) == ST_NO_MEMORY);
	CHECK(!frame_has_late(pool));
	pool->blocks.level[0][0].plain = 0;
	CHECK(frame_world_audit(world, 0));
	frame_world_free(world);
}
