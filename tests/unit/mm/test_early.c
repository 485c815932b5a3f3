// SPDX-License-Identifier: MIT OR Apache-2.0
#include <base/bits.h>
#include <mm/early.h>

#include "check.h"

/*
 * A world is a few pages of simulated physical memory that starts at a frame
 * other than 0, a list over it, and a bitmap to check the list.
 */
#define WORLD_FIRST	0x1230UL
#define WORLD_FRAMES	600

struct world {
	unsigned char *memory;
	struct early early;
	bool is_free[WORLD_FRAMES];
};

static struct window world_window(const struct world *world)
{
	return (struct window){
		(uintptr_t)world->memory - (WORLD_FIRST << PAGE_SHIFT),
	};
}

/* 'F' is a free frame. Two letters in a row are one run given to init. */
static void world_open(struct world *world, const char *picture)
{
	struct frame_run runs[WORLD_FRAMES];
	size_t count = 0;

	*world = (struct world){ 0 };
	world->memory = aligned_alloc(PAGE_SIZE, WORLD_FRAMES * PAGE_SIZE);
	memset(world->memory, 0xa5, WORLD_FRAMES * PAGE_SIZE);
	for (size_t i = 0; picture[i] != '\0'; i++) {
		if (picture[i] != 'F')
			continue;
		world->is_free[i] = true;
		if (i > 0 && picture[i - 1] == 'F')
			runs[count - 1].frames++;
		else
			runs[count++] = (struct frame_run){ { WORLD_FIRST + i },
							    1 };
	}
	CHECK(early_init(&world->early, world_window(world), runs, count) ==
	      ST_OK);
	CHECK(early_audit(&world->early));
}

static void world_close(struct world *world)
{
	free(world->memory);
}

struct picture {
	char text[WORLD_FRAMES + 1];
	uint64_t runs;
};

static bool draw_run(void *context, struct frame_run run)
{
	struct picture *picture = context;

	picture->runs++;
	for (uint64_t i = 0; i < run.frames; i++)
		picture->text[run.first.raw - WORLD_FIRST + i] = 'F';
	return true;
}

static bool looks_like(const struct early *early, const char *want)
{
	struct picture picture = { 0 };

	memset(picture.text, '.', strlen(want));
	early_visit(early, draw_run, &picture);
	if (strcmp(picture.text, want) != 0)
		printf("# want %s\n# have %s\n", want, picture.text);
	return strcmp(picture.text, want) == 0 &&
	       picture.runs == early->run_count && early_audit(early);
}

static enum status give(struct world *world, uint64_t first, uint64_t frames)
{
	return early_free_run(&world->early, (struct frame_run){
		{ WORLD_FIRST + first }, frames });
}

/* The frame that was taken, counted from WORLD_FIRST. */
static uint64_t take(struct world *world)
{
	pfn_t frame = { 0 };

	CHECK(early_take(&world->early, &frame) == ST_OK);
	return frame.raw - WORLD_FIRST;
}

/* --- pictures -------------------------------------------------------------*/

static void check_give(const char *given, uint64_t first, uint64_t frames,
		       const char *want)
{
	struct world world;

	world_open(&world, given);
	CHECK(give(&world, first, frames) == ST_OK);
	CHECK(looks_like(&world.early, want));
	world_close(&world);
}

CASE(early_joins_what_is_given_with_its_neighbours)
{
	check_give("......", 2, 2, "..FF..");
	check_give("FF....", 2, 2, "FFFF..");
	check_give("....FF", 2, 2, "..FFFF");
	check_give("FF..FF", 2, 2, "FFFFFF");
	check_give("F....F", 2, 2, "F.FF.F");
	check_give("....F.F", 0, 2, "FF..F.F");
	check_give("F.F.F.F", 3, 1, "F.FFF.F");
}

CASE(early_takes_the_lowest_frame_first)
{
	struct world world;

	world_open(&world, ".FF..F");
	CHECK(take(&world) == 1);
	CHECK(looks_like(&world.early, "..F..F"));
	CHECK(take(&world) == 2);
	CHECK(looks_like(&world.early, ".....F"));
	CHECK(give(&world, 0, 1) == ST_OK);
	CHECK(take(&world) == 0);
	CHECK(take(&world) == 5);
	CHECK(looks_like(&world.early, "......"));
	world_close(&world);
}

