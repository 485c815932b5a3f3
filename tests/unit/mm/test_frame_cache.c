// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mm/frame/cache.c: edges, refusals, and a walk of several CPUs in one thread.
 */
#include "check.h"
#include "fake_cpu.h"
#include "frame_world.h"

#include <base/bits.h>
#include <boot/owner.h>
#include <mm/frame/search.h>

#define MARK ((const void *)0x4321)
#define SMALL ((struct frame_shape){ 7, 4 })

static struct frame_world *world_of(uint64_t frames, unsigned cpus)
{
	fake_cpu_become(0, CPU_TASK);
	return frame_world_full(&(struct frame_world_request){
		.shape = SMALL, .frames = frames, .cpus = cpus });
}

static struct frame_cache *become(struct frame_world *world, unsigned cpu,
				  enum cpu_context context)
{
	fake_cpu_become(cpu, context);
	return frame_cache_current(&world->set);
}

CASE(frame_cache_allocates_every_frame_once_and_then_refuses)
{
	struct frame_world *world = world_of(32768, 1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	unsigned char *seen = calloc(32768, 1);
	pfn_t frame;

	for (unsigned i = 0; i < 32768; i++) {
		CHECK(frame_cache_alloc(cache, OWNER_HEAP, &frame) == ST_OK);
		CHECK(frame.raw < 32768 && !seen[frame.raw]++);
	}
	CHECK(frame_cache_alloc(cache, OWNER_HEAP, &frame) == ST_NO_MEMORY);
	CHECK(frame_world_audit(world, 0));
	for (unsigned i = 0; i < 32768; i++) {
		pfn_t back = { (i * 4001UL) % 32768 };

		CHECK(frame_cache_free(cache, back, MARK) == ST_OK);
		CHECK(frame_cache_free(cache, back, MARK) == ST_CONFLICT);
		CHECK(world->reports == i + 1);
		CHECK(world->last.frame.raw == back.raw &&
		      world->last.caller == MARK);
	}
	/* Every bit is reachable before the drain as after it. */
	CHECK(frame_world_audit(world, 32768));
	frame_cache_drain(cache);
	CHECK(frame_cache_held(cache) == 0);
	CHECK(frame_world_audit(world, 32768));
	free(seen);
	frame_world_free(world);
}

CASE(frame_cache_refuses_an_nmi)
{
	struct frame_world *world = world_of(32768, 1);
	struct frame_cache *cache = become(world, 0, CPU_NMI);
	pfn_t frame = { 0 };

	CHECK(frame_cache_alloc(cache, OWNER_HEAP, &frame) == ST_DENIED);
	CHECK(frame_cache_alloc_block(cache, OWNER_HEAP, &frame) == ST_DENIED);
	CHECK(frame_cache_free(cache, frame, MARK) == ST_DENIED);
	CHECK(frame_cache_free_block(cache, frame, MARK) == ST_DENIED);
	fake_cpu_become(0, CPU_TASK);
	CHECK(frame_world_audit(world, 32768));
	frame_world_free(world);
}

CASE(frame_cache_asserts_whose_cache_it_is)
{
	struct frame_world *world = world_of(32768, 2);
	struct frame_cache *other = become(world, 1, CPU_TASK);
	struct frame_cache *interrupt = become(world, 0, CPU_INTERRUPT);
	pfn_t frame;

	CHECK(interrupt != become(world, 0, CPU_TASK));
	CHECK_ASSERTS((void)!frame_cache_alloc(other, OWNER_HEAP, &frame));
	CHECK_ASSERTS((void)!frame_cache_alloc(interrupt, OWNER_HEAP, &frame));
	CHECK_ASSERTS(frame_cache_drain(other));
	frame_world_free(world);
}

/* The limits as numbers, for the shape of a PC; see frame_cache.h. */
CASE(frame_cache_limits_follow_the_frames_of_each_cpu)
{
	static const struct {
		uint64_t mib_per_cpu;
		unsigned hot, cold, blocks;
	} want[] = {
		{ 1, 4, 4, 0 }, { 16, 4, 4, 0 }, { 30, 4, 4, 0 },
		{ 32, 4, 4, 8 }, { 64, 4, 4, 8 }, { 128, 4, 4, 16 },
		{ 512, 8, 8, 16 }, { 2048, 32, 32, 16 }, { 8192, 64, 32, 16 },
	};
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = FRAME_SHAPE_PC,
			.frames = 1UL << 18, .cpus = 4 });
	struct frame_cache *cache;

	fake_cpu_become(0, CPU_TASK);
	cache = frame_cache_current(&world->set);
	for (unsigned i = 0; i < ARRAY_LENGTH(want); i++) {
		for (unsigned cpus = 1; cpus <= 4; cpus *= 4) {
			world->set.cpus = cpus;
			world->set.frames = cpus * want[i].mib_per_cpu << 8;
			frame_cache_set_init(&world->set);
			CHECK(cache->list[FRAME_HOT].limit - cache->hot ==
			      want[i].hot);
			CHECK(cache->list[FRAME_COLD].limit - cache->cold ==
			      want[i].cold);
			CHECK(cache->block_limit == want[i].blocks);
			CHECK(frame_cache_limit(cache) == 64UL *
			      (want[i].hot + want[i].cold - 1));
		}
	}
	world->set.cpus = 4;
	world->set.frames = 0;
	frame_cache_set_init(&world->set);
	frame_world_free(world);
}

