// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame/audit.c: damage that is planted in a pool in use, and its name. */
#include "frame_audit_scene.h"

CASE(frame_audit_finds_what_is_free_in_two_sizes)
{
	struct scene at = scene_new();
	uint64_t block = free_block_of(&at);

	CHECK(FINDS_BIT(turn_block, OPENED, &at, FRAME_FOUND_FREE_TWICE,
			OPENED, bit(FRAME_1G), bit(FRAME_2M)));
	CHECK(FINDS_BIT(turn_frame, OPENED + 1, &at, FRAME_FOUND_FREE_TWICE,
			OPENED + 1, bit(FRAME_1G), bit(FRAME_4K)));
	CHECK(frame_split_block(at.pool, 0, block / BLOCK));
	CHECK(FINDS_BIT(turn_block, block, &at, FRAME_FOUND_FREE_TWICE, block,
			bit(FRAME_2M), bit(FRAME_4K)));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_what_is_not_merged)
{
	struct scene at = scene_new();
	uint64_t block = free_block_of(&at);

	CHECK(frame_split_block(at.pool, 0, block / BLOCK));
	CHECK(finds(&at, FRAME_FOUND_NOT_MERGED, block, bit(FRAME_4K), NONE));
	put(&at, get(&at, FRAME_4K), FRAME_4K);
	at.world->pool.hints[block / BLOCK].plain = 0;
	CHECK(frame_split_giant(at.pool, 0, 0));
	CHECK(finds(&at, FRAME_FOUND_NOT_MERGED, 0, bit(FRAME_2M), NONE));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_what_is_allocated_in_two_sizes)
{
	struct scene at = scene_new();
	uint64_t block = at.block;

	/* The block was split before, so that it has bytes. */
	put(&at, block, FRAME_2M);
	CHECK(frame_split_block(at.pool, 0, block / BLOCK));
	CHECK(frame_pool_alloc_at(at.pool, 0, (pfn_t){ BASE + block }, 1) ==
	      ST_OK);
	put(&at, block, FRAME_4K);
	CHECK(get(&at, FRAME_2M) == block && finds_nothing(&at));
	CHECK(FINDS_BYTE(frame_byte(&at, block + 70), 3, &at,
			 FRAME_FOUND_ALLOCATED_TWICE, block + 70,
			 owner(FRAME_2M, OWNER_HEAP), owner(FRAME_4K, 3)));
	CHECK(get(&at, FRAME_1G) == GIANT && finds_nothing(&at));
	CHECK(FINDS_BYTE(block_byte(&at, GIANT + 9 * BLOCK), 4, &at,
			 FRAME_FOUND_ALLOCATED_TWICE, GIANT + 9 * BLOCK,
			 owner(FRAME_1G, OWNER_HEAP), owner(FRAME_2M, 4)));
	CHECK(FINDS_BYTE(frame_byte(&at, OPENED + 5), 4, &at,
			 FRAME_FOUND_ALLOCATED_TWICE, OPENED + 5,
			 owner(FRAME_1G, OWNER_HEAP), owner(FRAME_4K, 4)));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_owners_of_what_is_free)
{
	struct scene at = scene_new();
	uint64_t frame = free_frame_of(&at), block = free_block_of(&at);

	CHECK(FINDS_BYTE(frame_byte(&at, frame), 5, &at,
			 FRAME_FOUND_FREE_WITH_OWNER, frame, bit(FRAME_4K),
			 owner(FRAME_4K, 5)));
	CHECK(FINDS_BYTE(block_byte(&at, block), 5, &at,
			 FRAME_FOUND_FREE_WITH_OWNER, block, bit(FRAME_2M),
			 owner(FRAME_2M, 5)));
	CHECK(FINDS_BYTE(giant_byte(&at, 0), 5, &at,
			 FRAME_FOUND_FREE_WITH_OWNER, 0, bit(FRAME_1G),
			 owner(FRAME_1G, 5)));
	CHECK(FINDS_BYTE(giant_byte(&at, GIANT), 5, &at,
			 FRAME_FOUND_FREE_WITH_OWNER, GIANT, bit(FRAME_1G),
			 owner(FRAME_1G, 5)));
	/* Below a giant that is free, and was split before. */
	CHECK(FINDS_BYTE(block_byte(&at, GIANT), 5, &at,
			 FRAME_FOUND_FREE_WITH_OWNER, GIANT, bit(FRAME_1G),
			 owner(FRAME_2M, 5)));
	CHECK(FINDS_BYTE(frame_byte(&at, OPENED + 100), FRAME_BYTE_FOREIGN,
			 &at, FRAME_FOUND_FREE_WITH_OWNER, OPENED + 100,
			 bit(FRAME_1G),
			 owner(FRAME_4K, FRAME_BYTE_FOREIGN)));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_a_stray_byte_in_a_whole_free_block)
{
	struct scene at = scene_new();
	uint64_t block = free_block_of(&at);

	/* It was split once, and has merged. */
	CHECK(frame_pool_alloc_at(at.pool, 0, (pfn_t){ BASE + block }, 1) ==
	      ST_OK);
	put(&at, block, FRAME_4K);
	CHECK(frame_block_is_free(at.pool, block / BLOCK));
	CHECK(finds_nothing(&at));
	for (uint64_t i = 0; i < BLOCK; i++)
		CHECK(FINDS_BYTE(frame_byte(&at, block + i), 1 + i, &at,
				 FRAME_FOUND_FREE_WITH_OWNER, block + i,
				 bit(FRAME_2M),
				 owner(FRAME_4K, (uint8_t)(1 + i))));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_bits_of_what_is_allocated)
{
	struct scene at = scene_new();

	CHECK(FINDS_BIT(turn_frame, at.frame, &at, FRAME_FOUND_FREE_WITH_OWNER,
			at.frame, bit(FRAME_4K), owner(FRAME_4K, OWNER_HEAP)));
	CHECK(FINDS_BIT(turn_block, at.block, &at, FRAME_FOUND_FREE_WITH_OWNER,
			at.block, bit(FRAME_2M), owner(FRAME_2M, OWNER_HEAP)));
	CHECK(FINDS_BIT(turn_giant, WHOLE_GIANT, &at,
			FRAME_FOUND_FREE_WITH_OWNER, WHOLE_GIANT,
			bit(FRAME_1G), owner(FRAME_1G, OWNER_HEAP)));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_bytes_that_no_owner_has)
{
	struct scene at = scene_new();

	CHECK(FINDS_BYTE(frame_byte(&at, at.frame), FRAME_BYTE_FIXED, &at,
			 FRAME_FOUND_BAD_BYTE, at.frame,
			 owner(FRAME_4K, FRAME_BYTE_FIXED), NONE));
	CHECK(FINDS_BYTE(block_byte(&at, at.block), FRAME_BYTE_FIXED | 1, &at,
			 FRAME_FOUND_BAD_BYTE, at.block,
			 owner(FRAME_2M, FRAME_BYTE_FIXED | 1), NONE));
	CHECK(FINDS_BYTE(giant_byte(&at, WHOLE_GIANT),
			 FRAME_BYTE_HOLDERS - 1, &at,
			 FRAME_FOUND_BAD_BYTE, WHOLE_GIANT,
			 owner(FRAME_1G, FRAME_BYTE_HOLDERS - 1), NONE));
	/* A frame that is kept for good has an owner. */
	frame_byte(&at, at.frame)->plain = FRAME_BYTE_FIXED | OWNER_BAD;
	CHECK(finds_nothing(&at));
	/* So has a page table with many holders. */
	frame_byte(&at, at.frame)->plain = UINT8_MAX;
	CHECK(finds_nothing(&at));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_what_is_lost)
{
	struct scene at = scene_new();
	uint64_t frame = free_frame_of(&at), block = free_block_of(&at);

	CHECK(FINDS_BIT(turn_frame, frame, &at, FRAME_FOUND_LOST, frame, NONE,
			NONE));
	CHECK(FINDS_BIT(turn_block, block, &at, FRAME_FOUND_LOST, block, NONE,
			NONE));
	CHECK(FINDS_BIT(turn_giant, 0, &at, FRAME_FOUND_LOST, 0, NONE, NONE));
	CHECK(FINDS_BIT(turn_giant, GIANT, &at, FRAME_FOUND_LOST, GIANT, NONE,
			NONE));
	CHECK(FINDS_BYTE(frame_byte(&at, at.frame), 0, &at, FRAME_FOUND_LOST,
			 at.frame, NONE, NONE));
	CHECK(FINDS_BYTE(block_byte(&at, at.block), 0, &at, FRAME_FOUND_LOST,
			 at.block, NONE, NONE));
	CHECK(FINDS_BYTE(giant_byte(&at, WHOLE_GIANT), 0, &at,
			 FRAME_FOUND_LOST, WHOLE_GIANT, NONE, NONE));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_what_is_not_the_pools)
{
	struct scene at = scene_new();
	struct frame_cache *cache = at.cache[2];
	uint64_t word = cache->word, first = cache->word_first;

	CHECK(FINDS_BIT(turn_block, ABSENT_BLOCK, &at, FRAME_FOUND_OUTSIDE,
			ABSENT_BLOCK, bit(FRAME_2M), NONE));
	CHECK(FINDS_BIT(turn_giant, ABSENT_GIANT, &at, FRAME_FOUND_OUTSIDE,
			ABSENT_GIANT, bit(FRAME_1G), NONE));
	CHECK(FINDS_BYTE(block_byte(&at, ABSENT_BLOCK), 6, &at,
			 FRAME_FOUND_OUTSIDE, ABSENT_BLOCK,
			 owner(FRAME_2M, 6), NONE));
	CHECK(FINDS_BYTE(giant_byte(&at, ABSENT_GIANT), 6, &at,
			 FRAME_FOUND_OUTSIDE, ABSENT_GIANT,
			 owner(FRAME_1G, 6), NONE));
	/* The frames of the cache go back to the pool: none is lost. */
	frame_return_words(at.pool, 2, &(struct frame_word){ first, word }, 1);
	for (uint64_t away = ABSENT_BLOCK; away <= END;
	     away += away == ABSENT_BLOCK ? BLOCK : GIANT) {
		cache->word = 4;
		cache->word_first = cache->word_back = away;
		CHECK(finds(&at, FRAME_FOUND_OUTSIDE, away + 2,
			    cached(FRAME_4K, 2), NONE));
	}
	cache->word_first = cache->word_back = WHOLE_GIANT;
	CHECK(finds(&at, FRAME_FOUND_CACHED_WITH_OWNER, WHOLE_GIANT + 2,
		    owner(FRAME_1G, OWNER_HEAP), cached(FRAME_4K, 2)));
	cache->word_first = cache->word_back = 64;
	CHECK(finds(&at, FRAME_FOUND_FREE_AND_CACHED, 66, bit(FRAME_1G),
		    cached(FRAME_4K, 2)));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_a_hint_in_a_giant_that_is_not_open)
{
	struct scene at = scene_new();
	atomic_u16 *hint = &at.pool->hints[GIANT / BLOCK - 1];

	hint->plain = 3;
	CHECK(finds(&at, FRAME_FOUND_BAD_HINT, GIANT - BLOCK, bit(FRAME_1G),
		    NONE));
	hint->plain = FRAME_ABSENT;
	hint = &at.pool->hints[ABSENT_GIANT / BLOCK];
	hint->plain = FRAME_UNINIT;
	CHECK(finds(&at, FRAME_FOUND_BAD_HINT, ABSENT_GIANT, NONE, NONE));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_what_no_bit_reaches)
{
	struct scene at = scene_new();
	struct frame_tree *trees[] = { &at.pool->split, &at.pool->blocks,
				       &at.pool->giants };
	uint64_t split = align_down(free_frame_of(&at), BLOCK);
	uint64_t root = at.pool->root.plain;
	struct frame_finding found;

	turn_tree(&at, trees[0], split / BLOCK);
	CHECK(frame_world_find(at.world, &found) == FRAME_FOUND_NOT_LISTED);
	CHECK(found.frame.raw == BASE + split);
	turn_tree(&at, trees[0], split / BLOCK);
	for (unsigned i = 0; i < 3; i++) {
		at.pool->root.plain ^= 1UL << trees[i]->root_bit;
		CHECK(frame_world_find(at.world, &found) ==
		      FRAME_FOUND_NOT_LISTED);
		at.pool->root.plain = root;
	}
	/* A word of the leaves, in a tree of two levels. */
	for (unsigned i = 0; i < 2; i++) {
		CHECK(trees[i]->levels == 2);
		trees[i]->level[1][0].plain ^= 1UL << (SPLIT_GIANT / GIANT);
		CHECK(frame_world_find(at.world, &found) ==
		      FRAME_FOUND_NOT_LISTED);
		CHECK(found.frame.raw == BASE + SPLIT_GIANT);
		trees[i]->level[1][0].plain ^= 1UL << (SPLIT_GIANT / GIANT);
	}
	CHECK(finds_nothing(&at));
	frame_world_free(at.world);
}

