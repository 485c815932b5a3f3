// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mm/frame/query.c: counts and free runs of pools of several words of giants,
 * and of memory whose arrays were never written.
 */
#include "check.h"
#include "frame_world.h"

#include <base/bits.h>
#include <boot/owner.h>

#define TINY	((struct frame_shape){ 6, 2 })
#define BLOCK	64UL
#define GIANT	256UL

static struct frame_world *world_of(struct frame_shape shape, uint64_t frames)
{
	return frame_world_new(&(struct frame_world_request){
		.shape = shape, .frames = frames, .cpus = 1 });
}

static void add(struct frame_world *world, uint64_t first, uint64_t frames)
{
	CHECK(frame_pool_add(&world->pool, 0, (struct frame_run){
		{ first }, frames }) == ST_OK);
}

static uint64_t take(struct frame_world *world, enum frame_size size)
{
	struct frame_request request = { .size = size, .owner = 7 };
	pfn_t frame = { UINT64_MAX };

	CHECK(frame_pool_alloc(&world->pool, 0, &request, &frame) == ST_OK);
	return frame.raw;
}

static void pick(struct frame_world *world, uint64_t frame)
{
	CHECK(frame_pool_alloc_at(&world->pool, 0, (pfn_t){ frame }, 7) ==
	      ST_OK);
}

struct sum {
	uint64_t frames, runs, most;
};

static bool add_up(void *context, struct frame_run run)
{
	struct sum *sum = context;

	sum->frames += run.frames;
	return ++sum->runs < sum->most;
}

static struct sum visit(const struct frame_world *world, uint64_t most)
{
	struct sum sum = { .most = most };

	frame_pool_visit(&world->pool, add_up, &sum);
	return sum;
}

static bool counts(const struct frame_world *world, uint64_t free,
		   uint64_t allocated, uint64_t cached)
{
	struct frame_count count;

	frame_pool_count(&world->pool, &count);
	return count.free == free && count.allocated[7] == allocated &&
	       count.cached == cached;
}

/* Three words of giants, with one that is absent where the second begins. */
CASE(frame_count_reads_each_word_of_giants)
{
	enum { SMALL_GIANT = 128, GIANTS = 130 };
	struct frame_world *world = world_of((struct frame_shape){ 6, 1 },
					     GIANTS * SMALL_GIANT);
	uint64_t all = (GIANTS - 1) * SMALL_GIANT, used = 0;

	add(world, 0, 64 * SMALL_GIANT);
	add(world, 65 * SMALL_GIANT, 65 * SMALL_GIANT);
	CHECK(counts(world, all, 0, 0));
	for (unsigned i = 0; i < GIANTS; i++) {
		if (i == 64)
			continue;
		pick(world, i * SMALL_GIANT + i % SMALL_GIANT);
		used++;
		CHECK(counts(world, all - used, used, 0));
		CHECK(visit(world, UINT64_MAX).frames == all - used);
	}
	CHECK(frame_world_audit(world, all - used));
	frame_world_free(world);
}

CASE(frame_count_knows_where_low_memory_ends)
{
	static const struct {
		uint64_t first, frames, low;
	} runs[] = {
		{ 255, 1, 1 }, { 255, 2, 1 }, { 256, 1, 0 }, { 0, 1, 1 },
		{ 0, 300, 256 }, { 254, 2, 2 },
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(runs); i++) {
		struct frame_world *world = world_of(TINY, 2 * GIANT);
		struct frame_count count;

		add(world, runs[i].first, runs[i].frames);
		frame_pool_count(&world->pool, &count);
		CHECK(count.free_low == runs[i].low);
		CHECK(count.free == runs[i].frames);
		frame_world_free(world);
	}
}

