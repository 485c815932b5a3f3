// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/audit_caches.c: damage that is planted in caches in use. */
#include "frame_audit_scene.h"

CASE(frame_audit_finds_nothing_whatever_the_window)
{
	struct scene at = scene_new();
	struct frame_cached window[200];
	struct frame_finding found;

	CHECK(at.cache[0]->list[FRAME_HOT].end != at.cache[0]->hot);
	CHECK(at.cache[0]->list[FRAME_COLD].end != at.cache[0]->cold);
	CHECK(at.cache[0]->block_count > 2 && at.cache[0]->word != 0);
	for (unsigned length = 1; length < 200; length += 1 + length / 4)
		CHECK(frame_audit(&(struct frame_audit_request){
			.pool = at.pool, .caches = at.world->set.caches,
			.slots = 4, .window = window,
			.window_length = length }, &found));
	CHECK_ASSERTS(frame_audit(&(struct frame_audit_request){
		.pool = at.pool, .caches = at.world->set.caches, .slots = 4,
		.window = window }, &found));
	/* Without the caches, what they have is nowhere. */
	CHECK(!frame_pool_audit(at.pool));
	frame_world_free(at.world);
}

CASE(frame_audit_reads_every_entry_of_a_word)
{
	struct scene at = scene_new();
	struct frame_cache *cache = at.cache[0];
	struct frame_list *cold = &cache->list[FRAME_COLD];
	struct frame_cached window[4];
	struct frame_finding found;

	CHECK(cold->limit - cold->end > 2);
	for (unsigned i = 0; i < 2; i++) {
		*cold->end++ = (struct frame_word){
			cache->word_first, cache->word & -cache->word };
		cache->word &= cache->word - 1;
	}
	for (unsigned length = 1; length <= 4; length++)
		CHECK(frame_audit(&(struct frame_audit_request){
			.pool = at.pool, .caches = at.world->set.caches,
			.slots = 4, .window = window,
			.window_length = length }, &found));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_what_a_cache_lost)
{
	struct scene at = scene_new();
	struct frame_cache *cache = at.cache[0];

	cache->word ^= 1UL << (at.word % 64);
	CHECK(finds(&at, FRAME_FOUND_LOST, at.word, NONE, NONE));
	cache->word ^= 1UL << (at.word % 64);
	for (unsigned i = 0; i < FRAME_LISTS; i++) {
		struct frame_word *word = cache->list[i].words;
		uint64_t first = word->first +
				 (uint64_t)__builtin_ctzl(word->mask);

		word->mask &= word->mask - 1;
		CHECK(finds(&at, FRAME_FOUND_LOST, first, NONE, NONE));
		word->mask |= 1UL << (first % 64);
	}
	cache->block_count--;
	CHECK(finds(&at, FRAME_FOUND_LOST, at.cached_block, NONE, NONE));
	cache->block_count++;
	CHECK(finds_nothing(&at));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_what_is_free_and_cached)
{
	struct scene at = scene_new();
	const uint64_t frames[] = { at.word, at.hot, at.cold };

	for (unsigned i = 0; i < 3; i++)
		CHECK(FINDS_BIT(turn_frame, frames[i], &at,
				FRAME_FOUND_FREE_AND_CACHED, frames[i],
				bit(FRAME_4K), cached(FRAME_4K, 0)));
	CHECK(FINDS_BIT(turn_frame, at.other, &at, FRAME_FOUND_FREE_AND_CACHED,
			at.other, bit(FRAME_4K), cached(FRAME_4K, 2)));
	CHECK(FINDS_BIT(turn_block, at.cached_block, &at,
			FRAME_FOUND_FREE_AND_CACHED, at.cached_block,
			bit(FRAME_2M), cached(FRAME_2M, 0)));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_what_is_cached_and_allocated)
{
	struct scene at = scene_new();
	const uint64_t frames[] = { at.word, at.hot, at.cold };

	for (unsigned i = 0; i < 3; i++)
		CHECK(FINDS_BYTE(frame_byte(&at, frames[i]), 7, &at,
				 FRAME_FOUND_CACHED_WITH_OWNER, frames[i],
				 owner(FRAME_4K, 7), cached(FRAME_4K, 0)));
	CHECK(FINDS_BYTE(block_byte(&at, at.cached_block), 7, &at,
			 FRAME_FOUND_CACHED_WITH_OWNER, at.cached_block,
			 owner(FRAME_2M, 7), cached(FRAME_2M, 0)));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_what_two_caches_have)
{
	struct scene at = scene_new();
	struct frame_cache *other = at.cache[3];

	other->word = 1UL << (at.hot % 64);
	other->word_first = other->word_back = align_down(at.hot, 64);
	CHECK(finds(&at, FRAME_FOUND_CACHED_TWICE, at.hot, cached(FRAME_4K, 0),
		    cached(FRAME_4K, 3)));
	/* A block, and a word of it. */
	other->word_first = other->word_back = at.cached_block + 64;
	CHECK(finds(&at, FRAME_FOUND_CACHED_TWICE,
		    at.cached_block + 64 + at.hot % 64, cached(FRAME_2M, 0),
		    cached(FRAME_4K, 3)));
	other->word = 0;
	other->blocks[other->block_count++] =
		(uint32_t)(at.cached_block / BLOCK);
	CHECK(finds(&at, FRAME_FOUND_CACHED_TWICE, at.cached_block,
		    cached(FRAME_2M, 0), cached(FRAME_2M, 3)));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_what_one_cache_has_twice)
{
	struct scene at = scene_new();
	struct frame_cache *cache = at.cache[0];
	struct frame_list *hot = &cache->list[FRAME_HOT];
	uint64_t masks[] = { at.hot, at.cold, at.word };
	struct frame_finding found;

	for (unsigned i = 0; i < 3; i++) {
		*hot->end++ = (struct frame_word){
			align_down(masks[i], 64), 1UL << (masks[i] % 64) };
		CHECK(finds(&at, FRAME_FOUND_CACHED_TWICE, masks[i],
			    cached(FRAME_4K, 0), cached(FRAME_4K, 0)));
		hot->end--;
	}
	cache->blocks[cache->block_count] = cache->blocks[0];
	cache->block_count++;
	CHECK(finds(&at, FRAME_FOUND_CACHED_TWICE,
		    cache->blocks[0] * BLOCK, cached(FRAME_2M, 0),
		    cached(FRAME_2M, 0)));
	/* More than a finding has room for, of the first that it finds. */
	CHECK(FRAME_HOLDERS_MOST + 2 <= cache->block_limit);
	cache->block_count = 0;
	CHECK(frame_world_find(at.world, &found) == FRAME_FOUND_LOST);
	cache->block_count = FRAME_HOLDERS_MOST + 2;
	for (unsigned i = 0; i < cache->block_count; i++)
		cache->blocks[i] = (uint32_t)((found.frame.raw - BASE) / BLOCK);
	CHECK(frame_world_find(at.world, &found) == FRAME_FOUND_CACHED_TWICE);
	CHECK(found.holders == FRAME_HOLDERS_MOST + 2);
	frame_world_free(at.world);
}

