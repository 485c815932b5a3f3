// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Real threads on one pool that take and give in every size: frames, blocks,
 * giants, runs, one frame in particular, below a limit, beside caches and
 * through them, as tasks and as interrupt handlers. The holder of a frame
 * stamps it at both ends, so a frame allocated twice is seen at once. Each
 * status must be one that the header allows. At the end, when nothing is
 * allocated, all giants of the pool must be whole.
 */
#include "check.h"
#include "fake_cpu.h"
#include "frame_world.h"

#include <base/bits.h>
#include <pthread.h>
#include <stdatomic.h>

#define MARK ((const void *)0x77)
#define THREADS 3
#define HELD 24
#define FRAMES_MOST 131072
#define LOW_END (MIB >> PAGE_SHIFT)
#define FRAMES_BELOW_4G (4 * GIB >> PAGE_SHIFT)

static atomic_uint stamps[FRAMES_MOST];

struct chunk {
	pfn_t first;
	uint64_t pages;
	enum frame_size size;
};

struct worker {
	struct frame_world *world;
	unsigned cpu, steps;
	uint64_t seed;
	uint64_t room;		/* pages that it may have: a frame for all   */
	uint64_t pages;		/* that it has                               */
	unsigned count;
	struct chunk held[HELD];
	enum cpu_context context;
	int bad;		/* the line of the first mistake             */
	unsigned allocated[FRAME_RUN + 1], refused, picked;
	const struct frame_request *wants;
	unsigned kinds;
	void *(*work)(void *worker);
	pthread_barrier_t *barrier;
	pthread_t thread;
};

#define EXPECT(condition)						\
	do {								\
		if (!(condition) && worker->bad == 0)			\
			worker->bad = __LINE__;				\
	} while (0)

static uint64_t block_pages(const struct frame_world *world)
{
	return 1UL << world->pool.shape.block_shift;
}

static uint64_t giant_pages(const struct frame_world *world)
{
	return block_pages(world) << world->pool.shape.giant_shift;
}

static void become(struct worker *worker, enum cpu_context context)
{
	worker->context = context;
	fake_cpu_become(worker->cpu, context);
}

static cpu_slot slot_of(const struct worker *worker)
{
	return worker->context == CPU_INTERRUPT ?
		       frame_interrupt_slot(worker->cpu) :
		       frame_task_slot(worker->cpu);
}

static void stamp(struct worker *worker, const struct chunk *chunk,
		  unsigned from, unsigned to)
{
	uint64_t first = chunk->first.raw - worker->world->pool.first;

	for (uint64_t i = first; i < first + chunk->pages; i++) {
		unsigned expected = from;

		EXPECT(atomic_compare_exchange_strong(&stamps[i], &expected,
						      to));
	}
}

static void keep(struct worker *worker, struct chunk chunk)
{
	stamp(worker, &chunk, 0, worker->cpu + 1);
	worker->held[worker->count++] = chunk;
	worker->pages += chunk.pages;
	worker->allocated[chunk.size]++;
}

/* --- take ------------------------------------------------------------------*/

static void check_place(struct worker *worker,
			const struct frame_request *request,
			const struct chunk *chunk)
{
	const struct frame_pool *pool = &worker->world->pool;
	uint64_t first = chunk->first.raw, end = first + chunk->pages;

	EXPECT(first >= pool->first && end <= pool->first + pool->frames);
	if (chunk->size == FRAME_2M || chunk->size == FRAME_1G)
		EXPECT(is_aligned(first - pool->first, chunk->pages));
	if (request->limit == FRAME_BELOW_1M)
		EXPECT(end <= LOW_END);
	else if (request->limit == FRAME_BELOW_4G)
		EXPECT(end <= FRAMES_BELOW_4G);
}

static void check_refusal(struct worker *worker,
			  const struct frame_request *request,
			  enum status status)
{
	bool handler = worker->context == CPU_INTERRUPT;

