// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/bytes.c: counts in owners' bytes, and blocks split in place. */
#include <base/bits.h>
#include <boot/owner.h>

#include <mm/frame_bytes.h>
#include <mm/frame/block.h>

#include "check.h"
#include "frame_world.h"

#define TINY ((struct frame_shape){ 6, 2 })
#define BLOCK 64
#define GIANT 256
#define ALL (2 * GIANT)
#define MARK ((const void *)0x1234)
#define NO_BYTE 7		/* nothing here has this owner               */
#define BAD_BYTE (FRAME_BYTE_FIXED | OWNER_BAD)

static struct frame_world *new_world(void)
{
	return frame_world_full(&(struct frame_world_request){
		.shape = TINY, .first = { GIANT }, .frames = ALL, .cpus = 1 });
}

static uint64_t get(struct frame_world *world, enum frame_size size,
		    uint8_t owner)
{
	struct frame_request request = { .size = size, .owner = owner };
	pfn_t frame = { 0 };

	CHECK(frame_pool_alloc(&world->pool, 0, &request, &frame) == ST_OK);
	return frame.raw;
}

static enum status put(struct frame_world *world, uint64_t frame,
		       enum frame_size size)
{
	return frame_pool_free(&world->pool, 0, &(struct frame_return){
		.frame = { frame }, .size = size, .caller = MARK });
}

static bool is_owned(const struct frame_world *world, uint64_t frame,
		     enum frame_size size, uint8_t owner)
{
	struct frame_info info = frame_pool_query(&world->pool,
						  (pfn_t){ frame });

	return info.state == FRAME_STATE_ALLOCATED && info.size == size &&
	       info.owner == owner;
}

/* --- exchange --------------------------------------------------------------*/

/* The status, and the byte that was found. */
static enum status exchange(struct frame_world *world,
			    struct frame_byte_change change, uint8_t want)
{
	uint8_t found = NO_BYTE;
	enum status status = frame_pool_exchange_byte(&world->pool, &change,
						      &found);

	CHECK(found == want);
	return status;
}

/* Every count in turn, up and down again, and freed at the last one. */
static void counts(enum frame_size size, uint8_t first, uint8_t most)
{
	struct frame_world *world = new_world();
	uint64_t at = get(world, size, first);
	struct frame_byte_change up = { { at }, size, first, 0 };

	for (; up.from < most; up.from = up.to) {
		up.to = (uint8_t)(up.from + 1);
		CHECK(exchange(world, up, up.from) == ST_OK);
		CHECK(is_owned(world, at, size, up.to));
		/* Late: the byte is another one now. */
		CHECK(exchange(world, up, up.to) == ST_CONFLICT);
	}
	CHECK(put(world, at, size) == ST_OK);
	CHECK(exchange(world, (struct frame_byte_change){
		{ at }, size, most, first }, FRAME_BYTE_FREE) == ST_NOT_FOUND);
	CHECK(world->reports == 0 && frame_world_audit(world, ALL));
	frame_world_free(world);
}

CASE(frame_bytes_count_sharers_and_holders)
{
	counts(FRAME_4K, FRAME_BYTE_SHARERS, FRAME_BYTE_SHARERS_MOST);
	counts(FRAME_4K, FRAME_BYTE_HOLDERS, FRAME_BYTE_HOLDERS_MOST - 1);
	counts(FRAME_2M, FRAME_BYTE_SHARERS, FRAME_BYTE_SHARERS_MOST);
	counts(FRAME_1G, FRAME_BYTE_SHARERS, FRAME_BYTE_SHARERS_MOST);
}

CASE(frame_bytes_are_told_where_the_change_was)
{
	struct frame_world *world = new_world();
	struct frame_byte_change change = {
		{ get(world, FRAME_4K, OWNER_HEAP) }, FRAME_4K,
		OWNER_HEAP, OWNER_LOG };

	CHECK(frame_pool_exchange_byte(&world->pool, &change, &change.to) ==
	      ST_OK);
	CHECK(is_owned(world, change.frame.raw, FRAME_4K, OWNER_LOG));
	CHECK(change.to == OWNER_HEAP);
	frame_world_free(world);
}

