// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/many_free.c: many frames freed at once, all of them or none. */
#include "many_scene.h"

#include <mm/frame/block.h>

#define SMALL	((struct frame_shape){ 7, 4 })

static pfn_t held[ALL];

CASE(frame_many_frees_in_any_order)
{
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 50; round++) {
		struct frame_world *world = tiny(ALL);
		uint64_t count = 1 + check_random(&seed) % ALL;

		CHECK(get_many(world, held, count) == ST_OK);
		if (round % 2 != 0)
			shuffle(held, count, &seed);
		CHECK(give_many(world, held, count) == ST_OK);
		CHECK(frame_world_audit(world, ALL));
		CHECK(world->reports == 0);
		frame_world_free(world);
	}
}

/* Blocks of two words. */
static struct frame_world *small(void)
{
	return frame_world_full(&(struct frame_world_request){
		.shape = SMALL, .frames = ALL, .cpus = 1 });
}

static enum status give_run(struct frame_world *world, uint64_t first,
			    uint64_t count)
{
	static pfn_t run[ALL];

	for (uint64_t i = 0; i < count; i++)
		run[i].raw = first + i;
	return give_many(world, run, count);
}

/* All bits of all words are zero, and so they stay when it is whole. */
CASE(frame_many_makes_a_block_whole_in_one_step)
{
	struct frame_world *world = small();
	const struct frame_pool *pool = &world->pool;
	const struct frame_activity *own = &pool->activity[0];
	uint64_t before;

	CHECK(get_many(world, held, ALL) == ST_OK);
	before = own->frees.plain;
	CHECK(give_run(world, 128, 128) == ST_OK);
	CHECK(own->frees.plain == before + 2);
	CHECK(pool->hints[1].plain == FRAME_WHOLE);
	CHECK(frame_world_audit(world, 128));
	/* In halves it merges as before. */
	CHECK(give_run(world, 256, 64) == ST_OK);
	CHECK(own->frees.plain == before + 4);
	CHECK(pool->split.level[0][0].plain == 1 << 2);
	CHECK(give_run(world, 320, 64) == ST_OK);
	CHECK(pool->split.level[0][0].plain == 0);
	CHECK(frame_world_audit(world, 256));
	frame_world_free(world);
}

CASE(frame_many_unlists_a_block_that_it_makes_whole)
{
	struct frame_world *world = small();

	/* By words, so that it is listed as split, and stays so. */
	CHECK(get_many(world, held, 100) == ST_OK);
	CHECK(get_many(world, held + 100, 28) == ST_OK);
	CHECK(world->pool.split.level[0][0].plain == 1UL << held[0].raw / 128);
	CHECK(give_many(world, held, 128) == ST_OK);
	CHECK(world->pool.split.level[0][0].plain == 0);
	CHECK(frame_world_audit(world, ALL));
	frame_world_free(world);
}

CASE(frame_many_makes_no_block_of_halves_of_two)
{
	struct frame_world *world = small();
	pfn_t halves[128];

	CHECK(get_many(world, held, ALL) == ST_OK);
	/* The upper half of one and the lower half of the next. */
	CHECK(give_run(world, 64, 128) == ST_OK);
	CHECK(is_mine(world, 0) && is_mine(world, 192));
	CHECK(frame_world_audit(world, 128));
	/* Two lower halves. */
	for (unsigned i = 0; i < 128; i++)
		halves[i].raw = 512 + i % 64 + i / 64 * 256;
	CHECK(give_many(world, halves, 128) == ST_OK);
	CHECK(is_mine(world, 576) && is_mine(world, 832));
	CHECK(frame_world_audit(world, 256));
	frame_world_free(world);
}

/* More frames follow in memory, which are not the call's. */
CASE(frame_many_frees_no_more_than_it_is_told_to)
{
	struct frame_world *world = small();

	CHECK(get_many(world, held, ALL) == ST_OK);
	for (unsigned i = 0; i < 128; i++)
		held[i].raw = 256 + i;
	for (uint64_t count = 1; count < 128; count++) {
		CHECK(give_many(world, held, count) == ST_OK);
		CHECK(frame_world_audit(world, count));
		CHECK(is_mine(world, 256 + count));
		CHECK(get_many(world, held, count) == ST_OK);
		for (unsigned i = 0; i < 128; i++)
			held[i].raw = 256 + i;
	}
	frame_world_free(world);
}

