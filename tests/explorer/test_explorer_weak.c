// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * EXPLORE_WEAK against small programs of which C (ISO 9899, 7.17.3, and its
 * seq_cst as C++20 has mended it) says what they may lead to: each memory
 * order must forbid what it is there for, and the next weaker one must not.
 */
#include <tests/explorer/include/base/atomic_builtin.h>

#include <base/atomic.h>
#include <base/bits.h>

#include "check.h"
#include "explorer.h"

static struct scene {
	atomic_u64 x, y, z;
	uint64_t slot[4];
} scene;

static bool seen[0x1000];
static struct explored explored;

static void clear_scene(void *context)
{
	(void)context;
	memset(&scene, 0, sizeof(scene));
}

static void note_outcome(void *context)
{
	(void)context;
	seen[scene.slot[0] << 9 | scene.slot[1] << 6 | scene.slot[2] << 3 |
	     scene.slot[3]] = true;
}

typedef void body(void *context);

/* Can it come out like this? One octal digit for each slot. */
static bool can_be(unsigned outcome, body *a, body *b, body *c, body *d)
{
	memset(seen, 0, sizeof(seen));
	CHECK(explore(&(struct exploration){
		.name = "weak", .cpu = { a, b, c, d }, .set_up = clear_scene,
		.check = note_outcome, .model = EXPLORE_WEAK }, &explored) ==
	      EXPLORED_WHOLE);
	return seen[outcome];
}

#define BODY(name, code)						\
	static void name(void *context)					\
	{								\
		(void)context;						\
		code							\
	}
