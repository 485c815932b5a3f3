// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Every loop of mm/frame ends, also when another CPU stands still for ever in
 * the middle of a step. An interrupt handler may have interrupted that CPU, so
 * the handler waits for no CPU.
 */
#include <tests/explorer/include/base/atomic_builtin.h>

#include <base/assert.h>
#include <base/atomic.h>

/* Each round of a loop that waits pauses once: not more often than `most`. */
static unsigned pauses, most;

static void count_pause(void)
{
	ASSERT(++pauses <= most);
}

#undef atomic_pause
#define atomic_pause() count_pause()

#include "explored_cache.h"
#include "explored_scene.h"

#include "check.h"
#include "fake_cpu.h"

#define CPUS	3
#define STUCK	0		/* the CPU that stands still                 */
#define OTHER	1
#define POOLS	2

static struct scene scenes[POOLS];
static struct frame_pool *pools[POOLS] = { &scenes[0].pool, &scenes[1].pool };
static const uint8_t order[] = { 0, 1, 1, 0 };
static const uint16_t first[] = { 0, 1, 2 };
static struct frame_nodes nodes = {
	.pool = pools, .pools = POOLS, .count = POOLS,
	.first = first, .order = order,
};

static const struct frame_request requests[] = {
	{ .size = FRAME_4K, .owner = 1 },
	{ .size = FRAME_2M, .owner = 1 },
	{ .size = FRAME_1G, .owner = 1 },
	{ .size = FRAME_RUN, .pages = 2, .owner = 1 },
	{ .size = FRAME_4K, .limit = FRAME_BELOW_4G, .owner = 1 },
	{ .size = FRAME_2M, .limit = FRAME_BELOW_4G, .owner = 1 },
	{ .size = FRAME_4K, .limit = FRAME_BELOW_1M, .owner = 1 },
};
#define REQUESTS (sizeof(requests) / sizeof(*requests))

/* All is allocated, as one giant. */
static void set_up_pool(unsigned i)
{
	struct scene *at = &scenes[i];
	struct frame_pool_request request = pool_of(at, i * FRAMES);
	struct frame_request giant = { .size = FRAME_1G, .owner = 1 };
	pfn_t frame;

	CHECK(explored_frame_pool_init(&at->pool, &request) == ST_OK);
	CHECK(explored_frame_pool_add(&at->pool, 0, (struct frame_run){
		{ i * FRAMES }, FRAMES }) == ST_OK);
	CHECK(explored_frame_pool_alloc(&at->pool, 0, &giant, &frame) ==
	      ST_OK);
}

/*
 * It took the last giant of each pool, and is about to clear the bit in
 * `root`: no search finds what the bit promises.
 */
static void set_up(void)
{
	for (unsigned i = 0; i < POOLS; i++) {
		set_up_pool(i);
		frame_enter(pools[i], frame_task_slot(STUCK));
		pools[i]->root.plain |= 1UL << ROOT_GIANTS;
	}
}

/* At most so many rounds; returns the call's status. */
static enum status alloc_bounded(cpu_slot slot, unsigned request,
				 unsigned rounds)
{
	pfn_t frame;

	pauses = 0;
	most = rounds;
	return explored_frame_pool_alloc(pools[0], slot, &requests[request],
					 &frame);
}

CASE(frame_bound_of_a_handler_that_interrupted_a_move)
{
	set_up();
	for (unsigned i = 0; i < REQUESTS; i++)
		CHECK(alloc_bounded(frame_interrupt_slot(STUCK), i,
				    INTERRUPT_TRIES) == ST_NO_MEMORY);
}

/* Where `root` has nothing, it need not try again. */
CASE(frame_bound_of_a_handler_without_memory_is_none)
{
	set_up();
	pools[0]->root.plain = 0;
	for (unsigned i = 0; i < 3; i++)
		CHECK(alloc_bounded(frame_interrupt_slot(STUCK), i, 0) ==
		      ST_NO_MEMORY);
}

CASE(frame_bound_of_a_task_is_no_refusal)
{
	set_up();
	for (unsigned i = 0; i < REQUESTS; i++)
		CHECK(alloc_bounded(frame_task_slot(OTHER), i,
				    SEARCH_TRIES) == ST_CONFLICT);
}

/* Over the pools once, not again and again. */
CASE(frame_bound_of_a_handler_over_nodes)
{
	pfn_t frame;

	set_up();
	for (unsigned i = 0; i < REQUESTS; i++) {
		pauses = 0;
		most = POOLS * INTERRUPT_TRIES;
		CHECK(explored_frame_alloc(&nodes, frame_interrupt_slot(STUCK),
					   &requests[i], &frame) ==
		      ST_NO_MEMORY);
	}
}

