/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * wide_scene.h - a pool of explored_frame.h whose trees may have two levels.
 *
 * Where one word is all of a tree, a search reads that word and finds what is
 * free although no bit above says so: there a step that announces nothing
 * does no harm. So a pool of WIDE_RUN has 65 giants of two blocks of one word.
 */
#ifndef TESTS_WIDE_SCENE_H
#define TESTS_WIDE_SCENE_H

#include "explored_frame.h"

/* After it: that one gives other names to what the headers declare. */
#include <mm/frame_audit.h>

#include "check.h"
#include "explorer.h"

#define WIDE_GIANTS 65
#define WIDE_BLOCK 64
#define WIDE_GIANT 128
#define WIDE_BLOCKS (2 * WIDE_GIANTS)
#define WIDE_FRAMES (WIDE_GIANTS * WIDE_GIANT)
#define WIDE_LINE 64
/* All of them; 4 GiB is below the last giant, the only one in its word. */
#define WIDE_FIRST ((1UL << 20) - 64 * WIDE_GIANT)
#define WIDE_RUN ((struct frame_run){ { WIDE_FIRST }, WIDE_FRAMES })

struct wide {
	struct frame_pool pool;
	atomic_u64 bits[WIDE_FRAMES / 64];
	atomic_u16 hints[WIDE_BLOCKS + WIDE_LINE];
	/* The audit reads eight of them at once. */
	_Alignas(8) atomic_u8 frame_owner[WIDE_FRAMES];
	atomic_u8 block_owner[WIDE_BLOCKS + WIDE_LINE];
	atomic_u8 giant_owner[2 * WIDE_GIANTS + WIDE_LINE];
	atomic_u64 trees[64];
	struct frame_activity activity[2 * EXPLORE_CPUS];
	/* The results of the CPUs' calls, and one CPU's message to others. */
	enum status status[EXPLORE_CPUS];
	pfn_t got[EXPLORE_CPUS];
	atomic_u32 done;
};

static struct wide wide;

static inline void wide_init_shape(struct frame_run run,
				   struct frame_shape shape)
{
	struct frame_pool_request request = {
		.first = run.first, .frames = run.frames, .shape = shape,
		.slots = 2 * EXPLORE_CPUS, .bits = wide.bits,
		.hints = wide.hints, .frame_owner = wide.frame_owner,
		.block_owner = wide.block_owner,
		.giant_owner = wide.giant_owner, .trees = wide.trees,
		.activity = wide.activity,
	};
	struct frame_request giant = { .size = FRAME_1G, .owner = 1 };
	struct frame_pool_sizes sizes;
	pfn_t frame;

	/* Memory that was never split holds junk. */
	memset(&wide, 0x5b, sizeof(wide));
	wide.done.plain = 0;
	if (explored_frame_pool_measure(&request, &sizes) != ST_OK ||
	    sizes.hints > sizeof(wide.hints) ||
	    sizes.giant_owner > sizeof(wide.giant_owner) ||
	    sizes.trees > sizeof(wide.trees) ||
	    explored_frame_pool_init(&wide.pool, &request) != ST_OK ||
	    explored_frame_pool_add(&wide.pool, 0, run) != ST_OK)
		abort();
	for (uint64_t i = 0; i < run.frames / giant_frames(shape);
	     i++)
		if (explored_frame_pool_alloc(&wide.pool, 0, &giant, &frame) !=
		    ST_OK)
			abort();
}

/* These frames, at most WIDE_FRAMES, in a pool; allocated, as giants. */
static inline void wide_init(struct frame_run run)
{
	wide_init_shape(run, (struct frame_shape){ 6, 1 });
}

static inline uint64_t wide_frame(uint64_t block)
{
	return wide.pool.first + block * WIDE_BLOCK;
}

/* --- of this CPU -----------------------------------------------------------*/

static inline cpu_slot wide_slot(void)
{
	return explore_cpu() < EXPLORE_CPUS ? 2 * explore_cpu() : 0;
}

static inline void wide_alloc(struct frame_request request)
{
	cpu_slot slot = wide_slot();

	request.owner = 1;
	wide.status[slot / 2] = explored_frame_pool_alloc(
		&wide.pool, slot, &request, &wide.got[slot / 2]);
}

static inline void wide_free(uint64_t frame, enum frame_size size)
{
	struct frame_return what = { .frame = { frame }, .size = size };

	EXPLORE_CHECK(explored_frame_pool_free(&wide.pool, wide_slot(),
					       &what) == ST_OK);
}

/* As a refill: of a frame that is free, and without an announcement. */
static inline bool wide_claim_frame(uint64_t frame)
{
	uint64_t at = frame - wide.pool.first;
	bool won = claim_bit(&wide.pool, at);

	if (won)
		wide.frame_owner[at].plain = 1;
	return won;
}

/* --- to set up -------------------------------------------------------------*/

static inline void wide_must_alloc(enum frame_size size, uint64_t frame)
{
	wide_alloc((struct frame_request){ .size = size });
	if (wide.status[0] != ST_OK || wide.got[0].raw != frame)
		abort();
}

/* The two blocks of this giant are allocated one by one. */
static inline void wide_break_giant(uint64_t giant)
{
	uint64_t first = wide_frame(2 * giant);

	wide_free(first, FRAME_1G);
	wide_must_alloc(FRAME_2M, first + WIDE_BLOCK);
	wide_must_alloc(FRAME_2M, first);
}

/* The frames of this block, of a giant that is broken, one by one. */
static inline void wide_break_block(uint64_t block)
{
	uint64_t first = wide_frame(block);

	wide_free(first, FRAME_2M);
	for (uint64_t i = 0; i < WIDE_BLOCK; i++)
		wide_must_alloc(FRAME_4K, first + i);
}

/* `make` is called once: each schedule begins with a copy. */
static inline void wide_set_up(struct wide *copy, void (*make)(void))
{
	if (copy->pool.slots == 0) {
		make();
		*copy = wide;
	}
	wide = *copy;
}
#define WIDE_SET_UP(name, make)						\
	static void name(void *context)					\
	{								\
		static struct wide copy;				\
									\
		(void)context;						\
		wide_set_up(&copy, make);				\
	}

/* --- to check --------------------------------------------------------------*/

static inline bool wide_has_free(uint64_t want)
{
	struct frame_stats stats;

	frame_pool_stats(&wide.pool, &stats);
	return stats.free_frames == want && frame_pool_audit(&wide.pool);
}

#endif