CASE(early_says_when_nothing_is_left)
{
	struct early_run_request one = { .frames = 1 };
	struct world world;
	pfn_t frame = { 77 };

	world_open(&world, "F.");
	CHECK(take(&world) == 0);
	CHECK(early_take(&world.early, &frame) == ST_NO_MEMORY);
	CHECK(early_alloc_run(&world.early, &one, &frame) == ST_NO_MEMORY);
	CHECK(frame.raw == 77);
	CHECK(world.early.free_frames == 0 && world.early.run_count == 0);
	CHECK(early_audit(&world.early));
	world_close(&world);
}

/* WORLD_FIRST is a multiple of 16, so that alignments can be read off. */
static void check_take_run(const char *given, struct early_run_request request,
			   const char *want)
{
	struct world world;
	pfn_t frame = { 0 };
	size_t at = strlen(given);

	if (request.limit.raw != 0)
		request.limit.raw += WORLD_FIRST;
	request.floor.raw += WORLD_FIRST;
	world_open(&world, given);
	if (early_alloc_run(&world.early, &request, &frame) == ST_OK)
		at = frame.raw - WORLD_FIRST;
	for (size_t i = 0; i < strlen(given); i++) {
		bool taken = i >= at && i < at + request.frames;

		CHECK((want[i] == 'T') == taken);
	}
	for (size_t i = 0; at < strlen(given) && i < request.frames; i++)
		CHECK(give(&world, at + i, 1) == ST_OK);
	CHECK(looks_like(&world.early, given));
	world_close(&world);
}

CASE(early_takes_runs_with_alignment_and_limit)
{
	struct early_run_request two = { .frames = 2 };
	struct early_run_request four_by_four = { 4, 4, { 0 }, { 0 } };
	struct early_run_request below_six = { 2, 2, { 6 }, { 0 } };
	struct early_run_request three_to_six = { 2, 2, { 6 }, { 3 } };

	check_take_run("F.FF.FFF", two, "F.TT.FFF");
	check_take_run("F.FFF", two, "F.TTF");
	check_take_run("F.F.F.F.", two, "F.F.F.F.");
	check_take_run(".FFFFFFFF", four_by_four, ".FFFTTTTF");
	check_take_run("FFFF", four_by_four, "TTTT");
	check_take_run("..FFFFF.FFFF", four_by_four, "..FFFFF.TTTT");
	check_take_run("..FFFFFFF", four_by_four, "..FFTTTTF");
	check_take_run(".....FFFFF", below_six, ".....FFFFF");
	check_take_run("....FFFFF", below_six, "....TTFFF");
	check_take_run("......FF", below_six, "......FF");
	check_take_run("FFFFFFFF", three_to_six, "FFFFTTFF");
}

/* --- contract edges -------------------------------------------------------*/

CASE(early_refuses_a_double_free_whole)
{
	static const char given[] = "..FF..F..";
	struct world world;

	world_open(&world, given);
	CHECK(give(&world, 2, 1) == ST_CONFLICT);
	CHECK(give(&world, 3, 1) == ST_CONFLICT);
	CHECK(give(&world, 3, 2) == ST_CONFLICT);
	CHECK(give(&world, 1, 2) == ST_CONFLICT);
	CHECK(give(&world, 0, 9) == ST_CONFLICT);
	CHECK(give(&world, 4, 3) == ST_CONFLICT);
	CHECK(give(&world, 6, 3) == ST_CONFLICT);
	CHECK(looks_like(&world.early, given));
	world_close(&world);
}

CASE(early_refuses_runs_that_are_no_runs)
{
	uint64_t top = PHYSICAL_LIMIT >> PAGE_SHIFT;
	struct early_run_request none = { 0 }, huge = { .frames = UINT64_MAX };
	struct early_run_request odd = { .frames = 1, .align_frames = 3 };
	struct early_run_request far = { 1, 1UL << 63, { 0 }, { 0 } };
	struct early_run_request beyond = { .frames = 1, .floor = { top } };
	struct frame_run bad[] = {
		{ { WORLD_FIRST }, 0 }, { { WORLD_FIRST }, UINT64_MAX },
		{ { UINT64_MAX }, 1 }, { { top }, 1 }, { { top - 1 }, 2 },
	};
	struct world world;
	pfn_t frame;

	world_open(&world, "..FF");
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		CHECK(early_free_run(&world.early, bad[i]) == ST_BAD_RANGE);
	CHECK(early_alloc_run(&world.early, &none, &frame) == ST_BAD_RANGE);
	CHECK(early_alloc_run(&world.early, &odd, &frame) == ST_BAD_ARGUMENT);
	CHECK(early_alloc_run(&world.early, &huge, &frame) == ST_NO_MEMORY);
	CHECK(early_alloc_run(&world.early, &far, &frame) == ST_NO_MEMORY);
	CHECK_ASSERTS((void)!early_alloc_run(&world.early, &beyond, &frame));
	CHECK(looks_like(&world.early, "..FF"));
	world_close(&world);
}