	worker->refused++;
	/* Another thread may be stopped in the middle of a step. */
	EXPECT(status == ST_NO_MEMORY || (status == ST_CONFLICT && !handler));
	/* The threads together cannot hold all frames: one is always free. */
	if (request->limit == FRAME_ANYWHERE && request->size == FRAME_4K &&
	    status == ST_NO_MEMORY && !handler)
		EXPECT(worker->room == worker->world->frames);
}

static enum status take_from_cache(struct worker *worker,
				   const struct frame_request *request,
				   pfn_t *out)
{
	struct frame_cache *cache = frame_cache_current(&worker->world->set);

	return request->size == FRAME_2M ?
		       frame_cache_alloc_block(cache, request->owner, out) :
		       frame_cache_alloc(cache, request->owner, out);
}

enum level {
	LEVEL_POOL,
	LEVEL_CACHE,		/* for frames and blocks, anywhere           */
};

/* ST_OK also when the worker has enough. */
static enum status take(struct worker *worker,
			const struct frame_request *request, enum level level)
{
	struct chunk chunk = { .pages = request->pages, .size = request->size };
	enum status status;

	if (worker->count == HELD ||
	    worker->pages + chunk.pages > worker->room)
		return ST_OK;
	if (level == LEVEL_CACHE && request->size < FRAME_1G &&
	    request->limit == FRAME_ANYWHERE)
		status = take_from_cache(worker, request, &chunk.first);
	else
		status = frame_pool_alloc(&worker->world->pool,
					  slot_of(worker), request,
					  &chunk.first);
	if (status != ST_OK) {
		check_refusal(worker, request, status);
		return status;
	}
	check_place(worker, request, &chunk);
	keep(worker, chunk);
	return ST_OK;
}

/* A length within a word, within a giant, or over their edges. */
static uint64_t some_length(struct worker *worker)
{
	uint64_t block = block_pages(worker->world);
	uint64_t most[] = { 63, 2 * block, giant_pages(worker->world),
			    2 * giant_pages(worker->world) };
	uint64_t roll = check_random(&worker->seed);
	uint64_t pages = 1 + (roll >> 8) % most[roll % 16 < 13 ? roll % 2 :
						roll % 4];

	return roll & 1 << 20 ? align_up(pages, block) : pages;
}

static void take_something(struct worker *worker, uint64_t roll)
{
	struct frame_request request = {
		.owner = (uint8_t)(worker->cpu + 1),
		.limit = roll % 8 < 6 ? FRAME_ANYWHERE : roll % 8 - 5,
	};

	roll >>= 3;
	if (roll % 64 == 0)
		request.size = FRAME_1G;
	else if (roll % 64 < 12)
		request.size = FRAME_RUN;
	else if (roll % 64 < 24)
		request.size = FRAME_2M;
	request.pages = request.size == FRAME_1G ? giant_pages(worker->world) :
			request.size == FRAME_2M ? block_pages(worker->world) :
			request.size == FRAME_RUN ? some_length(worker) : 1;
	(void)!take(worker, &request,
		    (roll >> 6) % 4 ? LEVEL_CACHE : LEVEL_POOL);
}

static void pick_something(struct worker *worker, uint64_t roll)
{
	struct frame_pool *pool = &worker->world->pool;
	struct chunk chunk = { { pool->first + roll % worker->world->frames },
			       1, FRAME_4K };
	bool mine = stamps[chunk.first.raw - pool->first] == worker->cpu + 1;
	enum status status;

	if (worker->count == HELD || worker->pages == worker->room)
		return;
	status = frame_pool_alloc_at(pool, slot_of(worker), chunk.first,
				     (uint8_t)(worker->cpu + 1));
	EXPECT(status == ST_CONFLICT || (status == ST_OK && !mine));
	if (status != ST_OK)
		return;
	worker->picked++;
	keep(worker, chunk);
}

/* --- give ------------------------------------------------------------------*/

static enum status give_chunk(struct worker *worker, struct chunk chunk,
			      enum level level)
{
	struct frame_cache *cache = frame_cache_current(&worker->world->set);
	struct frame_return what = { chunk.first, chunk.size, 0, chunk.pages,
				     MARK };

