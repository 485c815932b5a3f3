// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/cache_many.c and many_free.c: many frames through a CPU's cache. */
#include <mm/frame_many.h>

#include <mm/frame/block.h>
#include <mm/frame/search.h>

#include "check.h"
#include "fake_cpu.h"
#include "frame_world.h"

#define SHAPE	((struct frame_shape){ 9, 4 })
#define ALL	65536UL		/* a cache of 1024 frames                    */
#define MARK	((const void *)0x4321)
#define MINE	OWNER_HEAP

static pfn_t held[ALL + 1];

static struct frame_world *world_of(unsigned cpus)
{
	fake_cpu_become(0, CPU_TASK);
	return frame_world_full(&(struct frame_world_request){
		.shape = SHAPE, .frames = ALL, .cpus = cpus });
}

static struct frame_cache *become(struct frame_world *world, unsigned cpu,
				  enum cpu_context context)
{
	fake_cpu_become(cpu, context);
	return frame_cache_current(&world->set);
}

static enum status get_many(struct frame_cache *cache, pfn_t *frames,
			    uint64_t count)
{
	return frame_cache_alloc_many(cache, MINE,
				      (struct frame_array){ frames, count });
}

static enum status give_many(struct frame_cache *cache, const pfn_t *frames,
			     uint64_t count)
{
	return frame_cache_free_many(cache, &(struct frame_many_return){
		.frames = frames, .count = count, .owner = MINE,
		.caller = MARK });
}

/* Steps of this CPU that others could see: none without the pool. */
static uint64_t steps_of(const struct frame_cache *cache)
{
	const struct frame_activity *own =
		&cache->pool->activity[cache->slot];

	return own->moving.plain + own->frees.plain + own->claiming.plain;
}

CASE(frame_cache_many_uses_what_the_cache_has)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	uint64_t before;

	CHECK(frame_cache_alloc(cache, MINE, &held[0]) == ST_OK);
	CHECK(frame_cache_held(cache) == 63);
	before = steps_of(cache);
	CHECK(get_many(cache, held + 1, 20) == ST_OK);
	CHECK(get_many(cache, held + 21, 43) == ST_OK);
	CHECK(frame_cache_held(cache) == 0 && steps_of(cache) == before);
	for (unsigned i = 0; i < 64; i++)
		CHECK(held[i].raw == held[0].raw + i);
	/* And the frames that were freed to it, in the word and the lists. */
	CHECK(give_many(cache, held, 10) == ST_OK);
	CHECK(give_many(cache, held + 30, 10) == ST_OK);
	CHECK(frame_cache_held(cache) == 20);
	CHECK(frame_world_audit(world, ALL - 44));
	before = steps_of(cache);
	CHECK(get_many(cache, held, 20) == ST_OK);
	CHECK(frame_cache_held(cache) == 0 && steps_of(cache) == before);
	/* A frame that it does not have takes a whole refill. */
	CHECK(get_many(cache, held + 64, 1) == ST_OK);
	CHECK(frame_cache_held(cache) == 63 && steps_of(cache) != before);
	CHECK(frame_world_audit(world, ALL - 65));
	frame_world_free(world);
}

/* Frames in the cache that are not in its blocks. */
static uint64_t held_in_words(const struct frame_cache *cache)
{
	return frame_cache_held(cache) -
	       ((uint64_t)cache->block_count << cache->block_shift);
}

CASE(frame_cache_many_leaves_words_to_the_pool)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	unsigned blocks = cache->block_limit / 2;

	CHECK(get_many(cache, held, 512 + 100) == ST_OK);
	/* Blocks, of which it needs one; a word; and 36 of the next word. */
	CHECK(cache->refills == 2);
	CHECK(cache->block_count == blocks - 1);
	CHECK(held_in_words(cache) == 28);
	CHECK(frame_world_audit(world, ALL - 612));
	CHECK(give_many(cache, held, 612) == ST_OK);
	CHECK(cache->block_count == blocks);
	CHECK(held_in_words(cache) == 64);
	CHECK(frame_world_audit(world, ALL));
	frame_cache_drain(cache);
	CHECK(frame_world_audit(world, ALL));
	CHECK(world->reports == 0);
	frame_world_free(world);
}