CASE(early_init_refuses_before_it_writes)
{
	struct frame_run bad[][2] = {
		{ { { WORLD_FIRST + 4 }, 2 }, { { WORLD_FIRST }, 2 } },
		{ { { WORLD_FIRST }, 3 }, { { WORLD_FIRST + 2 }, 2 } },
		{ { { WORLD_FIRST }, 2 }, { { WORLD_FIRST + 4 }, 0 } },
		{ { { WORLD_FIRST }, 2 }, { { UINT64_MAX - 1 }, 9 } },
		{ { { WORLD_FIRST }, 2 }, { { WORLD_FIRST + 9 }, 1UL << 40 } },
	};
	struct world world;

	world_open(&world, "......");
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		CHECK(early_init(&world.early, world_window(&world), bad[i],
				 2) == ST_CORRUPT);
	for (size_t i = 0; i < WORLD_FRAMES; i++)
		CHECK(world.memory[i * PAGE_SIZE] == 0xa5);
	world_close(&world);
}

CASE(early_init_joins_touching_runs)
{
	struct frame_run runs[] = {
		{ { WORLD_FIRST }, 1 }, { { WORLD_FIRST + 1 }, 2 },
		{ { WORLD_FIRST + 3 }, 1 }, { { WORLD_FIRST + 5 }, 1 },
	};
	struct world world;

	world_open(&world, "......");
	CHECK(early_init(&world.early, world_window(&world), runs, 4) ==
	      ST_OK);
	CHECK(world.early.run_count == 2);
	CHECK(looks_like(&world.early, "FFFF.F"));
	world_close(&world);
}

CASE(early_serves_frame_zero)
{
	unsigned char *memory = aligned_alloc(PAGE_SIZE, 3 * PAGE_SIZE);
	struct window window = { (uintptr_t)memory };
	struct frame_run runs[] = { { { 0 }, 2 } };
	struct early early;
	pfn_t frame = { 9 };

	CHECK(early_init(&early, window, runs, 1) == ST_OK);
	CHECK(early_take(&early, &frame) == ST_OK && frame.raw == 0);
	CHECK(early_free_run(&early, runs[0]) == ST_CONFLICT);
	runs[0].frames = 1;
	CHECK(early_free_run(&early, runs[0]) == ST_OK);
	CHECK(early_audit(&early) && early.run_count == 1);
	free(memory);
}

CASE(early_source_allocates_and_frees_single_pages)
{
	struct world world;
	pfn_t first, second, none;
	struct frame_source *source = &world.early.source;

	world_open(&world, "F.F");
	CHECK(frame_source_take(source, &first) == ST_OK);
	CHECK(frame_source_take(source, &second) == ST_OK);
	CHECK(frame_source_take(source, &none) == ST_NO_MEMORY);
	CHECK(first.raw == WORLD_FIRST && second.raw == WORLD_FIRST + 2);
	frame_source_give(source, first);
	frame_source_give(source, second);
	CHECK_ASSERTS(frame_source_give(source, first));
	CHECK(looks_like(&world.early, "F.F"));
	world_close(&world);
}

/* --- free pages with stray writes -----------------------------------------*/

CASE(early_notices_every_changed_bit_of_a_node)
{
	struct world world;

	world_open(&world, "FF.FFF.F");
	for (size_t bit = 0; bit < 3 * 64; bit++) {
		unsigned char *byte = world.memory + 3 * PAGE_SIZE + bit / 8;

		*byte ^= 1U << bit % 8;
		CHECK(!early_audit(&world.early));
		*byte ^= 1U << bit % 8;
	}
	CHECK(early_audit(&world.early));
	world_close(&world);
}

