// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * bench: the cost of an operation; stress: all CPUs at once, checked.
 *
 * A pair is a frame allocated and freed. Ticks are those of the TSC; an
 * emulator can make it count instructions. A `floor` is a loop around two
 * functions that only return ST_OK, two instructions each: the cost above it
 * is the allocator's. Each pattern has a floor of its own; that of bulk is the
 * one of bursts. Each measurement follows one that is not counted, so that the
 * caches are warm.
 */
#include "command.h"

#include <base/bits.h>
#include <base/string.h>

#include <kernel/arch/window.h>
#include <kernel/lib/number.h>
#include <kernel/log/log.h>
#include <kernel/memory/frames.h>
#include <kernel/memory/pages.h>

#include "stress_frames.h"

#define OWNER_OF_BENCH	OWNER_USER_ANON
#define BURST		64
#define BURST_ROUNDS	256
#define REPEATS		16384
#define BULK		4096
/* Of 2 MiB: so many are free on the smallest machine, too. */
#define BLOCKS		16
#define MANY		512
#define SECONDS_MOST	3600	/* and in the text of a refusal */

struct scene {
	struct frame_cache *cache;
	bool failed;			/* an allocation was refused         */
	uint64_t random;
	pfn_t *frames;			/* room for BULK                     */
};

/* bench_floor.S */
enum status bench_take_nothing(struct frame_cache *cache, uint8_t owner,
			       pfn_t *out);
enum status bench_give_nothing(struct frame_cache *cache, pfn_t frame,
			       const void *caller);
uint64_t bench_read_tsc(void);

/* --- patterns --------------------------------------------------------------*/

typedef enum status take_function(struct frame_cache *cache, uint8_t owner,
				  pfn_t *out);
typedef enum status give_function(struct frame_cache *cache, pfn_t frame,
				  const void *caller);

/* Inlined for each pair of functions, so that the calls are direct. */
#define PATTERN static inline __attribute__((always_inline))

/* Returns the number of frames allocated; fewer than asked is a failure. */
PATTERN unsigned take_many(struct scene *scene, take_function *take,
			   unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (take(scene->cache, OWNER_OF_BENCH, &scene->frames[i]) ==
		    ST_OK)
			continue;
		scene->failed = true;
		return i;
	}
	return count;
}

PATTERN void give_many(struct scene *scene, give_function *give, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (give(scene->cache, scene->frames[i], NULL) != ST_OK)
			scene->failed = true;
}

PATTERN uint64_t in_bursts(struct scene *scene, take_function *take,
			   give_function *give)
{
	for (unsigned round = 0; round < BURST_ROUNDS && !scene->failed;
	     round++)
		give_many(scene, give, take_many(scene, take, BURST));
	return BURST_ROUNDS * BURST;
}

PATTERN uint64_t again_and_again(struct scene *scene, take_function *take,
				 give_function *give)
{
	for (unsigned i = 0; i < REPEATS && !scene->failed; i++)
		give_many(scene, give, take_many(scene, take, 1));
	return REPEATS;
}

PATTERN uint64_t in_bulk(struct scene *scene, take_function *take,
			 give_function *give, unsigned count)
{
	for (unsigned i = 0; i < REPEATS / count && !scene->failed; i++)
		give_many(scene, give, take_many(scene, take, count));
	return REPEATS;
}

/* One of `count` that are held, at random, is freed and another allocated. */
PATTERN uint64_t at_random(struct scene *scene, take_function *take,
			   give_function *give, unsigned count)
{
	unsigned held = take_many(scene, take, count);

	for (unsigned i = 0; i < REPEATS && !scene->failed; i++) {
		pfn_t *one;

		scene->random = scene->random * 6364136223846793005UL +
				1442695040888963407UL;
		one = &scene->frames[(scene->random >> 33) % count];
		if (give(scene->cache, *one, NULL) == ST_OK &&
		    take(scene->cache, OWNER_OF_BENCH, one) == ST_OK)
			continue;
		scene->failed = true;
		*one = scene->frames[--held];
	}
	give_many(scene, give, held);
	return REPEATS + count;
}

/* --- workloads -------------------------------------------------------------*/

static uint64_t run_floor(struct scene *scene)
{
	return in_bursts(scene, bench_take_nothing, bench_give_nothing);
}

static uint64_t run_floor_repeat(struct scene *scene)
{
	return again_and_again(scene, bench_take_nothing, bench_give_nothing);
}