CASE(frame_cache_many_uses_its_blocks_without_the_pool)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	struct frame_activity *own = &cache->pool->activity[cache->slot];
	uint64_t before = own->claiming.plain;

	/* From the refill on it announces that all may go back. */
	CHECK(get_many(cache, held, 512) == ST_OK);
	CHECK(own->claiming.plain == before + 2);
	CHECK(give_many(cache, held, 512) == ST_OK);
	before = own->frees.plain;
	for (unsigned i = 0; i < 5; i++) {
		CHECK(get_many(cache, held, 1024) == ST_OK);
		CHECK(give_many(cache, held, 1024) == ST_OK);
		CHECK(frame_world_audit(world, ALL));
	}
	CHECK(cache->refills == 1 && cache->flushes == 0);
	CHECK(own->frees.plain == before);
	frame_world_free(world);
}

/* The frames of split blocks are used up first: others stay whole. */
CASE(frame_cache_many_splits_no_block_while_there_is_a_split_one)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);

	CHECK(get_many(cache, held, 1) == ST_OK);
	frame_cache_drain(cache);
	CHECK(get_many(cache, held + 1, 512) == ST_OK);
	for (unsigned i = 0; i < 511; i++)
		CHECK(held[1 + i].raw / 512 == held[0].raw / 512);
	CHECK(cache->block_count == 0);
	CHECK(frame_world_audit(world, ALL - 513));
	frame_world_free(world);
}

CASE(frame_cache_many_keeps_no_more_blocks_than_its_limit)
{
	struct frame_world *world = world_of(4);
	struct frame_cache *cache = become(world, 0, CPU_TASK);

	CHECK(cache->block_limit != 0);
	CHECK(get_many(cache, held, ALL) == ST_OK);
	for (uint64_t at = 0; at < ALL; at += 512) {
		CHECK(give_many(cache, held + at, 512) == ST_OK);
		CHECK(cache->block_count <= cache->block_limit);
		CHECK(frame_world_audit(world, at + 512));
	}
	frame_world_free(world);
}

/* A node with less than 32 MiB for each CPU. */
CASE(frame_cache_many_keeps_no_block_where_there_are_few)
{
	struct frame_world *world = world_of(16);
	struct frame_cache *cache = become(world, 0, CPU_TASK);

	CHECK(cache->block_limit == 0);
	CHECK(get_many(cache, held, 512) == ST_OK);
	CHECK(give_many(cache, held, 512) == ST_OK);
	CHECK(frame_cache_held(cache) == 0);
	CHECK(frame_world_audit(world, ALL));
	frame_world_free(world);
}

/* Whole blocks of another pool go there. */
CASE(frame_cache_many_keeps_no_block_of_another_pool)
{
	struct frame_world *world = world_of(1), *other;
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	static const uint16_t first[] = { 0, 1, 2 };
	static const uint8_t order[] = { 0, 1, 1, 0 };
	static const struct frame_place places[] = { { 0, 0 }, { ALL, 1 } };
	struct frame_pool *pools[2] = { &world->pool };
	struct frame_nodes nodes = {
		.pool = pools, .pools = 2, .count = 2, .first = first,
		.order = order, .places = places, .place_count = 2 };
	struct frame_request request = { .owner = MINE };

	other = frame_world_full(&(struct frame_world_request){
		.shape = SHAPE, .first = { ALL }, .frames = ALL, .cpus = 1 });
	pools[1] = &other->pool;
	world->set.nodes = &nodes;
	CHECK(frame_pool_alloc_many(&other->pool, 0, &request,
		(struct frame_array){ held, 512 }) == ST_OK);
	CHECK(give_many(cache, held, 512) == ST_OK);
	CHECK(cache->block_count == 0);
	CHECK(frame_world_audit(other, ALL));
	CHECK(frame_world_audit(world, ALL));
	frame_world_free(other);
	frame_world_free(world);
}

CASE(frame_cache_many_drains_its_own_cache_before_it_is_refused)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *other = become(world, 0, CPU_INTERRUPT);
	struct frame_cache *cache;

	CHECK(frame_cache_alloc(other, MINE, &held[ALL]) == ST_OK);
	cache = become(world, 0, CPU_TASK);
	CHECK(get_many(cache, held, ALL - 64) == ST_OK);
	CHECK(get_many(cache, held + ALL - 64, 1) == ST_NO_MEMORY);
	/* Frames of sparse blocks, and a block. */
	CHECK(give_many(cache, held, 30) == ST_OK);
	CHECK(give_many(cache, held + 1024, 1024) == ST_OK);
	CHECK(frame_cache_alloc_block(cache, MINE, &held[1024]) == ST_OK);
	CHECK(frame_cache_free_block(cache, held[1024], MARK) == ST_OK);
	CHECK(frame_cache_held(cache) > 512);
	CHECK(get_many(cache, held + ALL / 2, 30 + 1024 + 1) == ST_NO_MEMORY);
	CHECK(frame_world_audit(world, 30 + 1024 + 63));
	CHECK(frame_cache_held(cache) == 0);
	CHECK(get_many(cache, held + ALL / 2, 30 + 1024) == ST_OK);
	CHECK(frame_world_audit(world, 63));
	frame_world_free(world);
}