CASE(frame_audit_finds_a_step_that_has_not_ended)
{
	struct scene at = scene_new();

	for (unsigned slot = 0; slot < 4; slot++) {
		struct frame_activity *activity = &at.pool->activity[slot];
		atomic_u64 *words[] = { &activity->moving, &activity->frees,
					&activity->claiming };

		for (unsigned i = 0; i < 3; i++) {
			words[i]->plain++;
			CHECK(finds_slot(&at, FRAME_FOUND_ODD_STEP, slot));
			words[i]->plain++;
		}
	}
	CHECK(finds_nothing(&at));
	frame_world_free(at.world);
}

static const char *text_of(const struct frame_finding *finding)
{
	static char text[FRAME_FINDING_BYTES];

	frame_finding_print(finding, text);
	return text;
}

CASE(frame_audit_names_what_it_found)
{
	struct frame_finding found = {
		.kind = FRAME_FOUND_CACHED_TWICE, .frame = { 5 }, .holders = 2,
		.holder = { { .kind = FRAME_HELD_BY_CACHE, .slot = 6 },
			    { .kind = FRAME_HELD_BY_CACHE, .slot = 3,
			      .size = FRAME_2M } } };

	CHECK(strcmp(text_of(&found), "what=\"cached twice\" phys=0x5000 "
		     "by=\"4k cached cpu3 task, 2m cached cpu1 interrupt\"")
	      == 0);
	found = (struct frame_finding){
		.kind = FRAME_FOUND_FREE_WITH_OWNER, .frame = { 1UL << 32 },
		.holders = 9,
		.holder = {
			{ .size = FRAME_1G },
			{ .kind = FRAME_HELD_BY_OWNER, .owner = OWNER_HEAP },
			{ .size = FRAME_2M }, { .size = FRAME_2M },
		},
	};
	CHECK(strcmp(text_of(&found), "what=\"free and allocated\" "
		     "phys=0x100000000000 by=\"1g free, 4k byte 12 heap, "
		     "2m free, 2m free\"") == 0);
	found = (struct frame_finding){ .kind = FRAME_FOUND_LOST };
	CHECK(strcmp(text_of(&found), "what=\"lost\" phys=0x0 by=\"\"") == 0);
	found = (struct frame_finding){ .kind = FRAME_FOUND_ODD_STEP,
					.slot = 5 };
	CHECK(strcmp(text_of(&found), "what=\"a step that has not ended\" "
		     "cpu=2 context=interrupt") == 0);
	for (unsigned kind = 0; kind < FRAME_FINDINGS; kind++) {
		found.kind = kind;
		CHECK(strstr(text_of(&found), "what=\"") != NULL &&
		      strstr(text_of(&found), "null") == NULL);
	}
}