CASE(early_does_not_follow_a_clobbered_node)
{
	struct early_run_request three = { .frames = 3 };
	struct world world;
	struct picture picture = { 0 };
	pfn_t frame;

	world_open(&world, "FF.FF.FFF.");
	memset(world.memory + 3 * PAGE_SIZE, 0x41, 64);
	CHECK(!early_audit(&world.early));
	early_visit(&world.early, draw_run, &picture);
	CHECK(picture.runs == 1);
	CHECK(early_alloc_run(&world.early, &three, &frame) == ST_CORRUPT);
	CHECK(give(&world, 9, 1) == ST_CORRUPT);
	CHECK(give(&world, 2, 1) == ST_CORRUPT);
	CHECK(world.early.free_frames == 7 && world.early.run_count == 3);
	/* The pages before it can still be allocated. */
	CHECK(take(&world) == 0 && take(&world) == 1);
	CHECK(early_take(&world.early, &frame) == ST_CORRUPT);
	world_close(&world);
}

static bool count_one(void *context, struct frame_run run)
{
	unsigned *seen = context;

	CHECK(run.frames > 0);
	return ++*seen < 2;
}

CASE(early_refuses_zeroed_and_copied_nodes)
{
	struct world world;
	unsigned seen = 0;

	world_open(&world, "FF.FF.FFF.");
	early_visit(&world.early, count_one, &seen);
	CHECK(seen == 2);	/* of three: it stops when told */
	memset(world.memory + 3 * PAGE_SIZE, 0, PAGE_SIZE);
	CHECK(!early_audit(&world.early));
	/* A copy of the last node over the second one is detected. */
	memcpy(world.memory + 3 * PAGE_SIZE, world.memory + 6 * PAGE_SIZE,
	       PAGE_SIZE);
	seen = 0;
	early_visit(&world.early, count_one, &seen);
	CHECK(seen == 1);
	world_close(&world);
}

CASE(early_leaves_no_node_in_a_taken_page)
{
	unsigned char zero[24] = { 0 };
	struct world world;

	world_open(&world, "FF.FF");
	for (unsigned i = 0; i < 4; i++) {
		uint64_t at = take(&world);

		CHECK(memcmp(world.memory + at * PAGE_SIZE, zero, 24) == 0);
	}
	world_close(&world);
}

CASE(early_audit_sees_wrong_sums_and_hints)
{
	struct world world;

	world_open(&world, "FF.FF");
	world.early.free_frames++;
	CHECK(!early_audit(&world.early));
	world.early.free_frames--;
	world.early.run_count--;
	CHECK(!early_audit(&world.early));
	world.early.run_count++;
	world.early.hint.raw = WORLD_FIRST + 1;
	CHECK(!early_audit(&world.early));
	world.early.hint.raw = WORLD_FIRST + 3;
	CHECK(early_audit(&world.early));
	world_close(&world);
}

/* --- everything out, everything back --------------------------------------*/

static const char holes[] = "FFFF..FFFFFFFFFF.F.F.F.....FFFFFFFFFFFFFFFFFFF.F";

enum order { ASCENDING, DESCENDING, SHUFFLED };

static void drain_and_refill(enum order order)
{
	uint64_t seed = check_seed();
	uint64_t taken[sizeof(holes)];
	size_t count = 0;
	struct world world;

	world_open(&world, holes);
	while (world.early.free_frames > 0 && count < ARRAY_LENGTH(taken))
		taken[count++] = take(&world);
	CHECK(world.early.head.raw == EARLY_NONE);
	for (size_t i = 0; i < count; i++) {
		size_t left = count - i;
		size_t pick = order == ASCENDING ? i :
			      order == DESCENDING ? left - 1 :
			      i + check_random(&seed) % left;
		uint64_t frame = taken[pick];

		if (order == SHUFFLED) {
			taken[pick] = taken[i];
			taken[i] = frame;
		}
		CHECK(give(&world, frame, 1) == ST_OK);
		CHECK(early_audit(&world.early));
	}
	CHECK(looks_like(&world.early, holes));
	world_close(&world);
}

CASE(early_is_as_before_after_giving_back_in_any_order)
{
	drain_and_refill(ASCENDING);
	drain_and_refill(DESCENDING);
	drain_and_refill(SHUFFLED);
}

CASE(early_survives_the_worst_fragmentation)
{
	char every_other[WORLD_FRAMES + 1], all[WORLD_FRAMES + 1];
	struct world world;

	memset(all, 'F', WORLD_FRAMES);
	all[WORLD_FRAMES] = '\0';
	memcpy(every_other, all, sizeof(all));
	for (size_t i = 1; i < WORLD_FRAMES; i += 2)
		every_other[i] = '.';
	world_open(&world, all);
	for (size_t i = 0; i < WORLD_FRAMES; i++)
		CHECK(take(&world) == i);
	for (size_t i = 0; i < WORLD_FRAMES; i += 2)
		CHECK(give(&world, i, 1) == ST_OK);
	CHECK(looks_like(&world.early, every_other));
	for (size_t i = WORLD_FRAMES - 1; i < WORLD_FRAMES; i -= 2)
		CHECK(give(&world, i, 1) == ST_OK);
	CHECK(looks_like(&world.early, all));
	CHECK(world.early.run_count == 1);
	world_close(&world);
}

