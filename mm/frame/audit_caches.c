// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The frames in caches in ascending order, for an audit.
 *
 * An audit goes over a pool from its first frame to its last, and wants the
 * cached frames in that order. There may be tens of thousands of words in
 * caches and no memory to sort them in. So a window takes the next ones in
 * order, as many as fit, by one pass over all caches; the entry that was
 * taken last tells where the next pass begins. No two entries are equal in
 * this order: it ends with the cache and the index in it.
 */
#include "audit.h"

#include <base/assert.h>

#include "cache.h"
#include "layout.h"

static struct frame_cached of_word(const struct frame_cache *cache,
				   unsigned index, struct frame_word word)
{
	return (struct frame_cached){
		.first = word.first, .mask = word.mask, .size = FRAME_4K,
		.slot = cache->slot, .index = index,
	};
}

bool frame_cached_at(const struct frame_cache *cache, unsigned index,
		     struct frame_cached *out)
{
	unsigned at = index;

	if (at == 0) {
		*out = of_word(cache, index, (struct frame_word){
			cache->word_first, cache->word });
		return true;
	}
	at--;
	for (unsigned i = 0; i < FRAME_LISTS; i++) {
		const struct frame_list *list = &cache->list[i];
		unsigned count = (unsigned)(list->end - list->words);

		/* C3: frame_check_cache comes first. */
		ASSERT(list->end >= list->words);
		if (at < count) {
			*out = of_word(cache, index, list->words[at]);
			return true;
		}
		at -= count;
	}
	if (at >= cache->block_count)
		return false;
	*out = (struct frame_cached){
		.first = (uint64_t)cache->blocks[at] << cache->block_shift,
		.size = FRAME_2M, .slot = cache->slot, .index = index,
	};
	return true;
}

static bool has_frames(const struct frame_cached *cached)
{
	return cached->size == FRAME_2M || cached->mask != 0;
}

/* --- in order --------------------------------------------------------------*/

static bool is_before(const struct frame_cached *one,
		      const struct frame_cached *other)
{
	if (one->first != other->first)
		return one->first < other->first;
	if (one->slot != other->slot)
		return one->slot < other->slot;
	return one->index < other->index;
}

/* Into its place, if that is in the window; the last one may drop out. */
static void insert(struct audit *audit, const struct frame_cached *cached)
{
	struct frame_cached *window = audit->request->window;
	unsigned length = audit->request->window_length;
	unsigned at = audit->count;

	ASSERT(at <= length);
	if (at == length) {
		if (!is_before(cached, &window[at - 1]))
			return;
		at--;
	} else {
		audit->count++;
	}
	for (; at > 0 && is_before(cached, &window[at - 1]); at--)
		window[at] = window[at - 1];
	window[at] = *cached;
}

static void insert_cache(struct audit *audit, const struct frame_cache *cache)
{
	struct frame_cached cached;

	for (unsigned i = 0; frame_cached_at(cache, i, &cached); i++)
		if (has_frames(&cached) &&
		    (!audit->has_last || is_before(&audit->last, &cached)))
			insert(audit, &cached);
}

static void fill_window(struct audit *audit)
{
	const struct frame_audit_request *request = audit->request;

	ASSERT(audit->next == audit->count);
	audit->next = audit->count = 0;
	for (unsigned slot = 0; slot < request->slots; slot++)
		if (request->caches[slot].pool == request->pool)
			insert_cache(audit, &request->caches[slot]);
}

const struct frame_cached *frame_cached_next(struct audit *audit, uint64_t end)
{
	const struct frame_cached *window = audit->request->window;

	if (audit->request->slots == 0)
		return NULL;
	if (audit->next == audit->count)
		fill_window(audit);
	if (audit->next == audit->count || window[audit->next].first >= end)
		return NULL;
	audit->last = window[audit->next];
	audit->has_last = true;
	return &window[audit->next++];
}

/* --- one cache -------------------------------------------------------------*/

/* Before its entries are read: then all of them are in its own arrays. */
static bool is_in_limits(const struct frame_cache *cache)
{
	const struct frame_list *hot = &cache->list[FRAME_HOT];
	const struct frame_list *cold = &cache->list[FRAME_COLD];

	return hot->words == cache->hot && hot->end >= hot->words &&
	       hot->end < hot->limit &&
	       hot->limit <= cache->hot + FRAME_HOT_MAX &&
	       cold->words == cache->cold && cold->end >= cold->words &&
	       cold->end < cold->limit &&
	       cold->limit <= cache->cold + FRAME_COLD_MAX &&
	       cache->block_count <= cache->block_limit &&
	       cache->block_limit <= FRAME_BLOCKS_MAX;
}

/* A frame that is freed beside the word goes there. */
static bool has_last(const struct frame_cache *cache)
{
	const struct frame_word *last = cache->last;

	if (last == &cache->none)
		return last->first == NO_WORD;
	for (unsigned i = 0; i < FRAME_LISTS; i++)
		if (last >= cache->list[i].words && last < cache->list[i].end)
			return true;
	return false;
}

enum frame_finding_kind frame_check_cache(const struct frame_cache *cache)
{
	struct frame_cached cached;

	if (!is_in_limits(cache))
		return FRAME_FOUND_CACHE_OVERFULL;
	if (!has_last(cache) || (cache->word_back != NO_WORD &&
				 cache->word_back != cache->word_first))
		return FRAME_FOUND_CACHE_ASTRAY;
	for (unsigned i = 0; frame_cached_at(cache, i, &cached); i++)
		if (has_frames(&cached) &&
		    !is_aligned(cached.first, FRAME_WORD_BITS))
			return FRAME_FOUND_CACHE_ASTRAY;
	return FRAME_FOUND_NOTHING;
}