	if (level == LEVEL_CACHE && chunk.size == FRAME_4K)
		return frame_cache_free(cache, chunk.first, MARK);
	if (level == LEVEL_CACHE && chunk.size == FRAME_2M)
		return frame_cache_free_block(cache, chunk.first, MARK);
	return frame_pool_free(&worker->world->pool, slot_of(worker), &what);
}

static void give(struct worker *worker, unsigned which, uint64_t roll)
{
	struct chunk *held = &worker->held[which], chunk = *held;
	uint64_t block = block_pages(worker->world);

	/* Of a run of blocks one at a time will do. */
	if (chunk.size == FRAME_RUN && roll & 1 && chunk.pages > block &&
	    is_aligned(chunk.first.raw, block) &&
	    is_aligned(chunk.pages, block)) {
		chunk.pages = block;
		held->first.raw += block;
		held->pages -= block;
	} else {
		*held = worker->held[--worker->count];
	}
	worker->pages -= chunk.pages;
	stamp(worker, &chunk, worker->cpu + 1, 0);
	EXPECT(give_chunk(worker, chunk, (roll >> 1) % 4 ? LEVEL_CACHE :
							   LEVEL_POOL) ==
	       ST_OK);
}

/* --- all of it -------------------------------------------------------------*/

static void *mix(void *argument)
{
	struct worker *worker = argument;

	for (unsigned i = 0; i < worker->steps || worker->count > 0; i++) {
		uint64_t roll = check_random(&worker->seed);
		bool more = i < worker->steps &&
			    roll % 16 < (i / 512 % 2 ? 9U : 6U);

		become(worker, (roll >> 8) % 4 ? CPU_TASK : CPU_INTERRUPT);
		if (more && (roll >> 16) % 8 == 0)
			pick_something(worker, roll >> 20);
		else if (more)
			take_something(worker, roll >> 20);
		else if (worker->count > 0)
			give(worker, (unsigned)((roll >> 20) % worker->count),
			     roll >> 32);
		if ((roll >> 48) % 64 == 0)
			frame_cache_drain(frame_cache_current(
				&worker->world->set));
	}
	return NULL;
}

static void drain_all(struct frame_world *world)
{
	for (unsigned slot = 0; slot < 2 * world->set.cpus; slot++) {
		fake_cpu_become(slot / 2, slot % 2 ? CPU_INTERRUPT : CPU_TASK);
		frame_cache_drain(&world->set.caches[slot]);
	}
	fake_cpu_become(0, CPU_TASK);
}

/* All begin at once: some have little to do. */
static void *start(void *argument)
{
	struct worker *worker = argument;

	pthread_barrier_wait(worker->barrier);
	return worker->work(worker);
}