CASE(frame_bound_of_a_task_over_nodes_is_no_refusal)
{
	pfn_t frame;

	set_up();
	for (unsigned i = 0; i < REQUESTS; i++) {
		pauses = 0;
		most = SEARCH_TRIES * (1 + POOLS * SEARCH_TRIES);
		CHECK(explored_frame_alloc(&nodes, frame_task_slot(OTHER),
					   &requests[i], &frame) ==
		      ST_CONFLICT);
	}
}

/* All words of a block are ones, but its merge is still to come. */
CASE(frame_bound_of_a_run_that_no_claim_gets)
{
	struct frame_request run = { .size = FRAME_RUN, .pages = BLOCK,
				     .owner = 1 };
	pfn_t frame = { 0 };

	set_up_pool(0);
	CHECK(explored_frame_pool_free(pools[0], 0, &(struct frame_return){
		.frame = frame, .size = FRAME_1G }) == ST_OK);
	CHECK(explored_frame_split_giant(pools[0], 0, 0));
	CHECK(explored_frame_split_block(pools[0], 0, 0));
	CHECK(explored_frame_split_block(pools[0], 0, 1));
	pauses = 0;
	most = (1 + FRAME_RUN_TRIES) * (1 + FRAME_ZONES * SEARCH_TRIES);
	CHECK(explored_frame_pool_alloc(pools[0], frame_task_slot(OTHER), &run,
					&frame) == ST_CONFLICT);
}

/* --- caches ----------------------------------------------------------------*/

static struct frame_cache caches[2 * CPUS];
static struct frame_cache_set set = {
	.pool = &scenes[0].pool, .caches = caches, .cpus = CPUS,
};

static struct frame_cache *cache_of(unsigned cpu, enum cpu_context context,
				    unsigned rounds)
{
	pauses = 0;
	most = rounds;
	fake_cpu_become(cpu, context);
	return explored_cache_current(&set);
}

CASE(frame_bound_of_a_cache_in_a_handler)
{
	struct frame_cache *cache;
	pfn_t frame;

	set_up();
	explored_cache_set_init(&set);
	cache = cache_of(STUCK, CPU_INTERRUPT, INTERRUPT_TRIES);
	CHECK(explored_cache_alloc(cache, 1, &frame) == ST_NO_MEMORY);
	cache = cache_of(STUCK, CPU_INTERRUPT, INTERRUPT_TRIES);
	CHECK(explored_cache_alloc_block(cache, 1, &frame) == ST_NO_MEMORY);
}

CASE(frame_bound_of_a_cache_in_a_task_is_no_refusal)
{
	struct frame_cache *cache;
	pfn_t frame;

	set_up();
	explored_cache_set_init(&set);
	cache = cache_of(OTHER, CPU_TASK, SEARCH_TRIES);
	CHECK(explored_cache_alloc(cache, 1, &frame) == ST_CONFLICT);
	cache = cache_of(OTHER, CPU_TASK, SEARCH_TRIES);
	CHECK(explored_cache_alloc_block(cache, 1, &frame) == ST_CONFLICT);
}

/* Each bit of `root` from which a size can be made forbids its refusal. */
CASE(frame_bound_ends_in_a_refusal_only_without_a_bit)
{
	static const unsigned bits[] = { ROOT_SPLIT, ROOT_BLOCKS, ROOT_GIANTS };
	static const uint8_t wanted[] = { 7, 6, 4 };

	set_up_pool(0);
	explored_cache_set_init(&set);
	for (unsigned size = 0; size < 3; size++)
		for (unsigned i = 0; i < 3; i++) {
			enum status want = wanted[size] >> i & 1 ?
						   ST_CONFLICT : ST_NO_MEMORY;
			struct frame_cache *cache;
			pfn_t frame;

			pools[0]->root.plain = 1UL << bits[i];
			CHECK(alloc_bounded(frame_task_slot(OTHER), size,
					    SEARCH_TRIES) == want);
			cache = cache_of(OTHER, CPU_TASK, SEARCH_TRIES);
			if (size == FRAME_4K)
				CHECK(explored_cache_alloc(
					cache, 1, &frame) == want);
			if (size == FRAME_2M)
				CHECK(explored_cache_alloc_block(
					cache, 1, &frame) == want);
		}
}
