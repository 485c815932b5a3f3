// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Many frames at once, where the memory of two pools meets inside a word of
 * the bitmap, inside a block, and inside a giant.
 */
#include "many_scene.h"

#include "fake_cpu.h"

/* A giant of four blocks, of two words each: both pools have all of it. */
#define SHAPE	((struct frame_shape){ 7, 2 })
#define FRAMES	512UL
#define END	(FRAMES - 3)

struct machine {
	struct frame_world *world[2];
	struct frame_pool *pool[2];
	struct frame_place places[2];
	struct frame_nodes nodes;
	uint64_t frames[2];
};

/* Node 0 has [begin..border), node 1 [border..END). */
static void set_up(struct machine *machine, uint64_t begin, uint64_t border)
{
	static const uint16_t first[] = { 0, 1, 2 };
	static const uint8_t order[] = { 0, 1, 1, 0 };
	uint64_t edges[] = { begin, border, END };

	fake_cpu_become(0, CPU_TASK);
	for (unsigned i = 0; i < 2; i++) {
		machine->frames[i] = edges[i + 1] - edges[i];
		machine->world[i] = frame_world_new(
			&(struct frame_world_request){
				.shape = SHAPE, .frames = FRAMES, .cpus = 1 });
		machine->pool[i] = &machine->world[i]->pool;
		machine->places[i] = (struct frame_place){ edges[i], i };
		CHECK(frame_pool_add(machine->pool[i], 0, (struct frame_run){
			{ edges[i] }, machine->frames[i] }) == ST_OK);
		machine->world[i]->set.nodes = &machine->nodes;
	}
	machine->nodes = (struct frame_nodes){
		.pool = machine->pool, .pools = 2, .count = 2,
		.first = first, .order = order,
		.places = machine->places, .place_count = 2 };
}

static void tear_down(struct machine *machine)
{
	frame_world_free(machine->world[0]);
	frame_world_free(machine->world[1]);
}

static bool audit(const struct machine *machine, uint64_t free0,
		  uint64_t free1)
{
	return frame_world_audit(machine->world[0], free0) &&
	       frame_world_audit(machine->world[1], free1);
}

static enum status get_all(struct machine *machine, uint64_t count, pfn_t *out)
{
	struct frame_request request = { .owner = MINE };

	return frame_alloc_many(&machine->nodes, 0, &request,
				(struct frame_array){ out, count });
}

static enum status give_all(struct machine *machine, const pfn_t *frames,
			    uint64_t count)
{
	return frame_free_many(&machine->nodes, 0, &(struct frame_many_return){
		.frames = frames, .count = count, .owner = MINE,
		.caller = MARK });
}

static void pick(struct machine *machine, uint64_t frame)
{
	bool second = frame >= machine->places[1].first;

	CHECK(frame_pool_alloc_at(machine->pool[second], 0, (pfn_t){ frame },
				  MINE) == ST_OK);
}

/* In a word, between words of a block, between blocks; and at the very end. */
static const uint64_t begins[] = { 0, 5, 70 };
static const uint64_t borders[] = {
	130, 192, 200, 255, 256, 257, END - 1 };

static pfn_t held[FRAMES + 1];

static void free_in_order(struct machine *machine, uint64_t *seed,
			  bool shuffled)
{
	uint64_t all = machine->frames[0] + machine->frames[1];

	CHECK(get_all(machine, all, held) == ST_OK);
	CHECK(audit(machine, 0, 0));
	if (shuffled)
		shuffle(held, all, seed);
	CHECK(give_all(machine, held, all) == ST_OK);
	CHECK(audit(machine, machine->frames[0], machine->frames[1]));
}

CASE(frame_many_frees_to_both_sides_of_a_border)
{
	uint64_t seed = check_seed();
	struct machine machine;

	for (unsigned i = 0; i < ARRAY_LENGTH(begins); i++)
		for (unsigned j = 0; j < ARRAY_LENGTH(borders); j++) {
			set_up(&machine, begins[i], borders[j]);
			free_in_order(&machine, &seed, false);
			free_in_order(&machine, &seed, true);
			CHECK(machine.world[0]->reports == 0);
			CHECK(machine.world[1]->reports == 0);
			tear_down(&machine);
		}
}