/* The last word that fits on the stack: none is behind it. */
CASE(frame_many_makes_no_block_of_one_half)
{
	struct frame_world *world = small();
	pfn_t frames[31 + 64];

	for (unsigned i = 0; i < 31 + 64; i++)
		frames[i].raw = i < 31 ? 4096 + 64 * i : i - 31;
	CHECK(get_many(world, held, ALL) == ST_OK);
	CHECK(give_many(world, frames, 31 + 64) == ST_OK);
	CHECK(is_mine(world, 64));
	CHECK(frame_world_audit(world, 31 + 64));
	frame_world_free(world);
}

struct wrong {
	uint64_t frame;
	enum status status;
	enum frame_bad_free_kind kind;
};

/* In the middle of `count` good frames: nothing changes. */
static void expect_refused(struct frame_world *world, pfn_t *frames,
			   uint64_t count, uint64_t at,
			   const struct wrong *wrong)
{
	pfn_t good = frames[at];
	unsigned reports = world->reports;
	struct frame_stats before, after;

	frame_pool_stats(&world->pool, &before);
	frames[at].raw = wrong->frame;
	CHECK(give_many(world, frames, count) == wrong->status);
	CHECK(world->reports == reports + 1);
	CHECK(world->last.kind == wrong->kind);
	CHECK(world->last.frame.raw == wrong->frame);
	CHECK(world->last.caller == MARK);
	frames[at] = good;
	CHECK(are_mine(world, frames, count));
	frame_pool_stats(&world->pool, &after);
	CHECK(memcmp(&before, &after, sizeof(before)) == 0);
	CHECK(frame_pool_audit(&world->pool));
}

static void expect_all_refused(uint64_t count, uint64_t at)
{
	struct frame_world *world = tiny(ALL);
	uint64_t single = get(world, FRAME_4K).raw;
	uint64_t block = get(world, FRAME_2M).raw, kept = 7;
	pfn_t *frames = held;

	CHECK(frame_pool_alloc_at(&world->pool, 0, (pfn_t){ kept },
				  FRAME_BYTE_FIXED | OWNER_BAD) == ST_OK);
	CHECK(get_many(world, frames, count + 1) == ST_OK);
	/* One that is free again in the word of others. */
	CHECK(give(world, frames[count].raw) == ST_OK);
	struct wrong wrong[] = {
		{ single, ST_CONFLICT, FRAME_OTHER_OWNER },
		{ block, ST_CONFLICT, FRAME_NOT_ALLOCATED },
		{ block + 9, ST_CONFLICT, FRAME_NOT_ALLOCATED },
		{ kept, ST_CONFLICT, FRAME_RETIRED },
		{ 8, ST_CONFLICT, FRAME_NOT_ALLOCATED },
		{ 300, ST_CONFLICT, FRAME_NOT_ALLOCATED },
		{ frames[count].raw, ST_CONFLICT, FRAME_NOT_ALLOCATED },
		{ ALL, ST_BAD_RANGE, FRAME_FOREIGN },
		{ UINT64_MAX, ST_BAD_RANGE, FRAME_FOREIGN },
		{ 0, ST_CONFLICT, FRAME_NOT_ALLOCATED },
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(wrong); i++)
		expect_refused(world, frames, count, at, &wrong[i]);
	CHECK(give_many(world, frames, count) == ST_OK);
	frame_world_free(world);
}

CASE(frame_many_frees_nothing_when_one_is_wrong)
{
	static const uint64_t counts[] = { 1, 2, 64, 100, 3000 };

	for (unsigned i = 0; i < ARRAY_LENGTH(counts); i++) {
		uint64_t count = counts[i];

		expect_all_refused(count, 0);
		expect_all_refused(count, count / 2);
		expect_all_refused(count, count - 1);
	}
}

/* In one word, in the next place, far apart, and in another chunk of words. */
CASE(frame_many_frees_nothing_when_one_is_there_twice)
{
	static const uint64_t places[][2] = {
		{ 1, 0 }, { 63, 0 }, { 64, 0 }, { 2999, 0 }, { 2999, 2998 },
		{ 1500, 700 },
	};
	struct frame_world *world = tiny(ALL);

	CHECK(get_many(world, held, 3000) == ST_OK);
	for (unsigned i = 0; i < ARRAY_LENGTH(places); i++) {
		uint64_t again = held[places[i][1]].raw;
		struct wrong wrong = {
			again, ST_CONFLICT, FRAME_NOT_ALLOCATED };
		uint64_t at = places[i][0];
		pfn_t good = held[at];

		held[at].raw = again;
		CHECK(give_many(world, held, 3000) == wrong.status);
		CHECK(world->last.frame.raw == again &&
		      world->last.kind == wrong.kind);
		held[at] = good;
		CHECK(are_mine(world, held, 3000));
		CHECK(frame_world_audit(world, ALL - 3000));
	}
	CHECK(world->reports == ARRAY_LENGTH(places));
	frame_world_free(world);
}

