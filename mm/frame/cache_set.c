// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The caches in front of a pool: how much each may keep, and which is whose.
 *
 * Limits follow from the frames of a node for each of its CPUs; the constants
 * are in mm/frame_cache.h.
 */
#include <arch/cpu_local.h>

#include "cache.h"
#include "search.h"

/* The frames of the node for each of its CPUs. */
static uint64_t frames_per_cpu(const struct frame_cache_set *set)
{
	uint64_t there = set->frames != 0 ? set->frames : set->pool->frames;

	return there / set->cpus;
}

/* Entries of a list that has room for `most`. */
static uint64_t list_limit(const struct frame_cache_set *set, uint64_t most)
{
	uint64_t entries = frames_per_cpu(set) / FRAME_LIST_SHARE;

	return max_u64(FRAME_LIST_MIN, min_u64(entries, most));
}

static uint64_t block_limit(const struct frame_cache_set *set)
{
	uint64_t blocks = frames_per_cpu(set) >> set->pool->shape.block_shift;

	if (blocks < FRAME_BLOCKS_PER_CPU)
		return 0;
	return max_u64(FRAME_BLOCKS_MIN,
		       min_u64(blocks / FRAME_BLOCK_SHARE, FRAME_BLOCKS_MAX));
}

static void init_cache(struct frame_cache_set *set, cpu_slot slot)
{
	struct frame_pool *pool = set->pool;
	struct frame_cache *cache = &set->caches[slot];
	uint64_t hot = list_limit(set, FRAME_HOT_MAX);
	uint64_t cold = list_limit(set, FRAME_COLD_MAX);

	ASSERT(hot <= FRAME_HOT_MAX && cold <= FRAME_COLD_MAX);	/* C3 */
	*cache = (struct frame_cache){
		.word_first = NO_WORD,
		.word_back = NO_WORD,
		.owner = pool->frame_owner,
		.last = &cache->none,
		.base = pool->first,
		.frames = pool->frames,
		.hints = pool->hints,
		.block_owner = pool->block_owner,
		.list[FRAME_HOT] = { cache->hot, cache->hot,
				      cache->hot + hot },
		.list[FRAME_COLD] = { cache->cold, cache->cold,
					 cache->cold + cold },
		.block_shift = pool->shape.block_shift,
		.block_limit = (uint32_t)block_limit(set),
		.block = BLOCK_NONE,
		.pool = pool,
		.set = set,
		.slot = slot,
		.none.first = NO_WORD,
	};
}

void frame_cache_init(struct frame_cache_set *set, cpu_slot slot)
{
	ASSERT(slot < set->pool->slots);
	init_cache(set, slot);
}

void frame_cache_set_init(struct frame_cache_set *set)
{
	for (unsigned slot = 0; slot < 2 * set->cpus; slot++)
		frame_cache_init(set, slot);
}

struct frame_cache *frame_cache_of_nmi(void)
{
	/* Constant, and so harmless to share: every call is refused. */
	static const struct frame_cache refuses = {
		.word_first = NO_WORD,
		.word_back = NO_WORD,
		.last = (struct frame_word *)&refuses.none,
		.none.first = NO_WORD,
	};

	return (struct frame_cache *)&refuses;
}

struct frame_cache *frame_cache_current(struct frame_cache_set *set)
{
	enum cpu_context context = cpu_local_context();

	if (context == CPU_NMI)
		return frame_cache_of_nmi();
	return &set->caches[2 * cpu_local_id() + context];
}
