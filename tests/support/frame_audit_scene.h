/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_audit_scene.h - a pool in use, its caches, ways to damage them, and
 * the finding that a test expects.
 */
#ifndef TESTS_FRAME_AUDIT_SCENE_H
#define TESTS_FRAME_AUDIT_SCENE_H

#include <base/bits.h>
#include <boot/owner.h>

#include <mm/frame/search.h>

#include "check.h"
#include "fake_cpu.h"
#include "frame_world.h"

/* 128 frames to a block, 64 blocks to a giant. */
#define SHAPE	((struct frame_shape){ 7, 6 })
#define BLOCK	128UL
#define GIANT	8192UL
#define MARK	((const void *)0x4321)
/* No holder. */
#define NONE	((struct frame_holder){ .slot = UINT32_MAX })

/*
 * Giant 0 was never split; giant 1 is free and was split, with one block that
 * was split as well; giant 2 is allocated and was never split; giant 3 is
 * split and lacks its last block; giant 4 is not the pool's. All numbers are
 * relative.
 */
#define OPENED		(1 * GIANT + 5 * BLOCK)
#define WHOLE_GIANT	(2 * GIANT)
#define SPLIT_GIANT	(3 * GIANT)
#define ABSENT_BLOCK	(4 * GIANT - BLOCK)
#define ABSENT_GIANT	(4 * GIANT)
#define END		(5 * GIANT)
/* The pool's first frame. */
#define BASE		(16 * GIANT)

struct scene {
	struct frame_world *world;
	struct frame_pool *pool;
	struct frame_cache *cache[4];
	uint64_t frame;			/* allocated                         */
	uint64_t block;			/* a whole block, allocated          */
	uint64_t word, hot, cold;	/* in cache 0                        */
	uint64_t other;			/* in the word of cache 2            */
	uint64_t cached_block;		/* in cache 0                        */
};

static inline uint64_t get(struct scene *at, enum frame_size size)
{
	struct frame_request request = { .size = size, .owner = OWNER_HEAP };
	pfn_t frame;

	CHECK(frame_pool_alloc(at->pool, 0, &request, &frame) == ST_OK);
	return frame.raw - BASE;
}

static inline void put(struct scene *at, uint64_t frame, enum frame_size size)
{
	CHECK(frame_pool_free(at->pool, 0, &(struct frame_return){
		.frame = { BASE + frame }, .size = size }) == ST_OK);
}

static inline uint64_t get_cached(struct frame_cache *cache)
{
	pfn_t frame;

	CHECK(frame_cache_alloc(cache, OWNER_HEAP, &frame) == ST_OK);
	return frame.raw - BASE;
}

/* Of another block than those that the cache allocates from. */
static inline uint64_t free_sparse(struct scene *at, struct frame_cache *cache)
{
	uint64_t frame = SPLIT_GIANT + 3 * BLOCK + 7;

	CHECK(frame_pool_alloc_at(at->pool, 0, (pfn_t){ BASE + frame },
				  OWNER_HEAP) == ST_OK);
	CHECK(frame_cache_free(cache, (pfn_t){ BASE + frame }, MARK) == ST_OK);
	return frame;
}

static inline void use_caches(struct scene *at)
{
	pfn_t block;

	fake_cpu_become(0, CPU_TASK);
	CHECK(frame_cache_alloc_block(at->cache[0], 1, &block) == ST_OK);
	at->cached_block = block.raw - BASE;
	CHECK(frame_cache_free_block(at->cache[0], block, MARK) == ST_OK);
	at->frame = get_cached(at->cache[0]);
	at->hot = get_cached(at->cache[0]);
	/* Until its block is full: that is where the hot ones come from. */
	while (get_cached(at->cache[0]) / BLOCK == at->hot / BLOCK)
		;
	CHECK(frame_cache_free(at->cache[0], (pfn_t){ BASE + at->hot },
			       MARK) == ST_OK);
	at->cold = free_sparse(at, at->cache[0]);
	at->word = at->cache[0]->word_first +
		   (uint64_t)__builtin_ctzl(at->cache[0]->word);
	fake_cpu_become(1, CPU_TASK);
	get_cached(at->cache[2]);
	at->other = at->cache[2]->word_first +
		    (uint64_t)__builtin_ctzl(at->cache[2]->word);
	fake_cpu_become(0, CPU_TASK);
}

static inline struct scene scene_new(void)
{
	struct scene at = {
		.world = frame_world_new(&(struct frame_world_request){
			.shape = SHAPE, .first = { BASE }, .frames = END,
			.cpus = 2 }),
	};
	pfn_t opened = { BASE + OPENED };

	fake_cpu_become(0, CPU_TASK);
	at.pool = &at.world->pool;
	for (unsigned i = 0; i < 4; i++)
		at.cache[i] = &at.world->set.caches[i];
	CHECK(frame_pool_add(at.pool, 0, (struct frame_run){
		{ BASE }, ABSENT_BLOCK }) == ST_OK);
	CHECK(get(&at, FRAME_1G) == WHOLE_GIANT);
	CHECK(frame_pool_alloc_at(at.pool, 0, opened, 1) == ST_OK);
	put(&at, OPENED, FRAME_4K);
	CHECK(frame_tree_has(&at.pool->giants, 1));
	at.block = get(&at, FRAME_2M);
	use_caches(&at);
	return at;
}