CASE(frame_bytes_of_holders_are_allocated_everywhere)
{
	struct frame_world *world = new_world();
	struct frame_cache *cache = frame_cache_current(&world->set);
	uint64_t at = get(world, FRAME_4K, 255), run;
	struct frame_request two = { .size = FRAME_RUN, .pages = 2,
				     .owner = 224 };
	struct frame_count count;
	pfn_t frame = { at };

	frame_pool_count(&world->pool, &count);
	CHECK(count.allocated[255] == 1 && count.free == ALL - 1);
	CHECK(frame_pool_alloc_at(&world->pool, 0, frame, 1) == ST_CONFLICT);
	CHECK(frame_cache_free(cache, frame, MARK) == ST_OK);
	CHECK(frame_cache_free(cache, frame, MARK) == ST_CONFLICT);
	CHECK(frame_pool_alloc(&world->pool, 0, &two, &frame) == ST_OK);
	run = frame.raw;
	CHECK(frame_pool_free(&world->pool, 0, &(struct frame_return){
		{ run }, FRAME_RUN, 224, 2, MARK }) == ST_OK);
	CHECK(world->reports == 1 && frame_world_audit(world, ALL));
	frame_world_free(world);
}

CASE(frame_bytes_of_no_allocated_frame_do_not_change)
{
	struct frame_world *world = new_world();
	uint64_t one = get(world, FRAME_4K, OWNER_HEAP);
	uint64_t block = get(world, FRAME_2M, OWNER_HEAP);
	uint64_t kept = align_down(one, BLOCK) + 1;
	uint64_t free = align_down(one, BLOCK) + 2;
	struct frame_byte_change none[] = {
		/* In another size. */
		{ { align_down(one, BLOCK) }, FRAME_2M, OWNER_HEAP, 64 },
		{ { block }, FRAME_4K, OWNER_HEAP, 64 },
		{ { block + 1 }, FRAME_4K, OWNER_HEAP, 64 },
		{ { align_down(one, GIANT) }, FRAME_1G, OWNER_HEAP, 64 },
		{ { free }, FRAME_4K, OWNER_HEAP, 64 },
		/* Where no giant was ever split. */
		{ { 2 * GIANT == align_down(one, GIANT) ? GIANT : 2 * GIANT },
		  FRAME_4K, OWNER_HEAP, 64 },
		{ { 2 * GIANT == align_down(one, GIANT) ? GIANT : 2 * GIANT },
		  FRAME_2M, OWNER_HEAP, 64 },
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(none); i++)
		CHECK(exchange(world, none[i], FRAME_BYTE_FREE) ==
		      ST_NOT_FOUND);
	CHECK(frame_pool_alloc_at(&world->pool, 0, (pfn_t){ kept }, BAD_BYTE) ==
	      ST_OK);
	CHECK(exchange(world, (struct frame_byte_change){
		{ kept }, FRAME_4K, OWNER_HEAP, 64 }, BAD_BYTE) ==
	      ST_NOT_FOUND);
	CHECK(is_owned(world, one, FRAME_4K, OWNER_HEAP));
	CHECK(is_owned(world, block, FRAME_2M, OWNER_HEAP));
	CHECK(is_owned(world, kept, FRAME_4K, BAD_BYTE));
	CHECK(frame_world_audit(world, ALL - BLOCK - 2));
	frame_world_free(world);
}

CASE(frame_bytes_refuse_nonsense)
{
	struct frame_world *world = new_world();
	uint64_t one = get(world, FRAME_4K, OWNER_HEAP);
	uint64_t block = get(world, FRAME_2M, OWNER_HEAP);
	struct {
		struct frame_byte_change change;
		enum status status;
	} bad[] = {
		{ { { one }, FRAME_4K, 0, 64 }, ST_BAD_ARGUMENT },
		{ { { one }, FRAME_4K, OWNER_HEAP, 0 }, ST_BAD_ARGUMENT },
		{ { { one }, FRAME_4K, OWNER_HEAP, 192 }, ST_BAD_ARGUMENT },
		{ { { one }, FRAME_4K, OWNER_HEAP, 223 }, ST_BAD_ARGUMENT },
		{ { { one }, FRAME_4K, 192, 64 }, ST_BAD_ARGUMENT },
		{ { { GIANT }, FRAME_RUN, OWNER_HEAP, 64 }, ST_BAD_ARGUMENT },
		{ { { block + 1 }, FRAME_2M, OWNER_HEAP, 64 },
		  ST_BAD_ARGUMENT },
		{ { { block + BLOCK }, FRAME_1G, OWNER_HEAP, 64 },
		  ST_BAD_ARGUMENT },
		{ { { GIANT - 1 }, FRAME_4K, OWNER_HEAP, 64 }, ST_BAD_RANGE },
		{ { { GIANT + ALL }, FRAME_4K, OWNER_HEAP, 64 },
		  ST_BAD_RANGE },
		{ { { UINT64_MAX }, FRAME_2M, OWNER_HEAP, 64 }, ST_BAD_RANGE },
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++) {
		CHECK(exchange(world, bad[i].change, NO_BYTE) ==
		      bad[i].status);
		CHECK(frame_pool_split(&world->pool, &bad[i].change) ==
		      bad[i].status);
	}
	CHECK(frame_pool_split(&world->pool, &(struct frame_byte_change){
		{ one }, FRAME_4K, OWNER_HEAP, 64 }) == ST_BAD_ARGUMENT);
	CHECK(is_owned(world, one, FRAME_4K, OWNER_HEAP));
	CHECK(is_owned(world, block, FRAME_2M, OWNER_HEAP));
	frame_world_free(world);
}