/* It wants less than a block, and there is nothing but one that it keeps. */
CASE(frame_cache_many_splits_a_block_of_its_own_before_it_is_refused)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);

	CHECK(get_many(cache, held, ALL) == ST_OK);
	CHECK(give_many(cache, held, 512) == ST_OK);
	CHECK(cache->block_count == 1 && frame_cache_held(cache) == 512);
	CHECK(get_many(cache, held, 100) == ST_OK);
	CHECK(frame_world_audit(world, 412));
	frame_world_free(world);
}

CASE(frame_cache_many_keeps_no_frames_below_1_mib)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);

	CHECK(get_many(cache, held, ALL) == ST_OK);
	for (unsigned i = 0; i < 20; i++)
		held[i].raw = 250 + i;
	CHECK(give_many(cache, held, 20) == ST_OK);
	CHECK(frame_cache_held(cache) == 14);
	CHECK(frame_world_audit(world, 20));
	frame_world_free(world);
}

CASE(frame_cache_many_flushes_a_list_that_is_full)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);

	CHECK(get_many(cache, held, ALL) == ST_OK);
	for (uint64_t i = 0; i < ALL; i += 64) {
		CHECK(give_many(cache, held + i, 63) == ST_OK);
		CHECK(frame_world_audit(world, i / 64 * 63 + 63));
		CHECK(frame_cache_held(cache) <= frame_cache_limit(cache));
	}
	CHECK(cache->flushes != 0);
	CHECK(frame_world_audit(world, ALL / 64 * 63));
	frame_world_free(world);
}

CASE(frame_cache_many_refuses_what_is_wrong_and_changes_nothing)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	uint64_t before;

	CHECK(get_many(cache, held, 100) == ST_OK);
	before = frame_cache_held(cache);
	held[100] = held[99];
	CHECK(give_many(cache, held, 101) == ST_CONFLICT);
	CHECK(world->reports == 1 && world->last.caller == MARK);
	CHECK(world->last.frame.raw == held[99].raw);
	held[100].raw = ALL;
	CHECK(give_many(cache, held, 101) == ST_BAD_RANGE);
	CHECK(frame_cache_held(cache) == before);
	CHECK(frame_world_audit(world, ALL - 100));
	CHECK(get_many(cache, held, 0) == ST_BAD_ARGUMENT);
	CHECK(frame_cache_alloc_many(cache, FRAME_BYTE_FREE,
		(struct frame_array){ held, 1 }) == ST_BAD_ARGUMENT);
	CHECK(give_many(cache, held, 0) == ST_BAD_ARGUMENT);
	frame_world_free(world);
}

CASE(frame_cache_many_refuses_an_nmi)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_NMI);

	held[0].raw = 0;
	CHECK(get_many(cache, held, 1) == ST_DENIED);
	CHECK(give_many(cache, held, 1) == ST_DENIED);
	frame_world_free(world);
}

CASE(frame_cache_many_asserts_whose_cache_it_is)
{
	struct frame_world *world = world_of(2);
	struct frame_cache *other = become(world, 1, CPU_TASK);

	become(world, 0, CPU_TASK);
	CHECK_ASSERTS((void)!get_many(other, held, 1));
	CHECK_ASSERTS((void)!give_many(other, held, 1));
	frame_world_free(world);
}

/* A second copy in the cache's own word. */
CASE(frame_cache_many_drops_what_is_allocated_already)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	uint64_t copy;

	CHECK(frame_cache_alloc(cache, MINE, &held[0]) == ST_OK);
	copy = held[0].raw + 5;
	world->pool.frame_owner[copy].plain = OWNER_LOG;
	CHECK(get_many(cache, held, 63) == ST_OK);
	CHECK(world->reports == 1 && world->last.frame.raw == copy);
	for (unsigned i = 0; i < 63; i++)
		CHECK(held[i].raw != copy);
	CHECK(world->pool.frame_owner[copy].plain == OWNER_LOG);
	frame_world_free(world);
}