/* By their numbers: words and blocks have frames of both pools. */
static void free_a_range(struct machine *machine, uint64_t first,
			 uint64_t count)
{
	uint64_t border = machine->places[1].first;
	uint64_t in0 = border > first ? min_u64(border - first, count) : 0;

	for (uint64_t i = 0; i < count; i++)
		held[i].raw = first + i;
	for (uint64_t i = 0; i < count; i++)
		pick(machine, held[i].raw);
	CHECK(audit(machine, machine->frames[0] - in0,
		    machine->frames[1] - (count - in0)));
	CHECK(give_all(machine, held, count) == ST_OK);
	CHECK(audit(machine, machine->frames[0], machine->frames[1]));
}

CASE(frame_many_frees_a_range_over_a_border)
{
	struct machine machine;

	for (unsigned i = 0; i < ARRAY_LENGTH(begins); i++)
		for (unsigned j = 0; j < ARRAY_LENGTH(borders); j++) {
			set_up(&machine, begins[i], borders[j]);
			free_a_range(&machine, 128, 128);
			free_a_range(&machine, 128, 64);
			free_a_range(&machine, 192, 64);
			free_a_range(&machine, begins[i], END - begins[i]);
			free_a_range(&machine, borders[j] - 1, 2);
			free_a_range(&machine, borders[j], 1);
			tear_down(&machine);
		}
}

CASE(frame_many_frees_frames_of_two_pools_one_by_one)
{
	struct machine machine;

	for (unsigned j = 0; j < ARRAY_LENGTH(borders); j++) {
		uint64_t border = borders[j];

		set_up(&machine, 5, border);
		for (unsigned i = 0; i < 4; i++) {
			held[0].raw = i & 1 ? border : border - 1;
			held[1].raw = i & 1 ? border - 1 : border;
			held[2].raw = i & 2 ? 5 : END - 1;
			if (held[2].raw == border) /* the last frame of all */
				held[2].raw = 5;
			for (unsigned k = 0; k < 3; k++)
				pick(&machine, held[k].raw);
			CHECK(give_all(&machine, held, 3) == ST_OK);
			CHECK(audit(&machine, machine.frames[0],
				    machine.frames[1]));
		}
		tear_down(&machine);
	}
}

/* More than both have: what was claimed returns to where it was. */
CASE(frame_many_gives_back_to_both_sides_of_a_border)
{
	struct machine machine;

	for (unsigned i = 0; i < ARRAY_LENGTH(begins); i++)
		for (unsigned j = 0; j < ARRAY_LENGTH(borders); j++) {
			set_up(&machine, begins[i], borders[j]);
			CHECK(get_all(&machine, END - begins[i] + 1, held) ==
			      ST_NO_MEMORY);
			CHECK(audit(&machine, machine.frames[0],
				    machine.frames[1]));
			CHECK(machine.world[0]->reports == 0);
			CHECK(machine.world[1]->reports == 0);
			tear_down(&machine);
		}
}

/* `wrong` in the middle of good frames of both pools: nothing changes. */
static void expect_refused(struct machine *machine, uint64_t wrong,
			   enum status status)
{
	unsigned reports = machine->world[0]->reports +
			   machine->world[1]->reports;
	uint64_t count = machine->frames[0] + machine->frames[1];
	pfn_t good = held[count / 2];

	held[count / 2].raw = wrong;
	CHECK(give_all(machine, held, count) == status);
	held[count / 2] = good;
	CHECK(machine->world[0]->reports + machine->world[1]->reports ==
	      reports + 1);
	CHECK(audit(machine, 0, 0));
}

CASE(frame_many_frees_nothing_on_either_side_when_one_is_wrong)
{
	uint64_t seed = check_seed();
	struct machine machine;

	for (unsigned j = 0; j < ARRAY_LENGTH(borders); j++) {
		set_up(&machine, 70, borders[j]);
		CHECK(get_all(&machine, END - 70, held) == ST_OK);
		for (unsigned i = 0; i < 4; i++) {
			uint64_t other = held[i * 100 + 1].raw;

			expect_refused(&machine, 69, ST_BAD_RANGE);
			expect_refused(&machine, FRAMES, ST_BAD_RANGE);
			expect_refused(&machine, UINT64_MAX, ST_BAD_RANGE);
			expect_refused(&machine, END, ST_CONFLICT);
			expect_refused(&machine, other, ST_CONFLICT);
			shuffle(held, END - 70, &seed);
		}
		CHECK(give_all(&machine, held, END - 70) == ST_OK);
		CHECK(audit(&machine, machine.frames[0], machine.frames[1]));
		tear_down(&machine);
	}
}

/* --- through the cache of a CPU --------------------------------------------*/

#define LARGE	((struct frame_shape){ 9, 4 })
#define NODE	65536UL		/* a cache keeps frames and blocks of it     */

