// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Real threads on one pool with caches. The thread that holds a frame stamps
 * it on both ends, so a frame that is allocated twice is seen at once. All
 * free frames must be reachable from the root before any drain.
 */
#include "check.h"
#include "fake_cpu.h"
#include "frame_world.h"

#include <pthread.h>
#include <stdatomic.h>

#define MARK ((const void *)0x77)
#define FRAMES 8192		/* caches keep nothing: too few for that      */
#define MANY 262144		/* they keep words and blocks              */
#define THREADS 3
#define HOLD 3000

static atomic_uint stamps[MANY];

struct worker {
	struct frame_world *world;
	unsigned cpu, steps, bad;
	uint64_t seed, held;
};

static void stamp(struct worker *worker, uint64_t first, uint64_t length,
		  unsigned from, unsigned to)
{
	for (uint64_t i = first; i < first + length; i++) {
		unsigned expected = from;

		if (!atomic_compare_exchange_strong(&stamps[i], &expected, to))
			worker->bad++;
	}
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct frame_world *world = worker->world;
	static _Thread_local uint32_t frames[HOLD];
	static _Thread_local enum frame_size sizes[HOLD];
	unsigned count = 0, me = worker->cpu + 1;
	struct frame_cache *cache;

	fake_cpu_become(worker->cpu, CPU_TASK);
	cache = frame_cache_current(&world->set);
	for (unsigned i = 0; i < worker->steps || count > 0; i++) {
		uint64_t roll = check_random(&worker->seed);
		bool large = roll % 64 == 0;
		pfn_t frame;

		if (i < worker->steps && count < HOLD && (roll >> 8) % 100 <
		    (i / 4096 % 2 ? 70U : 30U)) {
			enum status status = large ?
				frame_cache_alloc_block(cache, 1, &frame) :
				frame_cache_alloc(cache, 1, &frame);

			if (status != ST_OK)
				continue;
			stamp(worker, frame.raw, large ? 128 : 1, 0, me);
			frames[count] = (uint32_t)frame.raw;
			sizes[count++] = large ? FRAME_2M : FRAME_4K;
		} else if (count > 0) {
			unsigned which = (unsigned)((roll >> 16) % count);

			large = sizes[which] == FRAME_2M;
			frame.raw = frames[which];
			stamp(worker, frame.raw, large ? 128 : 1, me, 0);
			enum status status = large ?
				frame_cache_free_block(cache, frame, MARK) :
				frame_cache_free(cache, frame, MARK);

			worker->bad += status != ST_OK;
			frames[which] = frames[--count];
			sizes[which] = sizes[count];
		}
		if (roll >> 40 == 0 || i % 997 == 0)
			frame_cache_drain(cache);
	}
	return NULL;
}

static void share(uint64_t frames)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = { 7, 3 },
			.frames = frames, .cpus = THREADS });
	struct worker workers[THREADS];
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ world, i, 60000, 0,
					      check_seed() + 2 * i, 0 };
		if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		CHECK(workers[i].bad == 0);
	}
	CHECK(world->reports == 0);
	CHECK(frame_world_audit(world, frames));
	frame_world_free(world);
}

CASE(frame_threads_never_share_a_frame)
{
	share(FRAMES);
}

CASE(frame_threads_never_share_what_caches_keep)
{
	share(MANY);
}

/* Two for two frames: neither may ever be refused. */
static void *take_and_give(void *argument)
{
	struct worker *worker = argument;
	struct frame_request request = { .owner = 1 };
	cpu_slot slot = frame_task_slot(worker->cpu);

	for (unsigned i = 0; i < worker->steps; i++) {
		enum status status;
		pfn_t frame;

		/* The other thread may be stopped in the middle of a step. */
		do
			status = frame_pool_alloc(&worker->world->pool, slot,
						  &request, &frame);
		while (status == ST_CONFLICT);
		if (status != ST_OK) {
			worker->bad++;
			continue;
		}
		stamp(worker, frame.raw, 1, 0, worker->cpu + 1);
		stamp(worker, frame.raw, 1, worker->cpu + 1, 0);
		if (frame_pool_free(&worker->world->pool, slot,
				    &(struct frame_return){
					    .frame = frame,
					    .caller = MARK }) != ST_OK)
			worker->bad++;
	}
	return NULL;
}

CASE(frame_threads_are_never_refused_what_is_there)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = { 6, 1 },
			.frames = 128, .cpus = 2 });
	struct worker workers[2];
	pthread_t threads[2];

	for (unsigned i = 0; i < 2; i++) {
		workers[i] = (struct worker){ world, i, 60000, 0, 1, 0 };
		if (pthread_create(&threads[i], NULL, take_and_give,
				   &workers[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		CHECK(workers[i].bad == 0);
	}
	CHECK(frame_world_audit(world, 128));
	frame_world_free(world);
}
