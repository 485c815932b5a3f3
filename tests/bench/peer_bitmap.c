// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * One bit per frame, one per wholly free block, one lock around both. The
 * search goes on where the last one ended.
 */
#include "peer.h"

#include <stdlib.h>

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

static uint32_t take_block(struct bitmap *map)
{
	for (uint64_t i = 0; i < map->whole_words; i++) {
		uint64_t at = map->whole_at;
		uint64_t word = map->whole[at];

		if (word != 0) {
			map->whole[at] = word & (word - 1);
			return (uint32_t)(at * 64 +
					  (uint64_t)__builtin_ctzl(word));
		}
		map->whole_at = at + 1 < map->whole_words ? at + 1 : 0;
	}
	return PEER_NONE;
}

static bool next_word(struct bitmap *map)
{
	uint32_t block;

	for (uint64_t i = 0; i < 64 && map->at < map->words; i++, map->at++)
		if (map->bits[map->at] != 0)
			return true;
	block = take_block(map);
	if (block != PEER_NONE) {
		map->at = (uint64_t)block * 8;
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

static uint32_t alloc(void *thread)
{
	struct bitmap *map = thread;
	uint32_t frame = PEER_NONE;

	peer_lock(&map->lock);
	if ((map->at < map->words && map->bits[map->at] != 0) ||
	    next_word(map)) {
		uint64_t word = map->bits[map->at];

		map->bits[map->at] = word & (word - 1);
		frame = (uint32_t)(map->at * 64 +
				   (uint64_t)__builtin_ctzl(word));
		map->owner[frame] = PEER_OWNER;
	}
	peer_unlock(&map->lock);
	return frame;
}

static void merge(struct bitmap *map, uint64_t block)
{
	uint64_t *words = map->bits + block * 8;

	for (unsigned i = 0; i < 8; i++)
		if (words[i] != UINT64_MAX)
			return;
	for (unsigned i = 0; i < 8; i++)
		words[i] = 0;
	map->whole[block / 64] |= 1UL << (block % 64);
}

static void give(void *thread, uint32_t frame)
{
	struct bitmap *map = thread;

	peer_lock(&map->lock);
	if (map->owner[frame] == 0)
		abort();
	map->owner[frame] = 0;
	map->bits[frame / 64] |= 1UL << (frame % 64);
	if (map->bits[frame / 64] == UINT64_MAX)
		merge(map, frame / PEER_BLOCK);
	peer_unlock(&map->lock);
}

static uint32_t alloc_block(void *thread)
{
	struct bitmap *map = thread;
	uint32_t block;

	peer_lock(&map->lock);
	block = take_block(map);
	if (block != PEER_NONE) {
		map->block_owner[block] = PEER_OWNER;
		block *= PEER_BLOCK;
	}
	peer_unlock(&map->lock);
	return block;
}

static void free_block(void *thread, uint32_t frame)
{
	struct bitmap *map = thread;
	uint32_t block = frame / PEER_BLOCK;

	peer_lock(&map->lock);
	if (map->block_owner[block] == 0)
		abort();
	map->block_owner[block] = 0;
	map->whole[block / 64] |= 1UL << (block % 64);
	map->whole_at = block / 64;
	peer_unlock(&map->lock);
}

static uint64_t overhead(uint64_t frames)
{
	return frames / 8 + frames / PEER_BLOCK / 8 + frames / PEER_BLOCK;
}

const struct peer peer_bitmap = {
	"bitmap", make, destroy, enter, alloc, give, alloc_block, free_block,
	NULL, overhead,
};