/* The cost, without a clock: a walk from the head would read a bad node. */
CASE(early_gives_in_ascending_order_without_walking)
{
	struct world world;

	world_open(&world, "F...................");
	CHECK(give(&world, 2, 1) == ST_OK);
	memset(world.memory, 0x41, 24);
	for (uint64_t i = 4; i < 20; i += 2)
		CHECK(give(&world, i, 1) == ST_OK);
	/* Below the hint it walks from the head, to the bad node. */
	CHECK(give(&world, 3, 1) == ST_CORRUPT);
	world_close(&world);
}

/* --- random walk against a bitmap -----------------------------------------*/

static bool model_is(const struct world *world, size_t first, size_t frames,
		     bool is_free)
{
	for (size_t i = first; i < first + frames; i++)
		if (i >= WORLD_FRAMES || world->is_free[i] != is_free)
			return false;
	return true;
}

static void model_set(struct world *world, size_t first, size_t frames,
		      bool is_free)
{
	for (size_t i = first; i < first + frames; i++)
		world->is_free[i] = is_free;
}

static void walk_take(struct world *world, struct early_run_request request)
{
	uint64_t alignment = max_u64(request.align_frames, 1);
	pfn_t frame = { 0 };
	enum status status = request.frames == 1 && alignment == 1 &&
			     request.limit.raw == 0 && request.floor.raw == 0
		? early_take(&world->early, &frame)
		: early_alloc_run(&world->early, &request, &frame);

	for (size_t i = 0; i < WORLD_FRAMES; i++) {
		uint64_t first = WORLD_FIRST + i;

		if (first % alignment != 0 || first < request.floor.raw ||
		    !model_is(world, i, request.frames, true))
			continue;
		if (request.limit.raw != 0 &&
		    first + request.frames > request.limit.raw)
			break;
		CHECK(status == ST_OK && frame.raw == first);
		model_set(world, i, request.frames, false);
		/* The contents of a page in use must not matter to the list. */
		memset(world->memory + i * PAGE_SIZE, 0xff, 24);
		return;
	}
	CHECK(status == ST_NO_MEMORY);
}

static void walk_give(struct world *world, size_t first, size_t frames)
{
	enum status status = give(world, first, frames);

	if (model_is(world, first, frames, false)) {
		CHECK(status == ST_OK);
		model_set(world, first, frames, true);
	} else {
		CHECK(status == ST_CONFLICT);
	}
}

static void walk_compare(const struct world *world)
{
	struct picture picture = { 0 };
	uint64_t free_frames = 0;

	early_visit(&world->early, draw_run, &picture);
	for (size_t i = 0; i < WORLD_FRAMES; i++) {
		if (world->is_free[i] == (picture.text[i] == 'F'))
			free_frames += world->is_free[i];
		else
			CHECK(!"list and bitmap agree");
	}
	CHECK(free_frames == world->early.free_frames);
	CHECK(early_audit(&world->early));
}

CASE(early_walks_at_random_like_a_bitmap)
{
	uint64_t seed = check_seed();
	struct world world;
	unsigned giving = 50;

	world_open(&world, "");
	for (unsigned step = 0; step < 400000; step++) {
		uint64_t drawn = check_random(&seed);
		size_t frames = 1 + (drawn >> 8) % (drawn & 1 ? 3 : 40);
		size_t first = (drawn >> 16) % WORLD_FRAMES;
		struct early_run_request request = { .frames = frames };

		if (step % 2000 == 0)
			giving = 20 + check_random(&seed) % 60;
		if (first + frames > WORLD_FRAMES)
			frames = WORLD_FRAMES - first;
		if ((drawn >> 32) % 100 < giving) {
			walk_give(&world, first, frames);
		} else {
			if (drawn & 2)
				request.align_frames = 1UL << (drawn >> 40) % 6;
			if (drawn & 4)
				request.limit.raw = WORLD_FIRST + first;
			if (drawn & 8)
				request.floor.raw = WORLD_FIRST + first / 2;
			walk_take(&world, request);
		}
		if (step % 8 == 0)
			walk_compare(&world);
	}
	walk_compare(&world);
	world_close(&world);
}
