// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Counts what an operation of the frame allocator costs: instructions by
 * callgrind, locked accesses and cache lines at the atomics. All that CPUs
 * share and change is an atomic cell, so these are the lines that can be
 * elsewhere; a cache's own lines and the stack are not counted. Of these, the
 * slots of other CPUs are counted apart.
 *
 * count_frames.sh builds this file twice: with atomics that report each
 * access (@sample lines), and without, to run under callgrind (a dump for
 * each sample, labelled likewise). Both do the same, to the last frame.
 *
 * count_machine.h says how memory is allocated. The number of frames that a
 * cache holds before and after tells whether it used the pool.
 */
#include <base/assert.h>
#include <mm/frame_query.h>

#include "count_access.h"
#include "count_machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <valgrind/callgrind.h>

#define SOME 24U		/* operations on the pool alone              */
#define ROUNDS 2U
#define SEARCHES 4U		/* long ones                                 */
#define SAMPLES_MOST 48U	/* of one row                                */
/* Of what a cache does alone, each so many: in step with no word or list. */
#define STRIDE 7U

_Noreturn void assert_failed(const char *file, int line, const char *text)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, text);
	exit(1);
}

/* --- samples ---------------------------------------------------------------*/

static struct access_count counted;	/* in the last operation             */

/* Discards the counts so far. */
static void count_one(struct machine *machine, enum row row)
{
	/* Volatile: called alike, whatever the compiler knows of `row`. */
	operation volatile call = rows[row].call;

	count_begin();
	CALLGRIND_ZERO_STATS;
	CALLGRIND_TOGGLE_COLLECT;
	call(machine, rows[row].request);
	CALLGRIND_TOGGLE_COLLECT;
	counted = count_end();
}

static void keep_sample(struct machine *machine, enum row row)
{
	char label[80];

	if (machine->samples[row] >= SAMPLES_MOST)
		return;
	machine->samples[row]++;
	ASSERT(snprintf(label, sizeof(label), "%s %lu %u", rows[row].name,
			(unsigned long)machine->gib,
			machine->set.cpus) < (int)sizeof(label));
	CALLGRIND_DUMP_STATS_AT(label);
	printf("@sample %s %u %u %u\n", label, counted.locked, counted.lines,
	       counted.slots);
}

static void sample(struct machine *machine, enum row row)
{
	count_one(machine, row);
	ASSERT(machine->status == ST_OK);
	keep_sample(machine, row);
}

/* The same for `count` that are held. */
static void sample_each(struct machine *machine, enum row row, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		machine->next = &machine->held[i];
		sample(machine, row);
	}
}

static void shuffle(struct machine *machine, unsigned count)
{
	for (unsigned i = count - 1; i > 0; i--) {
		unsigned j = (unsigned)random_below(machine, i + 1);
		pfn_t other = machine->held[j];

		machine->held[j] = machine->held[i];
		machine->held[i] = other;
	}
}

static bool is_held(const struct machine *machine, pfn_t frame)
{
	for (unsigned i = 0; i < MANY; i++)
		if (machine->held[i].raw == frame.raw)
			return true;
	return false;
}

/* Of those that are held, every other for one allocated long ago, anywhere. */
static void stir(struct machine *machine)
{
	uint64_t splits = machine->open_count * GROUPS_PER_GIANT /
			  machine->splits;

	for (unsigned i = 0; i < MANY;) {
		uint64_t group = random_below(machine, splits) *
				 machine->splits;
		pfn_t other = { group_at(machine, group) +
				random_below(machine, BLOCK) };

		if (is_held(machine, other) ||
		    frame_pool_query(&machine->pool, other).state !=
			    FRAME_STATE_ALLOCATED)
			continue;
		machine->held[i] = other;
		i += 2;
	}
}

/* Rows: when the cache does it alone; when it does not is the row after. */
struct cache_work {
	enum row alloc, free, drain;
	int64_t frames;
};

/* `change`: of the frames in the cache, when the pool is not needed. */
static void sample_cache(struct machine *machine, enum row row, int64_t change)
{
	struct frame_cache *cache = machine->cache;

	for (unsigned i = 0; i < MANY; i++) {
		uint64_t before = frame_cache_held(cache);

		machine->next = &machine->held[i];
		count_one(machine, row);
		ASSERT(machine->status == ST_OK);
		if (frame_cache_held(cache) != before + (uint64_t)change)
			keep_sample(machine, row + 1);
		else if (machine->passed++ % STRIDE == 0)
			keep_sample(machine, row);
	}
}

/*
 * MANY allocated; as many, others among them, given back in another order; so
 * that the next are allocated out of what is kept.
 */
static void sample_rounds(struct machine *machine,
			  const struct cache_work *work)
{
	for (unsigned i = 1; i <= 2 * ROUNDS; i++) {
		sample_cache(machine, work->alloc, -work->frames);
		if (work->frames == 1)
			stir(machine);
		shuffle(machine, MANY);
		sample_cache(machine, work->free, work->frames);
		if (i % 2 == 0)
			sample(machine, work->drain);
	}
}

/* --- phases ----------------------------------------------------------------*/