static uint64_t run_floor_random(struct scene *scene)
{
	return at_random(scene, bench_take_nothing, bench_give_nothing, BULK);
}

static uint64_t run_floor_random_2m(struct scene *scene)
{
	return at_random(scene, bench_take_nothing, bench_give_nothing, BLOCKS);
}

static uint64_t run_burst(struct scene *scene)
{
	return in_bursts(scene, frame_cache_alloc, frame_cache_free);
}

static uint64_t run_repeat(struct scene *scene)
{
	return again_and_again(scene, frame_cache_alloc, frame_cache_free);
}

static uint64_t run_bulk(struct scene *scene)
{
	return in_bulk(scene, frame_cache_alloc, frame_cache_free, BULK);
}

static uint64_t run_random(struct scene *scene)
{
	return at_random(scene, frame_cache_alloc, frame_cache_free, BULK);
}

static uint64_t run_repeat_2m(struct scene *scene)
{
	return again_and_again(scene, frame_cache_alloc_block,
			       frame_cache_free_block);
}

/* --- workloads of the public calls -----------------------------------------*/

static enum status request_4k(struct frame_cache *cache, uint8_t owner,
			      pfn_t *out)
{
	(void)cache;
	return frames_alloc(&(struct frame_request){
		.size = FRAME_4K,
		.node = FRAMES_HOME,
		.owner = owner,
	}, out);
}

static enum status return_4k(struct frame_cache *cache, pfn_t frame,
			     const void *caller)
{
	(void)cache;
	return frames_free(&(struct frame_return){
		.frame = frame,
		.size = FRAME_4K,
		.caller = caller,
	});
}

static enum status request_2m(struct frame_cache *cache, uint8_t owner,
			      pfn_t *out)
{
	(void)cache;
	return frames_alloc(&(struct frame_request){
		.size = FRAME_2M,
		.node = FRAMES_HOME,
		.owner = owner,
	}, out);
}

static enum status return_2m(struct frame_cache *cache, pfn_t frame,
			     const void *caller)
{
	(void)cache;
	return frames_free(&(struct frame_return){
		.frame = frame,
		.size = FRAME_2M,
		.caller = caller,
	});
}

static uint64_t run_requests(struct scene *scene)
{
	return in_bursts(scene, request_4k, return_4k);
}

static uint64_t run_request_repeat(struct scene *scene)
{
	return again_and_again(scene, request_4k, return_4k);
}

static uint64_t run_request_bulk(struct scene *scene)
{
	return in_bulk(scene, request_4k, return_4k, BULK);
}

static uint64_t run_request_random(struct scene *scene)
{
	return at_random(scene, request_4k, return_4k, BULK);
}

static uint64_t run_request_repeat_2m(struct scene *scene)
{
	return again_and_again(scene, request_2m, return_2m);
}

static uint64_t run_request_bulk_2m(struct scene *scene)
{
	return in_bulk(scene, request_2m, return_2m, BLOCKS);
}

static uint64_t run_request_random_2m(struct scene *scene)
{
	return at_random(scene, request_2m, return_2m, BLOCKS);
}

/* A pair is a frame, as everywhere. */
static uint64_t run_request_many(struct scene *scene)
{
	const struct frame_request request = {
		.size = FRAME_4K,
		.node = FRAMES_HOME,
		.owner = OWNER_OF_BENCH,
	};
	const struct frame_many_return back = {
		.frames = scene->frames,
		.count = MANY,
		.owner = OWNER_OF_BENCH,
	};
	const struct frame_array all = { scene->frames, MANY };

	for (unsigned i = 0; i < REPEATS / MANY && !scene->failed; i++)
		if (frames_alloc_many(&request, all) != ST_OK ||
		    frames_free_many(&back) != ST_OK)
			scene->failed = true;
	return REPEATS;
}

static uint64_t run_zeroed(struct scene *scene)
{
	struct frame_request request = {
		.size = FRAME_4K,
		.contents = FRAME_ZEROED,
		.node = FRAMES_HOME,
		.owner = OWNER_OF_BENCH,
	};

	for (unsigned i = 0; i < BURST; i++) {
		if (frames_alloc(&request, scene->frames) == ST_OK)
			give_many(scene, frame_cache_free, 1);
		else
			scene->failed = true;
	}
	return BURST;
}