/* --- expectations ----------------------------------------------------------*/

static inline bool is_same(const struct frame_holder *one,
		    const struct frame_holder *other)
{
	return one->kind == other->kind && one->size == other->size &&
	       one->owner == other->owner && one->slot == other->slot;
}

/* The audit finds this frame, held by one or two. */
static inline bool finds(const struct scene *at, enum frame_finding_kind kind,
		  uint64_t frame, struct frame_holder one,
		  struct frame_holder two)
{
	unsigned wanted = (one.slot != NONE.slot) + (two.slot != NONE.slot);
	struct frame_finding found;

	frame_world_find(at->world, &found);
	return found.kind == kind && found.frame.raw == BASE + frame &&
	       found.holders == wanted &&
	       (wanted < 1 || is_same(&found.holder[0], &one)) &&
	       (wanted < 2 || is_same(&found.holder[1], &two));
}

static inline bool finds_slot(const struct scene *at,
			      enum frame_finding_kind kind, cpu_slot slot)
{
	struct frame_finding found;

	frame_world_find(at->world, &found);
	return found.kind == kind && found.slot == slot && found.holders == 0;
}

static inline bool finds_nothing(const struct scene *at)
{
	struct frame_finding found;

	return frame_world_find(at->world, &found) == FRAME_FOUND_NOTHING;
}

static inline struct frame_holder bit(enum frame_size size)
{
	return (struct frame_holder){ .kind = FRAME_HELD_BY_BIT,
				      .size = size };
}

static inline struct frame_holder owner(enum frame_size size, uint8_t byte)
{
	return (struct frame_holder){ .kind = FRAME_HELD_BY_OWNER,
				      .size = size, .owner = byte };
}

static inline struct frame_holder cached(enum frame_size size, cpu_slot slot)
{
	return (struct frame_holder){ .kind = FRAME_HELD_BY_CACHE,
				      .size = size, .slot = slot };
}

/* --- damage ----------------------------------------------------------------*/

static inline void turn_frame(const struct scene *at, uint64_t frame)
{
	at->pool->bits[word_index(frame)].plain ^= 1UL << word_bit(frame);
}

/* With the words above it. */
static inline void turn_tree(const struct scene *at, struct frame_tree *tree,
		      uint64_t index)
{
	if (frame_tree_has(tree, index))
		frame_tree_claim_one(at->pool, tree, index);
	else
		frame_tree_publish(at->pool, tree, word_index(index),
				   1UL << word_bit(index));
}

/* Blocks and giants are named by their first frame. */
static inline void turn_block(const struct scene *at, uint64_t frame)
{
	turn_tree(at, &at->pool->blocks, frame / BLOCK);
}

static inline void turn_giant(const struct scene *at, uint64_t frame)
{
	turn_tree(at, &at->pool->giants, frame / GIANT);
}

static inline atomic_u8 *frame_byte(const struct scene *at, uint64_t frame)
{
	return &at->pool->frame_owner[frame];
}

static inline atomic_u8 *block_byte(const struct scene *at, uint64_t frame)
{
	return &at->pool->block_owner[frame / BLOCK];
}

static inline atomic_u8 *giant_byte(const struct scene *at, uint64_t frame)
{
	return &at->pool->giant_owner[frame / GIANT];
}

/* Whether the byte, while it is `value`, is the cause of that finding. */
#define FINDS_BYTE(cell, value, ...)					\
	({								\
		atomic_u8 *cell_ = (cell);				\
		uint8_t old_ = cell_->plain;				\
		bool found_;						\
		cell_->plain = (value);					\
		found_ = finds(__VA_ARGS__);				\
		cell_->plain = old_;					\
		found_;							\
	})

/* The same while a bit of one of the three sizes is turned over. */
#define FINDS_BIT(turn_size, bit_frame, ...)				\
	({								\
		bool found_;						\
		turn_size(&at, bit_frame);				\
		found_ = finds(__VA_ARGS__);				\
		turn_size(&at, bit_frame);				\
		found_;							\
	})

static inline uint64_t free_frame_of(const struct scene *at)
{
	for (uint64_t frame = SPLIT_GIANT; frame < ABSENT_BLOCK; frame++)
		if (frame_pool_query(at->pool, (pfn_t){ BASE + frame }).state ==
			    FRAME_STATE_FREE &&
		    frame_pool_query(at->pool, (pfn_t){ BASE + frame }).size ==
			    FRAME_4K)
			return frame;
	abort();
}

static inline uint64_t free_block_of(const struct scene *at)
{
	for (uint64_t frame = SPLIT_GIANT; frame < ABSENT_BLOCK;
	     frame += BLOCK)
		if (frame_block_is_free(at->pool, frame / BLOCK))
			return frame;
	abort();
}

#endif