CASE(frame_audit_finds_a_cache_beyond_its_limits)
{
	struct scene at = scene_new();
	struct frame_cache *cache = at.cache[2], good = *cache;

	for (unsigned i = 0; i < FRAME_LISTS; i++) {
		struct frame_list *list = &cache->list[i], old = *list;

		list->limit = list->end;
		CHECK(finds_slot(&at, FRAME_FOUND_CACHE_OVERFULL, 2));
		*list = old;
		list->limit = list->words + FRAME_HOT_MAX + 1;
		CHECK(finds_slot(&at, FRAME_FOUND_CACHE_OVERFULL, 2));
		*list = old;
		list->end = list->words - 1;
		CHECK(finds_slot(&at, FRAME_FOUND_CACHE_OVERFULL, 2));
		*list = old;
		list->words++;
		list->end = list->words;
		CHECK(finds_slot(&at, FRAME_FOUND_CACHE_OVERFULL, 2));
		*list = old;
	}
	cache->block_limit = FRAME_BLOCKS_MAX + 1;
	CHECK(finds_slot(&at, FRAME_FOUND_CACHE_OVERFULL, 2));
	*cache = good;
	CHECK(finds_nothing(&at) && at.cache[0]->block_count > 1);
	at.cache[0]->block_limit = at.cache[0]->block_count - 1;
	CHECK(finds_slot(&at, FRAME_FOUND_CACHE_OVERFULL, 0));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_a_cache_that_points_elsewhere)
{
	struct scene at = scene_new();
	struct frame_cache *cache = at.cache[0], good = *cache;

	/* A frame that is freed beside this entry would be lost. */
	cache->last = cache->list[FRAME_HOT].end;
	CHECK(finds_slot(&at, FRAME_FOUND_CACHE_ASTRAY, 0));
	cache->last = &at.cache[2]->none;
	CHECK(finds_slot(&at, FRAME_FOUND_CACHE_ASTRAY, 0));
	cache->last = &cache->none;
	CHECK(finds_nothing(&at));
	cache->none.first = 0;
	CHECK(finds_slot(&at, FRAME_FOUND_CACHE_ASTRAY, 0));
	*cache = good;
	cache->word_back = cache->word_first + 64;
	CHECK(finds_slot(&at, FRAME_FOUND_CACHE_ASTRAY, 0));
	cache->word_back = UINT64_MAX;
	CHECK(finds_nothing(&at));
	cache->word_first++;
	CHECK(finds_slot(&at, FRAME_FOUND_CACHE_ASTRAY, 0));
	*cache = good;
	CHECK(finds_nothing(&at));
	frame_world_free(at.world);
}

