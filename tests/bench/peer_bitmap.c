// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * One bit per frame, one per wholly free block, one lock around both.
 *
 * As good as one lock allows: the search goes on where the last one ended,
 * addresses are computed before the lock is taken, and the block that the
 * cursor stands in is not merged, or allocating and freeing one frame in turn
 * would split and merge a block each time. The lock remains, acquired twice
 * for a pair, and a nanosecond.
 */
#include "peer.h"

#include <stdlib.h>

#define RARELY(condition) __builtin_expect(condition, 0)

struct bitmap {
	struct peer_lock lock;
	uint64_t *bits, *whole;
	uint8_t *owner, *block_owner;
	uint64_t words, whole_words;
	uint64_t at, whole_at;
};

static void *make(uint64_t frames, unsigned cpus)
{
	struct bitmap *map = peer_zeroed(sizeof(*map));

	(void)cpus;
	map->words = frames / 64;
	map->whole_words = frames / PEER_BLOCK / 64;
	map->bits = peer_zeroed(frames / 8);
	map->whole = peer_zeroed(map->whole_words * 8);
	map->owner = peer_zeroed(frames);
	map->block_owner = peer_zeroed(frames / PEER_BLOCK);
	for (uint64_t i = 0; i < map->whole_words; i++)
		map->whole[i] = UINT64_MAX;
	return map;
}

static void destroy(void *self)
{
	struct bitmap *map = self;

	free(map->bits);
	free(map->whole);
	free(map->owner);
	free(map->block_owner);
	free(map);
}

static void *enter(void *self, unsigned cpu)
{
	(void)cpu;
	return self;
}

static bool take_block(struct bitmap *map, uint64_t *block)
{
	for (uint64_t i = 0; i < map->whole_words; i++) {
		uint64_t at = map->whole_at;
		uint64_t word = map->whole[at];

		if (word != 0) {
			map->whole[at] = word & (word - 1);
			*block = at * 64 + (uint64_t)__builtin_ctzl(word);
			return true;
		}
		map->whole_at = at + 1 < map->whole_words ? at + 1 : 0;
	}
	return false;
}

static __attribute__((noinline)) bool next_word(struct bitmap *map)
{
	uint64_t block;

	for (uint64_t i = 0; i < 64 && map->at + 1 < map->words; i++)
		if (map->bits[++map->at] != 0)
			return true;
	if (take_block(map, &block)) {
		map->at = block * 8;
		for (unsigned i = 0; i < 8; i++)
			map->bits[map->at + i] = UINT64_MAX;
		return true;
	}
	for (uint64_t i = 0; i < map->words; i++) {
		map->at = map->at + 1 < map->words ? map->at + 1 : 0;
		if (map->bits[map->at] != 0)
			return true;
	}
	return false;
}

static enum status alloc(void *thread, uint8_t owner, pfn_t *out)
{
	struct bitmap *map = thread;
	uint64_t *bits = map->bits;
	uint8_t *owners = map->owner;
	uint64_t at, word, frame;

	peer_lock(&map->lock);
	if (RARELY(bits[map->at] == 0) && !next_word(map)) {
		peer_unlock(&map->lock);
		return ST_NO_MEMORY;
	}
	at = map->at;
	word = bits[at];
	bits[at] = word & (word - 1);
	frame = at * 64 + (uint64_t)__builtin_ctzl(word);
	owners[frame] = owner;
	peer_unlock(&map->lock);
	out->raw = frame;
	return ST_OK;
}

static __attribute__((noinline)) void merge(struct bitmap *map, uint64_t block)
{
	uint64_t *words = map->bits + block * 8;

	for (unsigned i = 0; i < 8; i++)
		if (words[i] != UINT64_MAX)
			return;
	for (unsigned i = 0; i < 8; i++)
		words[i] = 0;
	map->whole[block / 64] |= 1UL << (block % 64);
}

static enum status give(void *thread, pfn_t frame, const void *caller)
{
	struct bitmap *map = thread;
	uint8_t *owner = map->owner + frame.raw;
	uint64_t *cell = map->bits + frame.raw / 64;
	uint64_t bit = 1UL << (frame.raw % 64), word;

	(void)caller;
	peer_lock(&map->lock);
	if (RARELY(*owner == 0)) {
		peer_unlock(&map->lock);
		return ST_CONFLICT;
	}
	*owner = 0;
	word = *cell | bit;
	*cell = word;
	if (RARELY(word == UINT64_MAX) && frame.raw / PEER_BLOCK != map->at / 8)
		merge(map, frame.raw / PEER_BLOCK);
	peer_unlock(&map->lock);
	return ST_OK;
}

static enum status alloc_block(void *thread, uint8_t owner, pfn_t *out)
{
	struct bitmap *map = thread;
	uint64_t block;
	bool found;

	peer_lock(&map->lock);
	found = take_block(map, &block);
	if (RARELY(!found)) {
		merge(map, map->at / 8);
		found = take_block(map, &block);
	}
	if (found)
		map->block_owner[block] = owner;
	peer_unlock(&map->lock);
	if (RARELY(!found))
		return ST_NO_MEMORY;
	out->raw = block * PEER_BLOCK;
	return ST_OK;
}

static enum status free_block(void *thread, pfn_t frame, const void *caller)
{
	struct bitmap *map = thread;
	uint64_t block = frame.raw / PEER_BLOCK;
	uint8_t *owner = map->block_owner + block;
	uint64_t *cell = map->whole + block / 64;
	uint64_t bit = 1UL << (block % 64);

	(void)caller;
	peer_lock(&map->lock);
	if (RARELY(*owner == 0)) {
		peer_unlock(&map->lock);
		return ST_CONFLICT;
	}
	*owner = 0;
	*cell |= bit;
	map->whole_at = block / 64;
	peer_unlock(&map->lock);
	return ST_OK;
}

static uint64_t overhead(uint64_t frames)
{
	return frames / 8 + frames / PEER_BLOCK / 8 + frames / PEER_BLOCK;
}

const struct peer peer_bitmap = {
	.name = "bitmap",
	.make = make,
	.destroy = destroy,
	.enter = enter,
	.alloc = alloc,
	.free = give,
	.alloc_block = alloc_block,
	.free_block = free_block,
	.overhead = overhead,
};