/* A CPU has taken its bit, and has not written what it is now. */
CASE(frame_count_knows_a_giant_that_moves)
{
	struct frame_world *world = world_of(TINY, 2 * GIANT);
	atomic_u64 *giants = &world->pool.giants.level[0][0];
	struct frame_info info;

	add(world, 0, 2 * GIANT);
	giants->plain = 2;
	info = frame_pool_query(&world->pool, (pfn_t){ 5 });
	CHECK(info.state == FRAME_STATE_CACHED && info.size == FRAME_1G);
	CHECK(counts(world, GIANT, 0, GIANT));
	CHECK(visit(world, UINT64_MAX).frames == GIANT);
	giants->plain = 3;
	CHECK(frame_world_audit(world, 2 * GIANT));
	frame_world_free(world);
}

/* The words of what was never split are junk, and no frames. */
CASE(frame_count_reads_no_words_that_were_never_written)
{
	static const int junk[] = { 0x5b, 0xff };

	for (unsigned i = 0; i < ARRAY_LENGTH(junk); i++) {
		struct frame_world *world = world_of(TINY, 4 * GIANT);

		memset(world->pool.bits, junk[i], 4 * GIANT / 8);
		memset(world->pool.frame_owner, junk[i], 4 * GIANT);
		/* Absent blocks on both sides, and two blocks with an owner. */
		add(world, GIANT + BLOCK, 2 * BLOCK);
		CHECK(counts(world, 2 * BLOCK, 0, 0));
		CHECK(visit(world, UINT64_MAX).frames == 2 * BLOCK);
		take(world, FRAME_2M);
		CHECK(counts(world, BLOCK, BLOCK, 0));
		CHECK(visit(world, UINT64_MAX).frames == BLOCK);
		take(world, FRAME_2M);
		CHECK(counts(world, 0, 2 * BLOCK, 0));
		CHECK(visit(world, UINT64_MAX).runs == 0);
		/* A giant with an owner. */
		add(world, 3 * GIANT, GIANT);
		take(world, FRAME_1G);
		CHECK(counts(world, 0, 2 * BLOCK + GIANT, 0));
		CHECK(visit(world, UINT64_MAX).runs == 0);
		frame_world_free(world);
	}
}

/* Free in turn: a frame, a whole word, a block, and a giant. */
CASE(frame_count_visits_no_more_runs_than_are_wanted)
{
	enum { LARGE = 128, LARGE_GIANT = 512 };
	struct frame_world *world = world_of((struct frame_shape){ 7, 2 },
					     2 * LARGE_GIANT);
	struct sum all;

	add(world, 0, 2 * LARGE_GIANT);
	for (uint64_t frame = 1; frame < 64; frame++)
		pick(world, frame);
	pick(world, LARGE);
	pick(world, 2 * LARGE);
	pick(world, 2 * LARGE + 1);
	pick(world, 4 * LARGE - 1);
	all = visit(world, UINT64_MAX);
	/* 0; 64 ... 127; 129 ... 255; 258 ... 510; the giant. */
	CHECK(all.runs == 5 && all.frames == 1 + 64 + 127 + 253 + 512);
	for (uint64_t most = 1; most < 5; most++)
		CHECK(visit(world, most).runs == most);
	CHECK(frame_world_audit(world, all.frames));
	frame_world_free(world);
}

/* --- sizes -----------------------------------------------------------------*/

static enum status measure(uint64_t first, uint64_t frames)
{
	struct frame_pool_sizes sizes;

	return frame_pool_measure(&(struct frame_pool_request){
		.first = { first }, .frames = frames, .shape = FRAME_SHAPE_PC,
		.slots = 2 }, &sizes);
}

CASE(frame_count_of_a_pool_has_32_bits)
{
	const uint64_t giant = GIB >> PAGE_SHIFT;
	const uint64_t limit = PHYSICAL_LIMIT >> PAGE_SHIFT;

	CHECK(measure(0, 1UL << 32) == ST_OK);
	CHECK(measure(0, (1UL << 32) + 1) == ST_BAD_RANGE);
	CHECK(measure(0, UINT64_MAX) == ST_BAD_RANGE);
	CHECK(measure(0, 0) == ST_BAD_RANGE);
	CHECK(measure(limit - giant, giant) == ST_OK);
	CHECK(measure(limit + giant, giant) == ST_BAD_RANGE);
	CHECK(measure(1, giant) == ST_BAD_RANGE);
}