/* Each in a thread of its own; an ASSERT in one ends the program. */
static void run_together(struct worker *workers, unsigned count)
{
	jmp_buf *target = check_assert_target;
	pthread_barrier_t barrier;

	check_assert_target = NULL;
	if (pthread_barrier_init(&barrier, NULL, count) != 0)
		abort();
	for (unsigned i = 0; i < count; i++) {
		workers[i].barrier = &barrier;
		if (pthread_create(&workers[i].thread, NULL, start,
				   &workers[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
	check_assert_target = target;
	for (unsigned i = 0; i < count; i++) {
		if (workers[i].bad != 0)
			printf("# cpu %u: line %d\n", i, workers[i].bad);
		CHECK(workers[i].bad == 0);
	}
}

static void check_at_the_end(struct frame_world *world)
{
	struct frame_stats stats;

	CHECK(world->reports == 0);
	/* Each free frame can be allocated, before anything else is done. */
	CHECK(frame_world_audit(world, world->frames));
	drain_all(world);
	CHECK(frame_world_audit(world, world->frames));
	frame_pool_stats(&world->pool, &stats);
	CHECK(stats.whole_giants == world->frames / giant_pages(world));
	CHECK(stats.free_frames == world->frames);
}

struct mixture {
	struct frame_shape shape;
	uint64_t first, frames;
	uint64_t room;		/* for each thread; 0: all                   */
	uint64_t seed;		/* one for each time                         */
	unsigned steps;
};

/* Else nothing was tested. */
static void check_variety(const struct worker *workers)
{
	for (unsigned size = 0; size <= FRAME_RUN; size++)
		CHECK(workers[0].allocated[size] + workers[1].allocated[size] +
		      workers[2].allocated[size] != 0);
	for (unsigned i = 0; i < THREADS; i++)
		CHECK(workers[i].picked != 0 && workers[i].refused != 0);
}

static void mix_in(const struct mixture *mixture)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = mixture->shape,
			.first = { mixture->first },
			.frames = mixture->frames, .cpus = THREADS });
	struct worker workers[THREADS];
	uint64_t seed = check_seed() + 2 * mixture->seed;

	for (unsigned i = 0; i < THREADS; i++)
		workers[i] = (struct worker){ .world = world, .cpu = i,
			.steps = mixture->steps, .work = mix,
			.seed = check_random(&seed) | 1,
			.room = mixture->room ? mixture->room :
						mixture->frames };
	run_together(workers, THREADS);
	if (mixture->steps >= 10000)
		check_variety(workers);
	check_at_the_end(world);
	frame_world_free(world);
}

/* Caches keep blocks here, and give back those of several giants at once. */
CASE(frame_threads_mix_all_sizes_beside_full_caches)
{
	mix_in(&(struct mixture){ .shape = { 6, 2 }, .frames = FRAMES_MOST,
				  .steps = 40000 });
}

/* Nothing was split before: words and owners of frames are junk. */
CASE(frame_threads_mix_all_sizes_in_young_pools)
{
	for (unsigned i = 0; i < 300; i++)
		mix_in(&(struct mixture){ .shape = { 9, 2 }, .frames = 16384,
					  .seed = i, .steps = 60 });
}

/* Several giants in one word of the trees. */
CASE(frame_threads_mix_all_sizes_in_small_giants)
{
	mix_in(&(struct mixture){ .shape = { 6, 2 }, .frames = 4096,
				  .steps = 100000 });
	mix_in(&(struct mixture){ .shape = { 7, 3 }, .frames = 8192,
				  .steps = 100000 });
}

/* A giant of two words of the trees. */
CASE(frame_threads_mix_all_sizes_in_giants_of_many_words)
{
	mix_in(&(struct mixture){ .shape = { 6, 7 }, .frames = 32768,
				  .steps = 30000 });
}

CASE(frame_threads_mix_all_sizes_at_4_gib)
{
	mix_in(&(struct mixture){ .shape = { 6, 2 },
				  .first = FRAMES_BELOW_4G - 512,
				  .frames = 1024, .steps = 100000 });
}

/*
 * Each thread holds at most a quarter, so a quarter is free, part of it in
 * caches: no request may fail.
 */
CASE(frame_threads_are_never_refused_one_of_the_last_quarter)
{
	mix_in(&(struct mixture){ .shape = { 7, 3 }, .frames = 8192,
				  .room = 2048, .steps = 100000 });
}

/* --- two for two -----------------------------------------------------------*/

/* The requests of two CPUs in turn, where there is always room for both. */
struct duel {
	struct frame_shape shape;
	uint64_t frames;
	uint64_t allocated;		/* a frame between two halves; or 0  */
	unsigned steps, kinds;
	struct frame_request wants[3];
	void *(*other)(void *worker);	/* or NULL: both do the same         */
};

/* ST_CONFLICT is allowed (others disturbed the search), ST_NO_MEMORY is not. */
static void *take_and_give(void *argument)
{
	struct worker *worker = argument;

	become(worker, CPU_TASK);
	for (unsigned i = 0; i < worker->steps && worker->bad == 0; i++) {
		uint64_t roll = check_random(&worker->seed);
		const struct frame_request *want =
			&worker->wants[roll % worker->kinds];
		enum status status = take(worker, want, LEVEL_POOL);

		EXPECT(status == ST_OK || status == ST_CONFLICT);
		if (worker->count != 0)
			give(worker, 0, 0);
	}
	return NULL;
}

/* Allocates all frames or none. */
static void *take_all_and_give(void *argument)
{
	struct worker *worker = argument;

	become(worker, CPU_TASK);
	for (unsigned i = 0; i < worker->steps; i++) {
		(void)!take(worker, &worker->wants[0], LEVEL_POOL);
		if (worker->count != 0)
			give(worker, 0, 0);
	}
	return NULL;
}

/* The holder of one frame gets another: the rest is free. */
static void *take_two_and_give(void *argument)
{
	static const struct frame_request one = { .owner = 2, .pages = 1 };
	struct worker *worker = argument;

	become(worker, CPU_TASK);
	for (unsigned i = 0; i < worker->steps; i++) {
		if (take(worker, &one, LEVEL_POOL) == ST_OK)
			EXPECT(take(worker, &one, LEVEL_POOL) == ST_OK);
		while (worker->count > 0)
			give(worker, 0, 0);
	}
	return NULL;
}

static void fight(const struct duel *duel)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = duel->shape,
			.frames = duel->frames, .cpus = 2 });
	struct frame_return allocated = {
		{ duel->allocated }, FRAME_4K, 0, 1, MARK
	};
	struct worker workers[2];
	uint64_t seed = check_seed();

	for (unsigned i = 0; i < 2; i++)
		workers[i] = (struct worker){ .world = world, .cpu = i,
			.steps = duel->steps, .room = duel->frames,
			.seed = check_random(&seed) | 1, .work = take_and_give,
			.wants = duel->wants, .kinds = duel->kinds };
	if (duel->other != NULL) {
		workers[0].work = take_all_and_give;
		workers[1].work = duel->other;
	}
	if (duel->allocated != 0)
		CHECK(frame_pool_alloc_at(&world->pool, 0, allocated.frame,
					  3) == ST_OK);
	run_together(workers, 2);
	if (duel->allocated != 0)
		CHECK(frame_pool_free(&world->pool, 0, &allocated) == ST_OK);
	check_at_the_end(world);
	frame_world_free(world);
}