CASE(frame_audit_passes_over_caches_of_other_pools)
{
	struct scene at = scene_new(), other = scene_new();
	struct frame_audit_request request = {
		.pool = other.pool, .caches = at.world->set.caches,
		.slots = 4, .window = (struct frame_cached[3]){ { 0 } },
		.window_length = 3,
	};
	struct frame_finding found;

	/* These have nothing in caches of their own either. */
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		fake_cpu_become(cpu, CPU_TASK);
		frame_cache_drain(other.cache[2 * cpu]);
	}
	at.cache[0]->list[FRAME_HOT].end = NULL;
	CHECK(frame_audit(&request, &found));
	turn_frame(&other, other.frame);
	CHECK(!frame_audit(&request, &found) && found.holders == 2);
	frame_world_free(at.world);
	frame_world_free(other.world);
}

CASE(frame_audit_finds_any_frame_of_full_caches)
{
	struct scene at = scene_new();
	static pfn_t held[4096];
	struct frame_finding found;
	unsigned words = 0;

	fake_cpu_become(1, CPU_TASK);
	for (unsigned i = 0; i < 4096; i++)
		CHECK(frame_cache_alloc(at.cache[2], 1, &held[i]) == ST_OK);
	for (unsigned i = 0; i < 4096; i += 40) {
		unsigned cpu = i / 40 % 2;

		fake_cpu_become(cpu, CPU_TASK);
		CHECK(frame_cache_free(at.cache[2 * cpu], held[i], MARK) ==
		      ST_OK);
	}
	CHECK(finds_nothing(&at));
	for (unsigned i = 0; i < 4 * FRAME_LISTS; i++) {
		struct frame_list *list =
			&at.cache[i / FRAME_LISTS]->list[i % FRAME_LISTS];

		for (struct frame_word *word = list->words; word < list->end;
		     word++, words++) {
			word->mask <<= 1;
			CHECK(frame_world_find(at.world, &found) !=
			      FRAME_FOUND_NOTHING);
			word->mask >>= 1;
		}
	}
	CHECK(words > 7 && finds_nothing(&at));
	fake_cpu_become(0, CPU_TASK);
	frame_world_free(at.world);
}

/* One of its own that moved: named by its first frame, and not by its word. */
CASE(frame_audit_names_the_first_frame_of_what_is_cached)
{
	struct scene at = scene_new();
	struct frame_cache *cache = at.cache[0];
	struct frame_word *word = cache->list[FRAME_HOT].words, good = *word;
	uint32_t block = cache->blocks[0];

	*word = (struct frame_word){ WHOLE_GIANT + BLOCK, 0x60 };
	CHECK(finds(&at, FRAME_FOUND_CACHED_WITH_OWNER, WHOLE_GIANT + BLOCK + 5,
		    owner(FRAME_1G, OWNER_HEAP), cached(FRAME_4K, 0)));
	*word = (struct frame_word){ BLOCK, 1UL << 63 };
	CHECK(finds(&at, FRAME_FOUND_FREE_AND_CACHED, BLOCK + 63,
		    bit(FRAME_1G), cached(FRAME_4K, 0)));
	*word = (struct frame_word){ END + 64, 2 };
	CHECK(finds(&at, FRAME_FOUND_LOST, good.first + (uint64_t)
		    __builtin_ctzl(good.mask), NONE, NONE));
	*word = good;
	cache->blocks[0] = WHOLE_GIANT / BLOCK + 3;
	CHECK(finds(&at, FRAME_FOUND_CACHED_WITH_OWNER,
		    WHOLE_GIANT + 3 * BLOCK, owner(FRAME_1G, OWNER_HEAP),
		    cached(FRAME_2M, 0)));
	cache->blocks[0] = block;
	CHECK(finds_nothing(&at));
	frame_world_free(at.world);
}
