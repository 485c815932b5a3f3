// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The explorer against small programs of which it is known what they may
 * and what they may not lead to on x86 (Intel SDM vol. 3A, "Memory
 * Ordering"; P. Sewell et al., "x86-TSO"). Each case names every outcome
 * that can happen, and how many schedules there are, counted by hand.
 */
#include <tests/explorer/include/base/atomic_builtin.h>

#include <base/atomic.h>
#include <base/bits.h>

#include "check.h"
#include "explorer.h"

#define SLOTS 4
#define OUTCOMES 0x1000

/* The values read, one octal digit each: slots 0 to 3. */
static struct scene {
	atomic_u64 x, y, z;
	uint64_t slot[SLOTS];
} scene;

static bool seen[OUTCOMES];
static struct explored explored;

static void clear_scene(void *context)
{
	(void)context;
	memset(&scene, 0, sizeof(scene));
}

static void note_outcome(void *context)
{
	unsigned outcome = 0;

	(void)context;
	for (unsigned i = 0; i < SLOTS; i++)
		outcome = outcome << 3 | (scene.slot[i] & 7);
	seen[outcome] = true;
}

/* The last value of x as what slot 3 read. */
static void note_last_x(void *context)
{
	scene.slot[3] = scene.x.plain;
	note_outcome(context);
}

static void note_last_y(void *context)
{
	scene.slot[3] = scene.y.plain;
	note_outcome(context);
}

struct litmus {
	void (*cpu[EXPLORE_CPUS])(void *context);
	enum explore_model model;
	uint64_t schedules;
	unsigned count, outcomes[16];	/* all that there are                */
};

static void run_and_note(const struct litmus *litmus,
			 void (*note)(void *context))
{
	struct exploration exploration = {
		.name = "litmus", .set_up = clear_scene, .check = note,
		.model = litmus->model,
	};
	unsigned count = 0;

	memcpy(exploration.cpu, litmus->cpu, sizeof(exploration.cpu));
	memset(seen, 0, sizeof(seen));
	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
	CHECK(explored.schedules == litmus->schedules);
	for (unsigned i = 0; i < OUTCOMES; i++)
		count += seen[i];
	CHECK(count == litmus->count);
	for (unsigned i = 0; i < litmus->count; i++)
		CHECK(seen[litmus->outcomes[i]]);
}

static void run(const struct litmus *litmus)
{
	run_and_note(litmus, note_outcome);
}

#define BODY(name, code)						\
	static void name(void *context)					\
	{								\
		(void)context;						\
		code							\
	}
#define WRITE(cell, value) atomic_store_relaxed(&scene.cell, value)
#define READ(number, cell)						\
	(scene.slot[number] = atomic_load_relaxed(&scene.cell))

// --- store buffering: each writes its own and reads the other's --------------

BODY(sb_0, WRITE(x, 1); READ(0, y);)
BODY(sb_1, WRITE(y, 1); READ(1, x);)

CASE(explorer_lets_loads_overtake_stores)
{
	/* Two orders of the loads, and at each the store has drained or not. */
	run(&(struct litmus){ { sb_0, sb_1 }, EXPLORE_TSO, 8,
			      4, { 00000, 01000, 00100, 01100 } });
}

CASE(explorer_knows_sequential_consistency)
{
	/* Four accesses, two on each side: 6 orders. */
	run(&(struct litmus){ { sb_0, sb_1 }, EXPLORE_SEQUENTIAL, 6,
			      3, { 01000, 00100, 01100 } });
}

BODY(sb_weak_fence_0, WRITE(x, 1); atomic_fence_acq_rel(); READ(0, y);)
BODY(sb_release_1, atomic_store_release(&scene.y, 1);
     atomic_fence_release(); atomic_fence_acquire();
     scene.slot[1] = atomic_load_acquire(&scene.x);)

CASE(explorer_knows_that_weak_orders_hold_up_no_load)
{
	run(&(struct litmus){ { sb_weak_fence_0, sb_release_1 }, EXPLORE_TSO, 8,
			      4, { 00000, 01000, 00100, 01100 } });
}

BODY(sb_fence_0, WRITE(x, 1); atomic_fence_seq_cst(); READ(0, y);)
BODY(sb_fence_1, WRITE(y, 1); atomic_fence_seq_cst(); READ(1, x);)

CASE(explorer_lets_no_load_overtake_a_fence)
{
	/*
	 * F L | f l: 6 orders. Only a load between the other's load and the
	 * other's fence finds something in a buffer: FLfl and flFL, twice.
	 */
	run(&(struct litmus){ { sb_fence_0, sb_fence_1 }, EXPLORE_TSO, 8,
			      3, { 01000, 00100, 01100 } });
}

CASE(explorer_wants_the_fence_on_both_sides)
{
	/*
	 * F L | l: in lFL either load may find the store drained or not: 4.
	 * In FlL and FLl x has drained, and only L has the choice: 2 and 2.
	 */
	run(&(struct litmus){ { sb_fence_0, sb_1 }, EXPLORE_TSO, 8,
			      4, { 00000, 01000, 00100, 01100 } });
}

BODY(sb_locked_0, atomic_exchange_relaxed(&scene.x, 1); READ(0, y);)
BODY(sb_locked_1, atomic_store_seq_cst(&scene.y, 1); READ(1, x);)

CASE(explorer_lets_no_load_overtake_a_locked_access)
{
	run(&(struct litmus){ { sb_locked_0, sb_locked_1 }, EXPLORE_TSO, 6,
			      3, { 01000, 00100, 01100 } });
}

BODY(sb_add_z_0, WRITE(x, 1); atomic_fetch_add_relaxed(&scene.z, 1);
     READ(0, y);)
BODY(sb_add_z_1, WRITE(y, 1); atomic_fetch_add_relaxed(&scene.z, 1);
     READ(1, x);)

CASE(explorer_drains_before_a_locked_access_to_another_cell)
{
	/* As with fences: 6 orders, and 2 of them twice. */
	run(&(struct litmus){ { sb_add_z_0, sb_add_z_1 }, EXPLORE_TSO, 8,
			      3, { 01000, 00100, 01100 } });
}

// --- message passing: data, then a flag --------------------------------------

BODY(mp_write, WRITE(x, 1); WRITE(y, 1);)
BODY(mp_read, READ(0, y); READ(1, x);)
BODY(mp_read_wrong, READ(1, x); READ(0, y);)

CASE(explorer_keeps_stores_in_order)
{
	/* The flag has drained (then x has, too), or not; then x has or not. */
	run(&(struct litmus){ { mp_write, mp_read }, EXPLORE_TSO, 3,
			      3, { 00000, 00100, 01100 } });
}

CASE(explorer_finds_a_flag_that_is_read_too_late)
{
	/* x has drained or not, and after either y has or not. */
	run(&(struct litmus){ { mp_write, mp_read_wrong }, EXPLORE_TSO, 4,
			      4, { 00000, 00100, 01000, 01100 } });
}

// --- load buffering: each reads the other's and then writes its own ----------

BODY(lb_0, READ(0, x); WRITE(y, 1);)
BODY(lb_1, READ(1, y); WRITE(x, 1);)

CASE(explorer_lets_no_store_overtake_a_load)
{
	/* Two orders of the loads; at the second a store may have drained. */
	run(&(struct litmus){ { lb_0, lb_1 }, EXPLORE_TSO, 4,
			      3, { 00000, 01000, 00100 } });
}

// --- own stores --------------------------------------------------------------

BODY(own_0, WRITE(x, 1); READ(0, x); READ(1, y);)
BODY(own_1, WRITE(y, 1); READ(2, y); READ(3, x);)

CASE(explorer_shows_a_processor_its_own_stores_at_once)
{
	/*
	 * Own stores are read as 1, and yet both may miss the other's: 6
	 * orders of two loads each, and at either second load the other's
	 * store has drained or not.
	 */
	run(&(struct litmus){ { own_0, own_1 }, EXPLORE_TSO, 24, 4,
			      { 01010, 01110, 01011, 01111 } });
}

BODY(own_twice, WRITE(x, 1); WRITE(x, 2); READ(0, x); WRITE(x, 3);)
BODY(read_twice, READ(2, x); READ(3, x);)

CASE(explorer_shows_the_newest_of_several_own_stores)
{
	run(&(struct litmus){ { own_twice }, EXPLORE_TSO, 1, 1, { 02000 } });
}

CASE(explorer_drains_stores_to_one_cell_one_by_one)
{
	static const struct litmus in_order = {
		{ own_twice, read_twice }, EXPLORE_TSO, 0, 10,
		{ 02000, 02001, 02002, 02003, 02011, 02012, 02013, 02022,
		  02023, 02033 }
	};
	struct litmus litmus = in_order;

	/*
	 * The own load may come first, in the middle or last. Before it two
	 * stores are there to drain, after it three: pairs i <= j of what
	 * has drained by the two loads, up to the load (p) and after.
	 * first: 10 pairs out of 0..3; last: 6 out of 0..2; in the middle:
	 * i out of 0..2, j out of i..3: 4 + 3 + 2.
	 */
	litmus.schedules = 10 + 6 + 9;
	run(&litmus);
}

static union {
	atomic_u32 whole;
	atomic_u8 byte[4];
} mixed;

static void clear_mixed(void *context)
{
	clear_scene(context);
	mixed.whole.plain = 0;
}

BODY(mixed_store, atomic_store_relaxed(&mixed.byte[1], 0xff);
     atomic_store_relaxed(&mixed.byte[3], 0xee);
     scene.slot[0] = atomic_load_relaxed(&mixed.whole);)
BODY(mixed_exchange, atomic_exchange_relaxed(&mixed.whole, 0x01010101);)

static bool mixed_seen[4];

static void note_mixed(void *context)
{
	static const uint64_t possible[] = { 0xee00ff00, 0xee01ff01,
					     0xee010101, 0x01010101 };
	unsigned i = 0;

	(void)context;
	while (i < ARRAY_LENGTH(possible) && scene.slot[0] != possible[i])
		i++;
	EXPLORE_CHECK(i < ARRAY_LENGTH(possible));
	if (i < ARRAY_LENGTH(possible))
		mixed_seen[i] = true;
}

CASE(explorer_knows_accesses_that_overlap)
{
	struct exploration exploration = {
		.name = "mixed", .set_up = clear_mixed, .check = note_mixed,
		.cpu = { mixed_store, mixed_exchange },
	};

	/*
	 * Load first: none, one or both bytes drain before the exchange.
	 * Exchange first: the same, and then the load sees what is left.
	 */
	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
	CHECK(explored.schedules == 6);
	for (unsigned i = 0; i < ARRAY_LENGTH(mixed_seen); i++)
		CHECK(mixed_seen[i]);
}

// --- more than two processors ------------------------------------------------

BODY(write_x, WRITE(x, 1);)
BODY(write_y, WRITE(y, 1);)
BODY(read_x_y, READ(0, x); READ(1, y);)
BODY(read_y_x, READ(2, y); READ(3, x);)

CASE(explorer_has_one_memory_for_all)
{
	/*
	 * Two readers never see two stores in opposite orders (01010). 6
	 * orders of the loads; each store drains before the first load of
	 * its cell, before the second or after both: 6 * 3 * 3.
	 */
	run(&(struct litmus){
		{ write_x, write_y, read_x_y, read_y_x }, EXPLORE_TSO, 54, 15,
		{ 00000, 00001, 00010, 00011, 00100, 00101, 00110, 00111,
		  01000, 01001, 01011, 01100, 01101, 01110, 01111 } });
}

BODY(pass_on, READ(0, x); WRITE(y, scene.slot[0]);)

CASE(explorer_never_shows_the_effect_before_its_cause)
{
	/*
	 * The third reads the value that the second passed on before it
	 * reads the first's: never 1, 1, 0. The second's load comes first
	 * (without x: y and x may drain or not, 4; with x: y may, 2), in the
	 * middle (3: x drains there, at the third's last load, or after) or
	 * last (3 likewise).
	 */
	run(&(struct litmus){
		{ write_x, pass_on, read_y_x }, EXPLORE_TSO, 12, 5,
		{ 00000, 00001, 01000, 01001, 01011 } });
}

BODY(write_x_2, WRITE(x, 2);)
BODY(write_x_3, WRITE(x, 3);)

CASE(explorer_drains_equal_cells_in_every_order_at_the_end)
{
	run_and_note(&(struct litmus){
		{ write_x, write_x_2 }, EXPLORE_TSO, 2,
		2, { 00001, 00002 } }, note_last_x);
	run_and_note(&(struct litmus){
		{ write_x, write_x_2, write_x_3 }, EXPLORE_TSO, 6,
		3, { 00001, 00002, 00003 } }, note_last_x);
	/* No processor can tell the order of different cells. */
	run_and_note(&(struct litmus){
		{ write_x, write_y }, EXPLORE_TSO, 1,
		1, { 00001 } }, note_last_x);
}

BODY(read_x_twice, READ(0, x); READ(1, x);)

CASE(explorer_has_one_order_for_each_cell)
{
	/*
	 * Neither drained at the first load: at the second neither (then 2
	 * ends), one (then the other, now or in the end): 2 + 2 + 2. One
	 * drained at the first load, the other then too (1), at the second
	 * or in the end (2): 3, for either.
	 */
	run_and_note(&(struct litmus){
		{ write_x, write_x_2, read_x_twice }, EXPLORE_TSO, 12, 12,
		{ 00001, 00002, 00101, 00102, 00201, 00202,
		  01101, 01102, 01202, 02202, 02201, 02101 } }, note_last_x);
}

BODY(write_y_x, WRITE(y, 2); WRITE(x, 1);)
BODY(read_x, READ(0, x);)

CASE(explorer_finds_the_store_that_must_drain_before_another)
{
	/*
	 * A reader of x = 1 knows that y = 2 has drained, and not whether
	 * y = 1 had before. Not read: in the end either y is the last, 2. The
	 * y = 2 drains, then x or not: 2. The y = 1 drains, then y = 2 and x
	 * or neither: 2. (That y drains but x does not is nothing new.)
	 */
	run_and_note(&(struct litmus){
		{ write_y_x, write_y, read_x }, EXPLORE_TSO, 6,
		4, { 00001, 00002, 01001, 01002 } }, note_last_y);
}