/* --- split -----------------------------------------------------------------*/

static enum status split(struct frame_world *world, uint64_t block,
			 uint8_t from, uint8_t to)
{
	return frame_pool_split(&world->pool, &(struct frame_byte_change){
		{ block }, FRAME_2M, from, to });
}

/* All of them, then each freed in some order: the block is whole again. */
static void splits_and_merges(struct frame_world *world, uint64_t block,
			      uint8_t to)
{
	uint64_t free = ALL - BLOCK;

	CHECK(split(world, block, OWNER_HEAP, to) == ST_OK);
	for (uint64_t i = 0; i < BLOCK; i++)
		CHECK(is_owned(world, block + i, FRAME_4K, to));
	CHECK(frame_world_audit(world, free));
	CHECK(put(world, block, FRAME_2M) == ST_CONFLICT);
	CHECK(split(world, block, OWNER_HEAP, to) == ST_CONFLICT);
	for (uint64_t i = 0; i < BLOCK; i++) {
		uint64_t frame = block + i * 37 % BLOCK;

		CHECK(put(world, frame, FRAME_4K) == ST_OK);
		CHECK(put(world, frame, FRAME_4K) == ST_CONFLICT);
		CHECK(frame_world_audit(world, ++free));
	}
	CHECK(split(world, block, OWNER_HEAP, to) == ST_CONFLICT);
}

/* The second time its words and bytes were written before. */
CASE(frame_split_in_place_gives_frames_that_merge_again)
{
	static const uint8_t bytes[] = { 64, OWNER_HEAP, 127, 224, 255, 1 };
	struct frame_world *world = new_world();

	for (unsigned i = 0; i < ARRAY_LENGTH(bytes); i++)
		splits_and_merges(world, get(world, FRAME_2M, OWNER_HEAP),
				  bytes[i]);
	CHECK(frame_world_audit(world, ALL));
	frame_world_free(world);
}

CASE(frame_split_in_place_wants_a_block_that_is_allocated_whole)
{
	struct frame_world *world = new_world();
	uint64_t one = get(world, FRAME_4K, OWNER_HEAP);
	uint64_t block = get(world, FRAME_2M, OWNER_HEAP);
	uint64_t other = align_down(one, GIANT) == GIANT ? 2 * GIANT : GIANT;

	CHECK(split(world, align_down(one, BLOCK), OWNER_HEAP, 64) ==
	      ST_CONFLICT);
	CHECK(split(world, other, OWNER_HEAP, 64) == ST_CONFLICT);
	CHECK(split(world, block, OWNER_LOG, 64) == ST_CONFLICT);
	CHECK(is_owned(world, block, FRAME_2M, OWNER_HEAP));
	CHECK(get(world, FRAME_1G, OWNER_HEAP) == other);
	CHECK(split(world, other, OWNER_HEAP, 64) == ST_CONFLICT);
	CHECK(is_owned(world, other, FRAME_1G, OWNER_HEAP));
	CHECK(frame_world_audit(world, ALL - GIANT - BLOCK - 1));
	frame_world_free(world);
}