CASE(frame_cache_keeps_no_more_than_its_limit)
{
	static const uint64_t sizes[] = { 2048, 4096, 8192, 32768, 262144 };

	for (unsigned i = 0; i < ARRAY_LENGTH(sizes); i++) {
		for (unsigned cpus = 1; cpus <= 16; cpus *= 4) {
			struct frame_world *world = world_of(sizes[i], cpus);
			struct frame_cache *cache = become(world, 0, CPU_TASK);
			uint64_t limit = frame_cache_limit(cache);
			pfn_t frame;

			CHECK(limit >= FRAME_WORD_BITS);
			for (uint64_t n = 0; n < sizes[i]; n++)
				CHECK(frame_cache_alloc(cache, 1, &frame) ==
				      ST_OK);
			for (uint64_t n = 0; n < sizes[i]; n++) {
				CHECK(frame_cache_free(
					      cache,
					      (pfn_t){ (n * 12289) % sizes[i] },
					      MARK) == ST_OK);
				CHECK(frame_cache_held(cache) <= limit);
			}
			frame_world_free(world);
		}
	}
}

/* The caller asks all pools next, so no other CPU's state is read. */
CASE(frame_cache_reads_no_other_cpu_for_a_caller_that_goes_on)
{
	struct frame_world *world = world_of(4096, 2);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	pfn_t frame;

	for (unsigned i = 0; i < 4096; i++)
		CHECK(frame_cache_alloc(cache, 1, &frame) == ST_OK);
	/* CPU 1 is moving frames: no refusal could be proven now. */
	frame_enter(&world->pool, frame_task_slot(1));
	world->set.refusal = FRAME_REFUSE_FROM_CACHE;
	CHECK(frame_cache_alloc(cache, 1, &frame) == ST_NO_MEMORY);
	CHECK(frame_cache_alloc_block(cache, 1, &frame) == ST_NO_MEMORY);
	world->set.refusal = FRAME_REFUSE_FOR_GOOD;
	CHECK(frame_cache_alloc(cache, 1, &frame) == ST_CONFLICT);
	CHECK(frame_cache_alloc_block(cache, 1, &frame) == ST_CONFLICT);
	frame_leave(&world->pool, frame_task_slot(1));
	CHECK(frame_cache_alloc(cache, 1, &frame) == ST_NO_MEMORY);
	CHECK(frame_cache_alloc_block(cache, 1, &frame) == ST_NO_MEMORY);
	frame_world_free(world);
}

CASE(frame_cache_refuses_what_others_keep_until_they_drain)
{
	struct frame_world *world = world_of(32768, 2);
	struct frame_cache *other = become(world, 1, CPU_TASK), *cache;
	pfn_t frame;

	CHECK(frame_cache_alloc(other, 1, &frame) == ST_OK);
	cache = become(world, 0, CPU_TASK);
	while (frame_cache_alloc(cache, 1, &frame) == ST_OK)
		continue;
	CHECK(frame_cache_held(other) == 63);
	become(world, 1, CPU_TASK);
	frame_cache_drain(other);
	become(world, 0, CPU_TASK);
	for (unsigned i = 0; i < 63; i++)
		CHECK(frame_cache_alloc(cache, 1, &frame) == ST_OK);
	CHECK(frame_cache_alloc(cache, 1, &frame) == ST_NO_MEMORY);
	CHECK(frame_world_audit(world, 0));
	frame_world_free(world);
}