static const struct workload {
	const char *name;
	/* Returns the number of pairs. */
	uint64_t (*run)(struct scene *scene);
} workloads[] = {
	{ "floor", run_floor },
	{ "floor_repeat", run_floor_repeat },
	{ "floor_random", run_floor_random },
	{ "floor_random_2m", run_floor_random_2m },
	{ "burst_4k", run_burst },
	{ "repeat_4k", run_repeat },
	{ "bulk_4k", run_bulk },
	{ "random_4k", run_random },
	{ "repeat_2m", run_repeat_2m },
	{ "request_4k", run_requests },
	{ "request_repeat_4k", run_request_repeat },
	{ "request_bulk_4k", run_request_bulk },
	{ "request_random_4k", run_request_random },
	{ "request_repeat_2m", run_request_repeat_2m },
	{ "request_bulk_2m", run_request_bulk_2m },
	{ "request_random_2m", run_request_random_2m },
	{ "request_many_4k", run_request_many },
	{ "zeroed_4k", run_zeroed },
};

/* --- bench -----------------------------------------------------------------*/

static void measure(const struct command_call *call, struct scene *scene,
		    const struct workload *workload)
{
	const char *format = call->records ?
		"@bench name=%s operations=%lu tsc_ticks=%lu\n" :
		"%-17s %7lu pairs  %10lu ticks  %6lu.%02lu each\n";
	uint64_t pairs = workload->run(scene);
	uint64_t ticks = bench_read_tsc();

	if (!scene->failed)
		pairs = workload->run(scene);
	ticks = bench_read_tsc() - ticks;
	/* An unfinished run has no meaningful time. */
	if (scene->failed) {
		log_line(LOG_ERROR, "bench: a frame was refused name=%s",
			 workload->name);
		return;
	}
	sink_print(call->out, format, workload->name, pairs, ticks,
		   ticks / pairs, ticks % pairs * 100 / pairs);
}

static enum status bench_frames(const struct command_call *call)
{
	struct frame_run run = { .frames = BULK * sizeof(pfn_t) / PAGE_SIZE };
	struct scene scene = { .cache = frames_cache(), .random = 1 };
	enum status status = pages_alloc(&run, OWNER_VMEM);

	if (status != ST_OK)
		return status;
	scene.frames = pfn_to_pointer(run.first);
	for (size_t i = 0; i < ARRAY_LENGTH(workloads) && !scene.failed; i++)
		measure(call, &scene, &workloads[i]);
	pages_free(run, OWNER_VMEM);
	return scene.failed ? ST_NO_MEMORY : ST_OK;
}

enum status command_bench(const struct command_call *call)
{
	if (call->count == 2 && strcmp(call->words[1], "frames") == 0)
		return bench_frames(call);
	return command_refuse_at(call, 1);
}

/* --- stress ----------------------------------------------------------------*/

static void print_result(const struct command_call *call, uint64_t seconds,
			 const struct stress_result *result)
{
	const char *format = call->records ?
		"@stress cpus=%u seconds=%lu operations=%lu refused=%lu "
		"wrong=%lu in_handlers=%lu exchanged=%lu rounds=%lu "
		"winners=%lu elapsed_ms=%lu cancelled=%s\n" :
		"CPUs %u, seconds %lu, operations %lu, refused %lu, wrong %lu\n"
		"%lu in interrupt handlers, %lu exchanged\n"
		"%lu races for the last frame, %lu winners\n"
		"%lu ms in all%s\n";
	const char *end = result->cancelled ? ", ended by Ctrl-C" : "";

	if (call->records)
		end = result->cancelled ? "1" : "0";
	sink_print(call->out, format, result->cpus, seconds,
		   result->operations, result->refused, result->wrong,
		   result->in_handlers, result->exchanged, result->rounds,
		   result->winners, result->elapsed_us / 1000, end);
}

enum status command_stress(const struct command_call *call)
{
	struct stress_result result;
	uint64_t seconds;
	enum status status;

	if (call->count == 1 || strcmp(call->words[1], "frames") != 0)
		return command_refuse_at(call, 1);
	if (call->count == 2)
		return command_refuse_at(call, 2);
	if (number_from_decimal(call->words[2], &seconds) != ST_OK ||
	    seconds == 0 || seconds > SECONDS_MOST)
		return command_refuse(call, "seconds from 1 to 3600 are wanted",
				      call->words[2]);
	status = stress_frames(seconds, &result);
	if (status != ST_OK)
		return status;
	print_result(call, seconds, &result);
	return result.wrong == 0 ? ST_OK : ST_CORRUPT;
}
