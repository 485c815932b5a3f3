// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame: mistakes of its own callers and of itself that stop it at once. */
#include "frame_audit_scene.h"

#include <mm/frame/cache.h>

static void alloc_a_block(struct scene *at)
{
	struct frame_request request = { .size = FRAME_2M, .owner = 1 };
	pfn_t frame;

	(void)!frame_pool_alloc(at->pool, 0, &request, &frame);
}

/* A step that begins twice, or ends twice, would look like none (F8). */
CASE(frame_steps_begin_at_rest_and_end_once)
{
	struct scene at = scene_new();
	struct frame_activity *activity = &at.pool->activity[0];
	struct frame_word word = { 0, 1 };

	activity->moving.plain++;
	CHECK_ASSERTS(alloc_a_block(&at));
	CHECK_ASSERTS(frame_enter(at.pool, 0));
	activity->moving.plain++;
	CHECK_ASSERTS(frame_leave(at.pool, 0));
	activity->claiming.plain++;
	CHECK_ASSERTS(frame_begin_claim(at.pool, 0));
	activity->claiming.plain++;
	CHECK_ASSERTS(frame_end_claim(at.pool, 0));
	activity->frees.plain++;
	CHECK_ASSERTS(frame_return_word(at.pool, 0, 0, 1));
	CHECK_ASSERTS(frame_return_words(at.pool, 0, &word, 1));
	CHECK_ASSERTS(frame_return_blocks(at.pool, 0, 0, 1));
	CHECK_ASSERTS(frame_return_giants(at.pool, 0, 0, 1));
	activity->frees.plain++;
	CHECK(finds_nothing(&at));
	frame_world_free(at.world);
}

CASE(frame_refuses_requests_of_its_own_that_make_no_sense)
{
	struct scene at = scene_new();
	struct frame_claim claim = { .most = 0, .block = BLOCK_NONE };
	struct frame_cache *cache = at.cache[0];
	uint32_t blocks = cache->block_limit;

	CHECK_ASSERTS(frame_claim_word(at.pool, 0, &claim));
	CHECK_ASSERTS(frame_claim_blocks(at.pool, 0, &claim));
	claim.most = FRAME_WORD_BITS + 1;
	CHECK_ASSERTS(frame_claim_word(at.pool, 0, &claim));
	CHECK_ASSERTS(frame_claim_blocks(at.pool, 0, &claim));
	claim.most = 1;
	claim.limit = FRAME_BELOW_1M + 1;
	CHECK_ASSERTS(frame_claim_word(at.pool, 0, &claim));
	CHECK_ASSERTS(frame_nothing_left(at.pool, 0, 0));
	CHECK_ASSERTS(frame_nothing_left(at.pool, 4, 1));
	CHECK_ASSERTS(frame_return_blocks(at.pool, 0, 0, 0));
	CHECK_ASSERTS(frame_return_giants(at.pool, 0, 0, 0));
	CHECK_ASSERTS(frame_tree_list(at.pool, &at.pool->giants,
				      at.pool->giants.size));
	/* A word that a refill would overwrite, blocks beyond the limit. */
	CHECK(cache->word != 0);
	while (cache->list[FRAME_HOT].end != cache->list[FRAME_HOT].words)
		cache->list[FRAME_HOT].end--;
	CHECK_ASSERTS(frame_cache_refill(cache));
	cache->block_limit = 0;
	CHECK_ASSERTS(frame_cache_drain(cache));
	cache->block_limit = blocks;
	frame_world_free(at.world);
}
