// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * bench: what an operation costs. stress: what many at once get wrong.
 *
 * A pair is a frame taken and given back. Ticks are those of the TSC, which
 * an emulator can be told to make instructions of. `floor` is the loop of
 * `burst` around two functions of two instructions each, one to say that all
 * went well and one to return: what is more than that is the allocator's.
 * Each measurement is preceded by one that does not count, so that the caches
 * are as they are in the midst of such work.
 */
#include "command.h"

#include <arch/instructions.h>
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
#define BULK_ROUNDS	4
#define SECONDS_MOST	3600

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

/* --- patterns --------------------------------------------------------------*/

typedef enum status take_function(struct frame_cache *cache, uint8_t owner,
				  pfn_t *out);
typedef enum status give_function(struct frame_cache *cache, pfn_t frame,
				  const void *caller);

/* A loop of its own for each pair of functions, which it calls directly. */
#define PATTERN static inline __attribute__((always_inline))

/* How many it got: all, or it has failed. */
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

/* --- workloads -------------------------------------------------------------*/

static uint64_t run_floor(struct scene *scene)
{
	return in_bursts(scene, bench_take_nothing, bench_give_nothing);
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
	for (unsigned round = 0; round < BULK_ROUNDS && !scene->failed; round++)
		give_many(scene, frame_cache_free,
			  take_many(scene, frame_cache_alloc, BULK));
	return BULK_ROUNDS * BULK;
}

/* One of those in hand, whichever, is given back, and another one taken. */
static uint64_t run_random(struct scene *scene)
{
	unsigned held = take_many(scene, frame_cache_alloc, BULK);

	for (unsigned i = 0; i < REPEATS && !scene->failed; i++) {
		pfn_t *one;

		scene->random = scene->random * 6364136223846793005UL +
				1442695040888963407UL;
		one = &scene->frames[(scene->random >> 33) % BULK];
		if (frame_cache_free(scene->cache, *one, NULL) == ST_OK &&
		    frame_cache_alloc(scene->cache, OWNER_OF_BENCH, one) ==
			    ST_OK)
			continue;
		scene->failed = true;
		*one = scene->frames[--held];
	}
	give_many(scene, frame_cache_free, held);
	return REPEATS + BULK;
}

static uint64_t run_repeat_2m(struct scene *scene)
{
	return again_and_again(scene, frame_cache_alloc_block,
			       frame_cache_free_block);
}

/* The way that takes any request. */
static enum status take_by_request(struct frame_cache *cache, uint8_t owner,
				   pfn_t *out)
{
	(void)cache;
	return frames_alloc(&(struct frame_request){
		.size = FRAME_4K,
		.node = FRAMES_HOME,
		.owner = owner,
	}, out);
}

static enum status give_by_request(struct frame_cache *cache, pfn_t frame,
				   const void *caller)
{
	(void)cache;
	return frames_free(&(struct frame_return){
		.frame = frame,
		.size = FRAME_4K,
		.caller = caller,
	});
}

static uint64_t run_requests(struct scene *scene)
{
	return in_bursts(scene, take_by_request, give_by_request);
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
	/* Pairs that it has done. */
	uint64_t (*run)(struct scene *scene);
} workloads[] = {
	{ "floor", run_floor },
	{ "burst_4k", run_burst },
	{ "repeat_4k", run_repeat },
	{ "bulk_4k", run_bulk },
	{ "random_4k", run_random },
	{ "repeat_2m", run_repeat_2m },
	{ "request_4k", run_requests },
	{ "zeroed_4k", run_zeroed },
};

/* --- bench -----------------------------------------------------------------*/

static void measure(const struct command_call *call, struct scene *scene,
		    const struct workload *workload)
{
	const char *format = call->records ?
		"@bench name=%s operations=%lu tsc_ticks=%lu\n" :
		"%-12s %7lu pairs  %10lu ticks  %6lu.%02lu each\n";
	uint64_t pairs = workload->run(scene);
	uint64_t ticks = read_tsc();

	if (!scene->failed)
		pairs = workload->run(scene);
	ticks = read_tsc() - ticks;
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
	enum status status = pages_alloc(&run, OWNER_BOOT_LIST);

	if (status != ST_OK)
		return status;
	scene.frames = pfn_to_pointer(run.first);
	for (size_t i = 0; i < ARRAY_LENGTH(workloads) && !scene.failed; i++)
		measure(call, &scene, &workloads[i]);
	pages_free(run);
	return scene.failed ? ST_NO_MEMORY : ST_OK;
}

enum status command_bench(const struct command_call *call)
{
	if (call->count == 2 && strcmp(call->words[1], "frames") == 0)
		return bench_frames(call);
	log_line(LOG_ERROR, "bench: usage words=\"bench frames\"");
	return ST_BAD_ARGUMENT;
}

/* --- stress ----------------------------------------------------------------*/

static void print_result(const struct command_call *call, uint64_t seconds,
			 const struct stress_result *result)
{
	const char *format = call->records ?
		"@stress cpus=%u seconds=%lu operations=%lu refused=%lu "
		"wrong=%lu in_handlers=%lu exchanged=%lu rounds=%lu "
		"winners=%lu elapsed_ms=%lu cancelled=%s\n" :
		"%u CPUs, %lu s: %lu operations, %lu refused, %lu wrong\n"
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

	if (call->count != 3 || strcmp(call->words[1], "frames") != 0 ||
	    number_from_decimal(call->words[2], &seconds) != ST_OK ||
	    seconds == 0 || seconds > SECONDS_MOST) {
		log_line(LOG_ERROR, "stress: usage words=\"stress frames "
				    "SECONDS\" seconds=1...%u", SECONDS_MOST);
		return ST_BAD_ARGUMENT;
	}
	status = stress_frames(seconds, &result);
	if (status != ST_OK)
		return status;
	print_result(call, seconds, &result);
	return result.wrong == 0 ? ST_OK : ST_CORRUPT;
}