CASE(frame_cache_keeps_frames_of_dense_blocks_only)
{
	struct frame_world *world = world_of(262144, 1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	const struct frame_list *kept = &cache->list[FRAME_HOT];
	const struct frame_list *leaving = &cache->list[FRAME_COLD];
	pfn_t frame;

	for (unsigned i = 0; i < 262144; i++)
		CHECK(frame_cache_alloc(cache, 1, &frame) == ST_OK);
	for (unsigned i = 0; i < 127; i++)
		CHECK(frame_cache_free(cache, (pfn_t){ 256 + i }, MARK) ==
		      ST_OK);
	frame_cache_drain(cache);
	/* Of a block with 127 free, then of two with none. */
	CHECK(frame_cache_free(cache, (pfn_t){ 383 }, MARK) == ST_OK);
	CHECK(leaving->end - leaving->words == 1);
	CHECK(frame_cache_free(cache, (pfn_t){ 1000 }, MARK) == ST_OK);
	CHECK(kept->end == kept->words);
	CHECK(frame_cache_free(cache, (pfn_t){ 2000 }, MARK) == ST_OK);
	CHECK(kept->end - kept->words == 1);
	CHECK(frame_world_audit(world, 130));
	CHECK(frame_cache_alloc(cache, 1, &frame) == ST_OK);
	CHECK(frame.raw == 1000);
	CHECK(frame_cache_alloc(cache, 1, &frame) == ST_OK);
	CHECK(frame.raw == 2000);
	CHECK(frame_cache_alloc_block(cache, 1, &frame) == ST_OK);
	CHECK(frame.raw == 256);
	CHECK(frame_world_audit(world, 0));
	frame_world_free(world);
}

CASE(frame_cache_allocates_again_what_it_keeps_without_the_pool)
{
	struct frame_world *world = world_of(262144, 1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	uint32_t refills, flushes;
	pfn_t frame, frames[12];

	for (unsigned i = 0; i < 262144; i++)
		CHECK(frame_cache_alloc(cache, 1, &frame) == ST_OK);
	for (unsigned i = 0; i < 12; i++)
		frames[i].raw = 5000 * (i + 1);
	refills = cache->refills;
	flushes = cache->flushes;
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 12; i++)
			CHECK(frame_cache_free(cache, frames[i], MARK) ==
			      ST_OK);
		CHECK(frame_world_audit(world, 12));
		for (unsigned i = 0; i < 12; i++) {
			CHECK(frame_cache_alloc(cache, 1, &frame) == ST_OK);
			CHECK(frame.raw % 5000 == 0 && frame.raw < 65000);
		}
		CHECK(frame_cache_held(cache) == 0);
	}
	CHECK(cache->refills == refills && cache->flushes == flushes);
	frame_world_free(world);
}