CASE(frame_threads_always_get_one_of_two_blocks)
{
	fight(&(struct duel){ .shape = { 6, 1 }, .frames = 128, .steps = 100000,
			      .kinds = 1, .wants = {
		{ .size = FRAME_2M, .pages = 64, .owner = 1 } } });
}

/* The frames of one CPU break one giant at most. */
CASE(frame_threads_always_get_one_of_two_giants)
{
	struct duel duel = { .shape = { 6, 2 }, .frames = 512, .steps = 60000,
			     .kinds = 3, .wants = {
		{ .size = FRAME_1G, .pages = 256, .owner = 1 },
		{ .size = FRAME_2M, .pages = 64, .owner = 1 },
		{ .size = FRAME_4K, .pages = 1, .owner = 1 } } };

	fight(&duel);
	duel.shape.giant_shift = 7;
	duel.frames = 16384;
	duel.wants[0].pages = 8192;
	duel.steps = 1000;
	fight(&duel);
}

/* A frame between them is allocated, so that no run is in both. */
CASE(frame_threads_always_get_one_of_two_runs)
{
	fight(&(struct duel){
		.shape = { 7, 1 },
		.frames = 256,
		.allocated = 128,
		.steps = 40000,
		.kinds = 3,
		.wants = { { .size = FRAME_RUN, .pages = 100, .owner = 1 },
			   { .size = FRAME_RUN, .pages = 127, .owner = 1 },
			   { .size = FRAME_4K, .pages = 1, .owner = 1 } } });
	fight(&(struct duel){
		.shape = { 6, 2 },
		.frames = 512,
		.allocated = 256,
		.steps = 40000,
		.kinds = 3,
		.wants = { { .size = FRAME_RUN, .pages = 150, .owner = 1 },
			   { .size = FRAME_2M, .pages = 64, .owner = 1 },
			   { .size = FRAME_4K, .pages = 1, .owner = 1 } } });
}

/* A run that cannot be had hides nothing while it is tried. */
CASE(frame_threads_get_what_a_run_did_not)
{
	fight(&(struct duel){ .shape = { 6, 2 }, .frames = 256,
			      .steps = 60000, .other = take_two_and_give,
			      .kinds = 1, .wants = {
		{ .size = FRAME_RUN, .pages = 256, .owner = 1 } } });
}