/* Another CPU is in the middle of it: no other CPU changes the block. */
CASE(frame_split_in_place_refuses_a_free_while_it_lasts)
{
	struct frame_world *world = new_world();
	struct frame_cache *cache = frame_cache_current(&world->set);
	uint64_t block = get(world, FRAME_2M, OWNER_HEAP);
	atomic_u8 *byte =
		&world->pool.block_owner[(block - GIANT) / BLOCK];

	byte->plain = FRAME_BYTE_SPLITTING;
	CHECK(is_owned(world, block, FRAME_2M, FRAME_BYTE_SPLITTING));
	CHECK(put(world, block, FRAME_2M) == ST_CONFLICT);
	CHECK(frame_cache_free_block(cache, (pfn_t){ block }, MARK) ==
	      ST_CONFLICT);
	CHECK(frame_pool_free(&world->pool, 0, &(struct frame_return){
		{ block }, FRAME_RUN, 0, BLOCK, MARK }) == ST_CONFLICT);
	CHECK(split(world, block, OWNER_HEAP, 64) == ST_CONFLICT);
	CHECK(exchange(world, (struct frame_byte_change){
		{ block }, FRAME_2M, OWNER_HEAP, 64 },
		FRAME_BYTE_SPLITTING) == ST_CONFLICT);
	byte->plain = OWNER_HEAP;
	CHECK(put(world, block, FRAME_2M) == ST_OK);
	CHECK(world->reports == 3 && frame_world_audit(world, ALL));
	frame_world_free(world);
}

/* A block of a run; its frames then are no part of the run any more. */
CASE(frame_split_in_place_takes_a_block_out_of_a_run)
{
	struct frame_world *world = new_world();
	struct frame_request run = { .size = FRAME_RUN, .pages = 3 * BLOCK,
				     .align_shift = 6, .owner = OWNER_HEAP };
	struct frame_return back = { .size = FRAME_RUN, .pages = 3 * BLOCK,
				     .caller = MARK, .owner = OWNER_HEAP };
	pfn_t at;

	CHECK(frame_pool_alloc(&world->pool, 0, &run, &at) == ST_OK);
	CHECK(split(world, at.raw + BLOCK, OWNER_HEAP, OWNER_HEAP) == ST_OK);
	back.frame = at;
	CHECK(frame_pool_free(&world->pool, 0, &back) == ST_CONFLICT);
	CHECK(world->last.frame.raw == at.raw + BLOCK);
	for (uint64_t i = 0; i < BLOCK; i++)
		CHECK(put(world, at.raw + BLOCK + i, FRAME_4K) == ST_OK);
	CHECK(put(world, at.raw, FRAME_2M) == ST_OK);
	CHECK(put(world, at.raw + 2 * BLOCK, FRAME_2M) == ST_OK);
	CHECK(frame_world_audit(world, ALL));
	frame_world_free(world);
}

/* --- over nodes ------------------------------------------------------------*/

CASE(frame_bytes_are_found_on_every_node)
{
	struct frame_world *worlds[] = { new_world(), frame_world_full(
		&(struct frame_world_request){ .shape = TINY,
			.first = { 8 * GIANT }, .frames = ALL, .cpus = 1 }) };
	struct frame_pool *pools[] = { &worlds[0]->pool, &worlds[1]->pool };
	static const uint16_t first[] = { 0, 1, 2 };
	static const uint8_t order[] = { 0, 1, 1, 0 };
	static const struct frame_place places[] = {
		{ GIANT, 0 }, { 8 * GIANT, 1 },
	};
	struct frame_nodes nodes = {
		.pool = pools, .pools = 2, .count = 2, .first = first,
		.order = order, .places = places, .place_count = 2,
	};

	for (unsigned i = 0; i < 2; i++) {
		struct frame_byte_change change = {
			{ get(worlds[i], FRAME_2M, 64) }, FRAME_2M, 64, 65 };
		uint8_t found = NO_BYTE;

		CHECK(frame_exchange_byte(&nodes, &change, &found) == ST_OK);
		change.from = 65;
		CHECK(frame_split(&nodes, &change) == ST_OK);
		CHECK(is_owned(worlds[i], change.frame.raw, FRAME_4K, 65));
		change.frame.raw = 100 * i * GIANT + 1;
		CHECK(frame_split(&nodes, &change) == ST_BAD_RANGE);
		CHECK(frame_exchange_byte(&nodes, &change, &found) ==
		      ST_BAD_RANGE);
		frame_world_free(worlds[i]);
	}
}

CASE(frame_bytes_asserts_that_a_block_with_an_owner_is_not_free)
{
	struct frame_world *world = new_world();
	struct frame_byte_change change = {
		{ get(world, FRAME_2M, OWNER_HEAP) }, FRAME_2M,
		OWNER_HEAP, OWNER_LOG };
	uint64_t block = (change.frame.raw - GIANT) / BLOCK;

	/* Two of four, so that they do not become a giant. */
	CHECK(get(world, FRAME_2M, OWNER_HEAP) != change.frame.raw);
	CHECK(frame_return_blocks(&world->pool, 0, 0, 1UL << block) == 0);
	CHECK_ASSERTS((void)!frame_pool_split(&world->pool, &change));
	frame_world_free(world);
}