/* Tasks and handlers of two CPUs, singles in between, all in one thread. */
CASE(frame_cache_many_walks_at_random)
{
	enum { CHUNKS = 64, MOST = 700 };
	static pfn_t chunk[CHUNKS][MOST];
	uint64_t count[CHUNKS] = { 0 }, seed = check_seed(), had = 0;
	struct frame_world *world = world_of(2);

	for (unsigned step = 0; step < 20000; step++) {
		uint64_t roll = check_random(&seed);
		unsigned at = roll % CHUNKS;
		uint64_t most = roll >> 60 == 0 ? MOST : 40;
		uint64_t wanted = 1 + (roll >> 8) % most;
		struct frame_cache *cache = become(
			world, roll >> 40 & 1,
			roll >> 41 & 1 ? CPU_TASK : CPU_INTERRUPT);

		if (count[at] == 0) {
			CHECK(get_many(cache, chunk[at], wanted) == ST_OK);
			had += count[at] = wanted;
		} else if (roll >> 42 & 1) {
			CHECK(give_many(cache, chunk[at], count[at]) == ST_OK);
			had -= count[at];
			count[at] = 0;
		} else {
			CHECK(frame_cache_free(cache,
					       chunk[at][--count[at]],
					       MARK) == ST_OK);
			had--;
		}
		if (step % 64 == 0)
			CHECK(frame_world_audit(world, ALL - had));
	}
	CHECK(world->reports == 0);
	frame_world_free(world);
}

/* Straight from the pool: the cache has no word, and needs none. */
CASE(frame_cache_many_takes_a_whole_word_past_the_cache)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);

	CHECK(get_many(cache, held, 64) == ST_OK);
	CHECK(cache->refills == 0 && frame_cache_held(cache) == 0);
	CHECK(get_many(cache, held + 64, 63) == ST_OK);
	CHECK(cache->refills == 1);
	CHECK(frame_world_audit(world, ALL - 127));
	frame_world_free(world);
}

/* By words, so that it is listed as split: not any more when it is kept. */
CASE(frame_cache_many_unlists_a_block_that_it_keeps)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	struct frame_pool *pool = &world->pool;
	uint64_t block;

	for (unsigned i = 0; i < 512; i += 128)
		CHECK(get_many(cache, held + i, 128) == ST_OK);
	block = held[0].raw / 512;
	CHECK(held[511].raw / 512 == block && held[0].raw % 512 == 0);
	CHECK(frame_tree_has(&pool->split, block));
	CHECK(give_many(cache, held, 512) == ST_OK);
	CHECK(cache->block_count == 1);
	CHECK(cache->blocks[0] == block);
	CHECK(!frame_tree_has(&pool->split, block));
	CHECK(pool->hints[block].plain == FRAME_WHOLE);
	CHECK(frame_world_audit(world, ALL));
	frame_world_free(world);
}

/* Three frames of a word of block `block`, of which `hint` frames are free. */
static void expect_kept(struct frame_cache *cache, uint64_t block,
			unsigned hint, unsigned list)
{
	struct frame_list *kept = &cache->list[list];
	const struct frame_word *end = kept->end;
	uint64_t first = block * 512 + 128;
	pfn_t frames[3];

	for (unsigned i = 0; i < 3; i++)
		frames[i].raw = first + 5 + i;
	cache->hints[block].plain = (uint16_t)hint;
	CHECK(give_many(cache, frames, 3) == ST_OK);
	CHECK(kept->end == end + 1 && end->first == first &&
	      end->mask == 0xe0);
	/* The next one of its word goes there, too. */
	CHECK(cache->last == end);
	CHECK(frame_cache_free(cache, (pfn_t){ first + 9 }, MARK) == ST_OK);
	CHECK(kept->end == end + 1 && end->mask == 0x2e0);
}

CASE(frame_cache_many_keeps_a_word_where_its_frames_would_be)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	const unsigned density = 9;

	CHECK(get_many(cache, held, ALL) == ST_OK);
	/* The first one becomes its word, if it has none. */
	CHECK(frame_cache_free(cache, (pfn_t){ 256 }, MARK) == ST_OK);
	cache->density = density;
	expect_kept(cache, 20, density, FRAME_HOT);
	expect_kept(cache, 30, density + 1, FRAME_COLD);
	expect_kept(cache, 40, density - 1, FRAME_HOT);
	frame_world_free(world);
}

CASE(frame_cache_many_counts_drains_and_hits)
{
	struct frame_world *world = world_of(1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	uint64_t blocks = cache->block_limit / 2;

	CHECK(blocks > 1 && cache->drains == 0);
	CHECK(get_many(cache, held, 512) == ST_OK);
	CHECK(cache->refills == 1 && frame_cache_hits(cache) == 0);
	CHECK(get_many(cache, held + 512, 512) == ST_OK);
	CHECK(cache->refills == 1 && frame_cache_hits(cache) == 1);
	frame_cache_drain(cache);
	CHECK(cache->drains == 1);
	frame_world_free(world);
}