/* Two nodes, as many pages from their first frame on. */
static void set_up_large(struct machine *machine, uint64_t begin,
			 uint64_t border)
{
	static pfn_t firsts[2];

	set_up(machine, 0, 1);
	firsts[1].raw = NODE;
	machine->places[0].first = begin;
	machine->places[1].first = NODE + border;
	for (unsigned i = 0; i < 2; i++) {
		frame_world_free(machine->world[i]);
		machine->world[i] = frame_world_new(
			&(struct frame_world_request){
				.shape = LARGE, .first = firsts[i],
				.frames = NODE, .cpus = 1 });
		machine->pool[i] = &machine->world[i]->pool;
		machine->world[i]->set.nodes = &machine->nodes;
		machine->frames[i] = NODE - (i == 0 ? begin : border);
		CHECK(frame_pool_add(machine->pool[i], 0, (struct frame_run){
			{ machine->places[i].first }, machine->frames[i] }) ==
		      ST_OK);
	}
}

static enum status give_to(struct machine *machine, unsigned node,
			   uint64_t count)
{
	return frame_cache_free_many(
		frame_cache_current(&machine->world[node]->set),
		&(struct frame_many_return){
			.frames = held, .count = count, .owner = MINE,
			.caller = MARK });
}

static void take(struct machine *machine, uint64_t count,
		 const uint64_t *frames)
{
	for (uint64_t i = 0; i < count; i++) {
		held[i].raw = frames[i];
		pick(machine, frames[i]);
	}
}

CASE(frame_cache_many_frees_beside_where_memory_begins)
{
	static const uint64_t arrays[][2] = {
		{ NODE + 6, NODE + 7 }, { 6, NODE + 100 }, { NODE + 6, 700 },
		{ 300, 6 }, { NODE + 300, NODE + 5 }, { 5, NODE + 5 },
	};
	struct machine machine;

	for (unsigned i = 0; i < ARRAY_LENGTH(arrays); i++)
		for (unsigned node = 0; node < 2; node++) {
			set_up_large(&machine, 5, 5);
			take(&machine, 2, arrays[i]);
			CHECK(give_to(&machine, node, 2) == ST_OK);
			CHECK(audit(&machine, NODE - 5, NODE - 5));
			CHECK(machine.world[0]->reports == 0);
			CHECK(machine.world[1]->reports == 0);
			tear_down(&machine);
		}
}

/* Its pool's frames are kept, the others are in their own pool. */
CASE(frame_cache_many_keeps_no_words_of_another_pool)
{
	static const uint64_t mixed[] = {
		NODE + 1000, 1000, NODE + 1001, 1001, NODE + 5000, 5000 };
	struct machine machine;

	for (unsigned node = 0; node < 2; node++) {
		struct frame_stats own, other;

		set_up_large(&machine, 0, 0);
		take(&machine, 6, mixed);
		CHECK(give_to(&machine, node, 6) == ST_OK);
		frame_pool_stats(machine.pool[node], &own);
		frame_pool_stats(machine.pool[1 - node], &other);
		CHECK(own.free_frames == NODE - 3);
		CHECK(other.free_frames == NODE);
		CHECK(frame_cache_held(frame_cache_current(
			&machine.world[node]->set)) == 3);
		CHECK(audit(&machine, NODE, NODE));
		tear_down(&machine);
	}
}

CASE(frame_many_restores_owners_in_the_pools_that_they_are_of)
{
	struct machine machine;

	set_up_large(&machine, 128, 64);
	for (unsigned at = 1; at < 6; at++) {
		uint64_t frames[6] = { NODE + 100, NODE + 200, 300, NODE + 101,
				       301, NODE + 70 };

		take(&machine, 6, frames);
		for (unsigned wrong = 99; wrong < 1200; wrong += 900) {
			held[at].raw = NODE + wrong;
			CHECK(give_all(&machine, held, 6) == ST_CONFLICT);
			CHECK(machine.world[1]->last.frame.raw ==
			      NODE + wrong);
		}
		CHECK(audit(&machine, NODE - 128 - 2, NODE - 64 - 4));
		held[at].raw = frames[at];
		for (unsigned i = 0; i < 6; i++)
			CHECK(is_mine(machine.world[frames[i] >= NODE],
				      frames[i]));
		CHECK(give_all(&machine, held, 6) == ST_OK);
		CHECK(audit(&machine, NODE - 128, NODE - 64));
	}
	tear_down(&machine);
}