#define WRITE(order, cell, value) atomic_store_##order(&scene.cell, value)
#define READ(order, number, cell)					\
	(scene.slot[number] = atomic_load_##order(&scene.cell))
#define FENCE(order) atomic_fence_##order()

// --- message passing: release and acquire ------------------------------------

BODY(pass_relaxed, WRITE(relaxed, x, 1); WRITE(relaxed, y, 1);)
BODY(pass_release, WRITE(relaxed, x, 1); WRITE(release, y, 1);)
BODY(pass_fence, WRITE(relaxed, x, 1); FENCE(release); WRITE(relaxed, y, 1);)
BODY(pass_wrong_fence,
     WRITE(relaxed, x, 1); FENCE(acquire); WRITE(relaxed, y, 1);)
BODY(pass_late_fence,
     WRITE(relaxed, x, 1); WRITE(relaxed, y, 1); FENCE(release);)
BODY(pass_swap, WRITE(relaxed, x, 1); atomic_exchange_release(&scene.y, 1);)
BODY(get_relaxed, READ(relaxed, 0, y); READ(relaxed, 1, x);)
BODY(get_acquire, READ(acquire, 0, y); READ(relaxed, 1, x);)
BODY(get_fence, READ(relaxed, 0, y); FENCE(acquire); READ(relaxed, 1, x);)
BODY(get_wrong_fence,
     READ(relaxed, 0, y); FENCE(release); READ(relaxed, 1, x);)
BODY(get_swap, scene.slot[0] = atomic_fetch_add_acquire(&scene.y, 0);
     READ(relaxed, 1, x);)
BODY(get_swap_relaxed, scene.slot[0] = atomic_fetch_add_relaxed(&scene.y, 0);
     READ(relaxed, 1, x);)

CASE(weak_passes_nothing_on_when_relaxed)
{
	CHECK(can_be(01000, pass_relaxed, get_relaxed, NULL, NULL));
	/*
	 * 6 orders, in which the loads find 1 or 2 values each: RRWW 1; RWRW
	 * RWWR WRRW WRWR 2 each; WWRR 4.
	 */
	CHECK(explored.schedules == 13);
	CHECK(can_be(01000, pass_relaxed, get_acquire, NULL, NULL));
	CHECK(can_be(01000, pass_release, get_relaxed, NULL, NULL));
	CHECK(can_be(01100, pass_relaxed, get_relaxed, NULL, NULL));
	CHECK(can_be(00100, pass_relaxed, get_relaxed, NULL, NULL));
	CHECK(can_be(00000, pass_relaxed, get_relaxed, NULL, NULL));
}

CASE(weak_release_and_acquire_pass_on_what_was_before)
{
	static body *const writers[] = { pass_release, pass_fence, pass_swap };
	static body *const readers[] = { get_acquire, get_fence, get_swap };

	for (unsigned w = 0; w < ARRAY_LENGTH(writers); w++)
		for (unsigned r = 0; r < ARRAY_LENGTH(readers); r++) {
			CHECK(!can_be(01000, writers[w], readers[r], NULL,
				      NULL));
			CHECK(seen[01100] && seen[00100] && seen[00000]);
		}
}

CASE(weak_fences_work_on_their_side_only)
{
	CHECK(can_be(01000, pass_wrong_fence, get_acquire, NULL, NULL));
	CHECK(can_be(01000, pass_late_fence, get_acquire, NULL, NULL));
	CHECK(can_be(01000, pass_release, get_wrong_fence, NULL, NULL));
	CHECK(can_be(01000, pass_release, get_swap_relaxed, NULL, NULL));
}

BODY(add_relaxed, atomic_fetch_add_relaxed(&scene.y, 1);)
BODY(see_one_store_two, if (READ(relaxed, 2, y) == 1) WRITE(relaxed, y, 2);)
BODY(get_two, if (READ(acquire, 0, y) == 2) READ(relaxed, 1, x);)

CASE(weak_locked_accesses_hand_on_what_they_replace)
{
	/* 2 is there only on top of the release store of 1. */
	CHECK(!can_be(02000, pass_release, add_relaxed, get_two, NULL));
	CHECK(seen[02100]);
	CHECK(can_be(02010, pass_release, see_one_store_two, get_two, NULL));
}

BODY(read_x_pass_y, if (READ(relaxed, 2, x) == 1) WRITE(release, y, 1);)
BODY(acquire_x_pass_y, if (READ(acquire, 2, x) == 1) WRITE(release, y, 1);)
BODY(write_x, WRITE(relaxed, x, 1);)
BODY(release_x, WRITE(release, x, 1);)

CASE(weak_causes_come_before_effects_when_acquired)
{
	/* A reader of x itself knows it, whatever the order, and can tell. */
	CHECK(!can_be(01010, write_x, read_x_pass_y, get_acquire, NULL));
	CHECK(!can_be(01010, release_x, acquire_x_pass_y, get_acquire, NULL));
	CHECK(can_be(01010, write_x, read_x_pass_y, get_relaxed, NULL));
}

// --- one cell ----------------------------------------------------------------

BODY(read_x_twice, READ(relaxed, 0, x); READ(relaxed, 1, x);)
BODY(write_then_read, WRITE(relaxed, x, 1); READ(relaxed, 0, x);)
BODY(add_x, scene.slot[explore_cpu()] = atomic_fetch_add_relaxed(&scene.x, 1);)

CASE(weak_cells_do_not_go_back)
{
	CHECK(!can_be(01000, write_x, read_x_twice, NULL, NULL));
	CHECK(seen[00000] && seen[00100] && seen[01100]);
	CHECK(!can_be(00000, write_then_read, NULL, NULL, NULL));
}

static void compare_in_vain(void *context)
{
	uint64_t seven = 7;

	(void)context;
	CHECK(!atomic_compare_exchange_seq_cst(&scene.x, &seven, 8));
}

BODY(read_x, READ(relaxed, 0, x);)

CASE(weak_compare_that_fails_is_a_load)
{
	CHECK(can_be(00000, compare_in_vain, read_x, NULL, NULL));
	CHECK(explored.schedules == 2);
}

CASE(weak_locked_accesses_read_the_newest)
{
	CHECK(!can_be(00000, add_x, add_x, NULL, NULL));
	CHECK(seen[00100] && seen[01000]);
	CHECK(explored.schedules == 2);
}

// --- store buffering: seq_cst ------------------------------------------------

BODY(sb_acq_rel_0, WRITE(release, x, 1); READ(acquire, 0, y);)
BODY(sb_acq_rel_1, WRITE(release, y, 1); READ(acquire, 1, x);)
BODY(sb_0, WRITE(seq_cst, x, 1); READ(seq_cst, 0, y);)
BODY(sb_1, WRITE(seq_cst, y, 1); READ(seq_cst, 1, x);)
BODY(sb_load_relaxed_1, WRITE(seq_cst, y, 1); READ(relaxed, 1, x);)
BODY(sb_store_relaxed_1, WRITE(relaxed, y, 1); READ(seq_cst, 1, x);)
BODY(sb_fence_0, WRITE(relaxed, x, 1); FENCE(seq_cst); READ(relaxed, 0, y);)
BODY(sb_fence_1, WRITE(relaxed, y, 1); FENCE(seq_cst); READ(relaxed, 1, x);)
BODY(sb_weak_fence_1,
     WRITE(relaxed, y, 1); FENCE(acq_rel); READ(relaxed, 1, x);)
BODY(sb_add_0, atomic_fetch_add_seq_cst(&scene.x, 1); READ(seq_cst, 0, y);)
BODY(sb_add_relaxed_1, atomic_fetch_add_seq_cst(&scene.y, 1);
     READ(relaxed, 1, x);)

CASE(weak_seq_cst_accesses_have_one_order)
{
	CHECK(can_be(00000, sb_acq_rel_0, sb_acq_rel_1, NULL, NULL));
	CHECK(!can_be(00000, sb_0, sb_1, NULL, NULL));
	CHECK(!can_be(00000, sb_add_0, sb_1, NULL, NULL));
	CHECK(!can_be(00000, sb_fence_0, sb_fence_1, NULL, NULL));
	CHECK(!can_be(00000, sb_fence_0, sb_1, NULL, NULL));
	CHECK(seen[00100] && seen[01000] && seen[01100]);
}

CASE(weak_seq_cst_is_needed_everywhere)
{
	/* x86 hides the first two: a locked store also holds up the load. */
	CHECK(can_be(00000, sb_0, sb_load_relaxed_1, NULL, NULL));
	CHECK(can_be(00000, sb_add_0, sb_add_relaxed_1, NULL, NULL));
	CHECK(can_be(00000, sb_0, sb_store_relaxed_1, NULL, NULL));
	CHECK(can_be(00000, sb_fence_0, sb_weak_fence_1, NULL, NULL));
	CHECK(can_be(00000, sb_fence_0, sb_acq_rel_1, NULL, NULL));
}

// --- independent readers -----------------------------------------------------

BODY(release_y, WRITE(release, y, 1);)
BODY(write_x_sc, WRITE(seq_cst, x, 1);)
BODY(write_y_sc, WRITE(seq_cst, y, 1);)
BODY(see_x_y, READ(acquire, 0, x); READ(acquire, 1, y);)
BODY(see_y_x, READ(acquire, 2, y); READ(acquire, 3, x);)
BODY(see_x_y_sc, READ(seq_cst, 0, x); READ(seq_cst, 1, y);)
BODY(see_y_x_sc, READ(seq_cst, 2, y); READ(seq_cst, 3, x);)

CASE(weak_readers_agree_only_when_seq_cst)
{
	CHECK(can_be(01010, release_x, release_y, see_x_y, see_y_x));
	CHECK(!can_be(01010, write_x_sc, write_y_sc, see_x_y_sc, see_y_x_sc));
	CHECK(can_be(01010, write_x_sc, write_y_sc, see_x_y_sc, see_y_x));
}

// --- waiting, bounds, what it refuses ----------------------------------------

static void pause_and_note(void)
{
	scene.slot[2] = 1;
	atomic_pause();
}

BODY(wait_for_y, while (atomic_load_acquire(&scene.y) == 0) pause_and_note();
     READ(relaxed, 0, x);)
BODY(wait_for_y_relaxed,
     while (atomic_load_relaxed(&scene.y) == 0) pause_and_note();
     READ(relaxed, 0, x);)

CASE(weak_waits_end_and_acquire_nothing)
{
	CHECK(!can_be(00000, pass_release, wait_for_y, NULL, NULL));
	CHECK(!seen[00010] && seen[01000] && seen[01010]);
	CHECK(can_be(00000, pass_release, wait_for_y_relaxed, NULL, NULL));
	CHECK(seen[00010]);
}

static bool can_be_within(unsigned preemptions)
{
	memset(seen, 0, sizeof(seen));
	CHECK(explore(&(struct exploration){
		.name = "weak", .cpu = { pass_relaxed, get_relaxed },
		.set_up = clear_scene, .check = note_outcome,
		.preemptions = preemptions, .model = EXPLORE_WEAK },
		&explored) == EXPLORED_WHOLE);
	return seen[01000];
}

CASE(weak_late_loads_count_as_preemptions)
{
	/* RRWW WWRR; with one: WRRW RWWR, the late two of WWRR. */
	CHECK(!can_be_within(EXPLORE_AT_MOST(0)));
	CHECK(explored.schedules == 2);
	CHECK(can_be_within(EXPLORE_AT_MOST(1)));
	CHECK(explored.schedules == 2 + 2 + 2);
}

static union {
	atomic_u32 whole;
	atomic_u8 byte[4];
} mixed;

BODY(add_whole, atomic_fetch_add_relaxed(&mixed.whole, 1);)
BODY(add_byte, atomic_fetch_add_relaxed(&mixed.byte[1], 1);)
BODY(add_plain, atomic_fetch_add_relaxed(&scene.x, 1); scene.x.plain++;
     atomic_fetch_add_relaxed(&scene.x, 1);)

CASE(weak_refuses_what_it_cannot_follow)
{
	struct exploration exploration = {
		.name = "weak", .cpu = { add_whole, add_byte },
		.model = EXPLORE_WEAK,
	};

	CHECK(explore(&exploration, &explored) == EXPLORED_FAILED);
	CHECK(explored.verdict == EXPLORED_WHOLE ||
	      strstr(explored.text, "cannot follow") != NULL);
	exploration.cpu[0] = add_plain;
	exploration.cpu[1] = NULL;
	CHECK(explore(&exploration, &explored) == EXPLORED_FAILED);
	exploration.cpu[0] = add_whole;
	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
}

CASE(weak_schedules_replay)
{
	struct exploration exploration = {
		.name = "weak", .cpu = { pass_relaxed, get_relaxed },
		.set_up = clear_scene, .check = note_outcome,
		.model = EXPLORE_WEAK,
	};

	memset(seen, 0, sizeof(seen));
	CHECK(explore_replay(&exploration, "001A1B", &explored) ==
	      EXPLORED_WHOLE);
	CHECK(seen[01000]);
	CHECK(strcmp(explored.schedule, "001A1B") == 0);
}