/* All are allocated; one comes back and is allocated again. */
static void measure_giants(struct machine *machine)
{
	pfn_t frame;

	while (gives(machine, POOL_1G_ALLOC, &frame))
		continue;
	for (unsigned i = 0; i < SOME; i++) {
		frame.raw = random_below(machine, machine->gib) * GIANT;
		machine->next = &frame;
		sample(machine, POOL_1G_FREE);
		sample(machine, POOL_1G_ALLOC);
		takes(machine, POOL_1G_FREE, frame.raw);
		machine->next = &frame;
		sample(machine, NODES_1G_ALLOC);
	}
}

static void measure_frames(struct machine *machine)
{
	sample_rounds(machine, &(struct cache_work){
		CACHE_4K_ALLOC, CACHE_4K_FREE, CACHE_4K_DRAIN, 1 });
	sample_each(machine, POOL_4K_ALLOC, SOME);
	shuffle(machine, SOME);
	sample_each(machine, POOL_4K_FREE, SOME);
}

/* Those free that are the third of their four, in one giant. */
static void measure_blocks(struct machine *machine)
{
	uint64_t first = random_below(machine, machine->open_count) *
			 GROUPS_PER_GIANT;
	pfn_t frame;

	for (unsigned i = 0; i < GROUPS_PER_GIANT; i++)
		takes(machine, POOL_2M_FREE,
		      group_at(machine, first + i) + 2 * BLOCK);
	sample_rounds(machine, &(struct cache_work){
		CACHE_2M_ALLOC, CACHE_2M_FREE, CACHE_2M_DRAIN, BLOCK });
	while (gives(machine, POOL_2M_ALLOC, &frame))
		continue;
	for (unsigned i = 0; i < SOME; i++) {
		frame.raw = random_group(machine) + 2 * BLOCK;
		machine->next = &frame;
		sample(machine, POOL_2M_FREE);
		sample(machine, POOL_2M_ALLOC);
	}
}

/* One pair of blocks is free, anywhere, and then not even that. */
static void measure_runs(struct machine *machine)
{
	sample_each(machine, RUN_3_ALLOC, SOME);
	shuffle(machine, SOME);
	sample_each(machine, RUN_3_FREE, SOME);
	for (unsigned i = 0; i < SEARCHES; i++) {
		uint64_t pair = random_group(machine) + 2 * BLOCK;
		pfn_t frame;

		takes(machine, POOL_2M_FREE, pair);
		takes(machine, POOL_2M_FREE, pair + BLOCK);
		machine->next = &machine->held[0];
		sample(machine, RUN_1024_ALLOC);
		ASSERT(machine->held[0].raw == pair);
		sample(machine, RUN_1024_FREE);
		ASSERT(gives(machine, POOL_2M_ALLOC, &frame));
		ASSERT(gives(machine, POOL_2M_ALLOC, &frame));
		ASSERT(!gives(machine, POOL_2M_ALLOC, &frame));
	}
}

/* From over the nodes; it goes back uncounted, to where it came from. */
static void sample_nodes(struct machine *machine, enum row row,
			 enum row give_back)
{
	for (unsigned i = 0; i < SOME; i++) {
		machine->next = &machine->held[i];
		sample(machine, row);
	}
	for (unsigned i = 0; i < SOME; i++)
		takes(machine, give_back, machine->held[i].raw);
}

/* Frames are free; of what is larger, one piece at a time. */
static void measure_nodes(struct machine *machine)
{
	pfn_t frame;

	sample_nodes(machine, NODES_4K_ALLOC, POOL_4K_FREE);
	sample_nodes(machine, NODES_4K_LIMITED, POOL_4K_FREE);
	sample_nodes(machine, NODES_RUN_3_ALLOC, RUN_3_FREE);
	for (unsigned i = 0; i < SOME; i++) {
		takes(machine, POOL_2M_FREE, random_group(machine) + 2 * BLOCK);
		machine->next = &frame;
		sample(machine, NODES_2M_ALLOC);
	}
}

/* The nearest node has none: it is the other's. */
static void measure_next_node(struct machine *machine)
{
	pfn_t frame;

	machine->next = &frame;
	sample(machine, NODES_1G_NEXT);
	ASSERT(frame.raw == machine->gib * GIANT);
}

static void sample_refusal(struct machine *machine, enum row row)
{
	machine->next = &machine->held[0];
	count_one(machine, row);
	ASSERT(machine->status == ST_NO_MEMORY);
	keep_sample(machine, row);
}

static void measure_machine(uint64_t gib, unsigned cpus)
{
	struct machine *machine = machine_of(gib, cpus);

	CALLGRIND_START_INSTRUMENTATION;
	sample(machine, NOTHING);
	measure_giants(machine);
	CALLGRIND_STOP_INSTRUMENTATION;
	open_giants(machine);
	scatter(machine);
	CALLGRIND_START_INSTRUMENTATION;
	measure_frames(machine);
	measure_blocks(machine);
	measure_runs(machine);
	measure_nodes(machine);
	measure_next_node(machine);
	sample_refusal(machine, REFUSE_1G);
	sample_refusal(machine, REFUSE_RUN);
	CALLGRIND_STOP_INSTRUMENTATION;
}

int main(void)
{
	static const uint64_t sizes[] = { 1, 8, 64, 600, 4096 };
	static const unsigned cpus[] = { 1, 4, 16 };

	for (unsigned i = 0; i < ROWS; i++)
		printf("@row %s\n", rows[i].name);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned j = 0; j < sizeof(cpus) / sizeof(cpus[0]); j++)
			measure_machine(sizes[i], cpus[j]);
	return 0;
}