/* A whole word, all of it read: each byte may be another owner's. */
CASE(frame_many_reads_each_byte_of_a_whole_word)
{
	struct frame_world *world = tiny(ALL);
	pfn_t word[64];

	CHECK(get_many(world, held, 64) == ST_OK);
	memcpy(word, held, sizeof(word));
	for (unsigned at = 0; at < 64; at++) {
		atomic_u8 *byte = &world->pool.frame_owner[held[at].raw];

		byte->plain = OTHERS;
		CHECK(give_many(world, word, 64) == ST_CONFLICT);
		CHECK(world->last.kind == FRAME_OTHER_OWNER);
		CHECK(world->last.frame.raw == held[at].raw);
		CHECK(byte->plain == OTHERS);
		byte->plain = MINE;
		CHECK(are_mine(world, held, 64));
	}
	/* And each entry of the array: the one before is there twice. */
	for (unsigned at = 1; at < 64; at++) {
		word[at] = word[at - 1];
		CHECK(give_many(world, word, 64) == ST_CONFLICT);
		CHECK(world->last.frame.raw == held[at - 1].raw);
		CHECK(are_mine(world, held, 64));
		word[at] = held[at];
	}
	CHECK(give_many(world, word, 64) == ST_OK);
	CHECK(frame_world_audit(world, ALL));
	frame_world_free(world);
}

/* Their end would wrap around, or the first bytes behind memory be frames. */
CASE(frame_many_refuses_more_frames_than_there_can_be)
{
	static const uint64_t counts[] = {
		FRAME_MANY_MOST + 1, 1UL << 60, 1UL << 61, 1UL << 62,
		1UL << 63, UINT64_MAX };
	struct frame_world *world = tiny(ALL);

	for (unsigned i = 0; i < ARRAY_LENGTH(counts); i++) {
		CHECK(get_many(world, held, counts[i]) == ST_BAD_ARGUMENT);
		CHECK(give_many(world, held, counts[i]) == ST_BAD_ARGUMENT);
	}
	CHECK(world->reports == 0 && frame_world_audit(world, ALL));
	frame_world_free(world);
}

/* Found in the free: their bits are set already. */
static void expect_freed_at_once(uint64_t count, uint64_t at)
{
	struct frame_world *world = tiny(ALL);
	struct frame_pool *pool = &world->pool;
	uint64_t twice;

	CHECK(get_many(world, held, count) == ST_OK);
	twice = held[at].raw;
	CHECK(give(world, twice) == ST_OK);
	pool->frame_owner[twice].plain = MINE;
	CHECK(give_many(world, held, count) == ST_CONFLICT);
	CHECK(world->reports == 1 && world->last.frame.raw == twice);
	CHECK(world->last.kind == FRAME_FREED_AT_ONCE);
	CHECK(world->last.caller == MARK);
	CHECK(frame_world_audit(world, ALL));
	frame_world_free(world);
}

/* The last array is of more words than fit on the stack. */
CASE(frame_many_names_what_another_cpu_freed_at_once)
{
	expect_freed_at_once(300, 70);
	expect_freed_at_once(3000, 70);
	expect_freed_at_once(3000, 2999);
}

/* One bit in a block of which all other words have none. */
CASE(frame_many_makes_no_block_of_which_a_bit_is_set)
{
	for (unsigned at = 128; at < 256; at += 9) {
		struct frame_world *world = small();

		CHECK(get_many(world, held, ALL) == ST_OK);
		CHECK(give(world, at) == ST_OK);
		world->pool.frame_owner[at].plain = MINE;
		CHECK(give_run(world, 128, 128) == ST_CONFLICT);
		CHECK(world->reports == 1 && world->last.frame.raw == at);
		CHECK(frame_world_audit(world, 128));
		frame_world_free(world);
	}
}

CASE(frame_many_asserts_that_no_block_of_single_frames_is_free)
{
	struct frame_world *world = small();

	CHECK(get_many(world, held, ALL) == ST_OK);
	CHECK(frame_return_blocks(&world->pool, 0, 0, 1UL << 1) == 0);
	CHECK_ASSERTS((void)!give_run(world, 128, 128));
	frame_world_free(world);
}