CASE(frame_cache_breaks_its_own_blocks_before_it_refuses)
{
	struct frame_world *world = world_of(262144, 1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	pfn_t block, frame;
	unsigned allocated = 0;

	CHECK(frame_cache_alloc_block(cache, 1, &block) == ST_OK);
	CHECK(frame_cache_free_block(cache, block, MARK) == ST_OK);
	CHECK(cache->block_count != 0);
	while (frame_cache_alloc(cache, 1, &frame) == ST_OK)
		allocated++;
	CHECK(allocated == 262144);
	CHECK(frame_world_audit(world, 0));
	frame_world_free(world);
}

/* All else is allocated; the cache has what its one block lacks. */
static void keep_all_but_a_block(struct frame_world *world,
				 struct frame_cache *cache)
{
	struct frame_request rest = { .size = FRAME_RUN, .owner = 1,
				      .pages = world->frames - 128 };
	pfn_t frame;

	CHECK(frame_pool_alloc(&world->pool, cache->slot, &rest, &frame) ==
	      ST_OK);
}

/* A word that it refilled, and words that came back. */
CASE(frame_cache_returns_its_frames_before_it_refuses_a_block)
{
	struct frame_world *world = world_of(4096, 1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	pfn_t frame[65], block;

	keep_all_but_a_block(world, cache);
	CHECK(frame_cache_alloc(cache, 1, &frame[0]) == ST_OK);
	CHECK(frame_cache_free(cache, frame[0], MARK) == ST_OK);
	CHECK(cache->word == UINT64_MAX);
	CHECK(frame_cache_alloc_block(cache, 1, &block) == ST_OK);
	CHECK(frame_cache_free_block(cache, block, MARK) == ST_OK);
	frame_cache_drain(cache);

	for (unsigned i = 0; i < 65; i++)
		CHECK(frame_cache_alloc(cache, 1, &frame[i]) == ST_OK);
	for (unsigned i = 0; i < 65; i++)
		CHECK(frame_cache_free(cache, frame[i], MARK) == ST_OK);
	CHECK(frame_list_frames(&cache->list[FRAME_HOT]) +
	      frame_list_frames(&cache->list[FRAME_COLD]) == 64);
	CHECK(frame_cache_alloc_block(cache, 1, &block) == ST_OK);
	CHECK(frame_world_audit(world, 0));
	frame_world_free(world);
}

/* A frame of a block that is sparser than those that it allocates from. */
CASE(frame_cache_returns_its_cold_frames_before_it_refuses_a_frame)
{
	struct frame_world *world = world_of(4096, 1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	pfn_t frame;

	while (frame_cache_alloc(cache, 1, &frame) == ST_OK)
		;
	CHECK(frame_pool_free(&world->pool, 0, &(struct frame_return){
		.frame = { 1 }, .size = FRAME_4K }) == ST_OK);
	cache->density = 0;
	CHECK(frame_cache_free(cache, (pfn_t){ 2 }, MARK) == ST_OK);
	CHECK(frame_list_frames(&cache->list[FRAME_COLD]) == 1);
	CHECK(frame_cache_alloc(cache, 1, &frame) == ST_OK && frame.raw == 1);
	CHECK(frame_cache_alloc(cache, 1, &frame) == ST_OK && frame.raw == 2);
	CHECK(frame_cache_alloc(cache, 1, &frame) == ST_NO_MEMORY);
	CHECK(frame_world_audit(world, 0));
	frame_world_free(world);
}

CASE(frame_cache_allocates_every_block_once_and_then_refuses)
{
	struct frame_world *world = world_of(262144, 1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	unsigned char seen[2048] = { 0 };
	unsigned limit = cache->block_limit;
	pfn_t frame;

	CHECK(limit == FRAME_BLOCKS_MAX);
	for (unsigned i = 0; i < 2048; i++) {
		CHECK(frame_cache_alloc_block(cache, 1, &frame) == ST_OK);
		CHECK(frame.raw % 128 == 0 && frame.raw < 262144);
		CHECK(!seen[frame.raw / 128]++);
	}
	CHECK(frame_cache_alloc_block(cache, 1, &frame) == ST_NO_MEMORY);
	for (unsigned i = 0; i < 2048; i++) {
		frame.raw = i * 601 % 2048 * 128;
		CHECK(frame_cache_free_block(cache, frame, MARK) == ST_OK);
		CHECK(cache->block_count <= limit);
		CHECK(frame_world_audit(world, 128 * (i + 1)));
	}
	/* The last one freed is the first one allocated. */
	CHECK(frame_cache_alloc_block(cache, 1, &frame) == ST_OK);
	CHECK(frame.raw == 2047 * 601 % 2048 * 128);
	CHECK(world->reports == 0);
	frame_world_free(world);
}

/* Where its share is less than the array holds. */
CASE(frame_cache_keeps_no_more_blocks_than_its_limit)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = FRAME_SHAPE_PC,
			.frames = 1UL << 18, .cpus = 16 });
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	unsigned limit = cache->block_limit, count = 0;
	pfn_t block[512];

	CHECK(limit != 0 && limit < FRAME_BLOCKS_MAX);
	while (frame_cache_alloc_block(cache, 1, &block[count]) == ST_OK)
		count++;
	CHECK(count > limit);
	for (unsigned i = 0; i < count; i++) {
		CHECK(frame_cache_free_block(cache, block[i], MARK) == ST_OK);
		CHECK(cache->block_count <= limit);
	}
	CHECK(frame_world_audit(world, 1UL << 18));
	frame_world_free(world);
}

/* As many as it wants, the highest first, also where they are not in a row. */
CASE(frame_cache_refills_blocks_with_gaps_between_them)
{
	struct frame_world *world = world_of(262144, 1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	uint64_t wanted = cache->block_limit / 2;
	pfn_t frame;

	for (uint64_t block = 2048; block > 0; block--) {
		CHECK(frame_cache_alloc_block(cache, 1, &frame) == ST_OK);
		CHECK(frame.raw == (block - 1) * 128);
	}
	for (uint64_t block = 0; block < 2048; block += 3)
		CHECK(frame_pool_free(&world->pool, 0, &(struct frame_return){
			.frame = { block * 128 }, .size = FRAME_2M }) == ST_OK);
	CHECK(frame_cache_alloc_block(cache, 1, &frame) == ST_OK);
	CHECK(cache->block_count == wanted - 1);
	for (uint64_t i = 0; i < wanted - 1; i++)
		CHECK(cache->blocks[i] == 2046 - 3 * (wanted - 1 - i));
	CHECK(frame.raw == 2046 * 128);
	CHECK(frame_world_audit(world, (683 - 1) * 128));
	frame_world_free(world);
}

CASE(frame_cache_refuses_a_second_free_while_it_has_no_word)
{
	struct frame_world *world = world_of(262144, 1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	pfn_t frame, first = { 1000 }, second = { 2000 };

	for (unsigned i = 0; i < 262144; i++)
		CHECK(frame_cache_alloc(cache, 1, &frame) == ST_OK);
	CHECK(frame_cache_free(cache, first, MARK) == ST_OK);
	CHECK(frame_cache_free(cache, second, MARK) == ST_OK);
	CHECK(frame_cache_alloc(cache, 1, &frame) == ST_OK);
	CHECK(frame.raw == first.raw && cache->word == 0);
	CHECK(frame_cache_free(cache, second, MARK) == ST_CONFLICT);
	CHECK(world->reports == 1 && world->last.frame.raw == second.raw);
	CHECK(frame_world_audit(world, 1));
	frame_world_free(world);
}

static void refuses_block(struct frame_world *world, uint64_t frame,
			  enum status status)
{
	struct frame_cache *cache = frame_cache_current(&world->set);
	unsigned before = world->reports;

	CHECK(frame_cache_free_block(cache, (pfn_t){ frame }, MARK) == status);
	CHECK(world->reports == before + 1);
	CHECK(world->last.frame.raw == frame && world->last.caller == MARK);
}

CASE(frame_cache_refuses_every_wrong_free_of_a_block)
{
	struct frame_world *world = world_of(262144, 1);
	struct frame_cache *cache = become(world, 0, CPU_TASK);
	pfn_t block, frame;

	CHECK(frame_cache_alloc_block(cache, 1, &block) == ST_OK);
	CHECK(frame_cache_alloc(cache, 1, &frame) == ST_OK);
	/* In a giant that was never opened, whose owners are not written. */
	refuses_block(world, 0, ST_CONFLICT);
	refuses_block(world, block.raw + 1, ST_BAD_ARGUMENT);
	refuses_block(world, block.raw + 127, ST_BAD_ARGUMENT);
	refuses_block(world, block.raw - 128, ST_CONFLICT);
	refuses_block(world, frame.raw & ~127UL, ST_CONFLICT);
	refuses_block(world, 262144, ST_BAD_RANGE);
	refuses_block(world, UINT64_MAX & ~127UL, ST_BAD_RANGE);
	CHECK(frame_cache_free_block(cache, block, MARK) == ST_OK);
	refuses_block(world, block.raw, ST_CONFLICT);
	CHECK(frame_world_audit(world, 262144 - 1));
	frame_world_free(world);
}

CASE(frame_cache_drops_the_second_copy_of_a_frame)
{
	struct frame_world *world = world_of(262144, 2);
	struct frame_cache *one = become(world, 0, CPU_TASK), *two;
	pfn_t frame;
	unsigned before;

	CHECK(frame_cache_alloc(one, 1, &frame) == ST_OK);
	frame_cache_drain(one);
	/* Both CPUs saw the byte before either had cleared it. */
	CHECK(frame_cache_free(one, frame, MARK) == ST_OK);
	world->pool.frame_owner[frame.raw].plain = 1;
	two = become(world, 1, CPU_TASK);
	CHECK(frame_cache_free(two, frame, MARK) == ST_OK);
	frame_cache_drain(two);
	before = world->reports;
	fake_cpu_become(0, CPU_TASK);
	frame_cache_drain(one);
	CHECK(world->reports == before + 1);
	CHECK(world->last.kind == FRAME_FREED_AT_ONCE);
	CHECK(world->last.frame.raw == frame.raw);
	CHECK(frame_world_audit(world, 262144));
	frame_world_free(world);
}

/* --- a walk --------------------------------------------------------------*/

/* Enough for a share that keeps words and blocks. */
#define FRAMES 524288
#define CPUS 3
#define SLACK 6000

struct walk {
	struct frame_world *world;
	unsigned char used[FRAMES];
	uint32_t allocated[FRAMES];
	unsigned char large[FRAMES];	/* by index in allocated              */
	unsigned count;
	uint64_t free;
};

static void walk_alloc(struct walk *walk, struct frame_cache *cache,
		       bool large)
{
	enum status status;
	uint64_t length = large ? 128 : 1;
	pfn_t frame;

	status = large ? frame_cache_alloc_block(cache, 1, &frame) :
			 frame_cache_alloc(cache, 1, &frame);
	if (status != ST_OK) {
		CHECK(status == ST_NO_MEMORY);
		return;
	}
	for (uint64_t i = 0; i < length; i++)
		CHECK(walk->used[frame.raw + i]++ == 0);
	walk->allocated[walk->count] = (uint32_t)frame.raw;
	walk->large[walk->count++] = large;
	walk->free -= length;
}

static void walk_free(struct walk *walk, struct frame_cache *cache,
		      unsigned which)
{
	pfn_t frame = { walk->allocated[which] };
	bool large = walk->large[which];
	uint64_t length = large ? 128 : 1;

	CHECK((large ? frame_cache_free_block(cache, frame, MARK) :
		       frame_cache_free(cache, frame, MARK)) == ST_OK);
	for (uint64_t i = 0; i < length; i++)
		walk->used[frame.raw + i] = 0;
	walk->free += length;
	walk->allocated[which] = walk->allocated[--walk->count];
	walk->large[which] = walk->large[walk->count];
}

static void step(struct walk *walk, uint64_t *seed, unsigned want)
{
	struct frame_cache *cache =
		become(walk->world, (unsigned)(check_random(seed) % CPUS),
		       check_random(seed) % 8 == 0 ? CPU_INTERRUPT : CPU_TASK);

	if (check_random(seed) % 1000 == 0)
		frame_cache_drain(cache);
	if (walk->count == 0 || check_random(seed) % 100 < want)
		walk_alloc(walk, cache, check_random(seed) % 50 == 0);
	else
		walk_free(walk, cache,
			  (unsigned)(check_random(seed) % walk->count));
}

CASE(frame_cache_walks_with_the_model)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	uint64_t seed = check_seed();
	unsigned want = 80;

	walk->world = world_of(FRAMES, CPUS);
	walk->free = FRAMES;
	/* Nearly all allocated, so that blocks have few free frames. */
	while (walk->free > SLACK)
		walk_alloc(walk, become(walk->world, 0, CPU_TASK), false);
	for (unsigned i = 0; i < 300000; i++) {
		if (i % 10000 == 0)
			want = (unsigned)(20 + check_random(&seed) % 70);
		step(walk, &seed, want);
		if (i % 20011 == 0)
			CHECK(frame_world_audit(walk->world, walk->free));
	}
	while (walk->count > 0)
		walk_free(walk, become(walk->world, walk->count % CPUS,
				       CPU_TASK), walk->count - 1);
	CHECK(frame_world_audit(walk->world, FRAMES));
	CHECK(walk->world->reports == 0);
	frame_world_free(walk->world);
	free(walk);
}

/* A node may span much more memory than it has. */
CASE(frame_cache_keeps_a_share_of_what_is_there)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = { 9, 3 },
			.frames = 16 * 4096, .cpus = 1 });
	struct frame_cache *cache;

	fake_cpu_become(0, CPU_TASK);
	cache = frame_cache_current(&world->set);
	CHECK(cache->block_limit != 0);
	world->set.frames = 4096;
	frame_cache_set_init(&world->set);
	CHECK(cache->block_limit == 0);
	frame_world_free(world);
}
