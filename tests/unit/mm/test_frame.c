// SPDX-License-Identifier: MIT OR Apache-2.0
/* mm/frame without caches: edges, refusals, and walks against a model. */
#include <base/bits.h>
#include <boot/owner.h>

#include <mm/frame/search.h>

#include "check.h"
#include "frame_world.h"

#define TINY ((struct frame_shape){ 6, 2 })
#define SMALL ((struct frame_shape){ 7, 6 })
#define MARK ((const void *)0x1234)

static struct frame_world *tiny(uint64_t frames)
{
	return frame_world_full(&(struct frame_world_request){
		.shape = TINY, .frames = frames, .cpus = 2 });
}

static enum status get(struct frame_world *world, enum frame_size size,
		       uint64_t pages, pfn_t *out)
{
	struct frame_request request = {
		.size = size, .pages = pages, .owner = OWNER_HEAP };

	return frame_pool_alloc(&world->pool, 0, &request, out);
}

static enum status put(struct frame_world *world, uint64_t frame,
		       enum frame_size size, uint64_t pages)
{
	struct frame_return what = { { frame }, size, 0, pages, MARK };

	return frame_pool_free(&world->pool, 0, &what);
}

CASE(frame_allocates_every_frame_once_and_then_refuses)
{
	struct frame_world *world = tiny(512);
	unsigned char seen[512] = { 0 };
	pfn_t frame;

	for (unsigned i = 0; i < 512; i++) {
		CHECK(get(world, FRAME_4K, 0, &frame) == ST_OK);
		CHECK(frame.raw < 512 && !seen[frame.raw]++);
	}
	CHECK(get(world, FRAME_4K, 0, &frame) == ST_NO_MEMORY);
	CHECK(frame_world_audit(world, 0));
	for (unsigned i = 0; i < 512; i++)
		CHECK(put(world, (i * 37) % 512, FRAME_4K, 0) == ST_OK);
	CHECK(frame_world_audit(world, 512));
	for (unsigned i = 0; i < 2; i++)
		CHECK(get(world, FRAME_1G, 0, &frame) == ST_OK);
	CHECK(get(world, FRAME_4K, 0, &frame) == ST_NO_MEMORY);
	frame_world_free(world);
}

CASE(frame_allocates_high_memory_first_and_low_memory_last)
{
	uint64_t four = 4 * GIB >> PAGE_SHIFT;
	struct frame_world *world = frame_world_new(
		&(struct frame_world_request){ .shape = FRAME_SHAPE_PC,
			.frames = four + 2 * 262144, .cpus = 1 });
	struct frame_request low = { .limit = FRAME_BELOW_1M, .owner = 1 };
	struct frame_request below = { .limit = FRAME_BELOW_4G, .owner = 1 };
	struct frame_run runs[] = {
		{ { 16 }, 144 }, { { 1024 }, 512 }, { { four - 700 }, 100 },
		{ { four + 5 }, 700 },
	};
	pfn_t frame, last = { UINT64_MAX };

	for (unsigned i = 0; i < 4; i++)
		CHECK(frame_pool_add(&world->pool, 0, runs[i]) == ST_OK);
	CHECK(frame_world_audit(world, 144 + 512 + 100 + 700));
	for (unsigned i = 0; i < 700; i++) {
		CHECK(get(world, FRAME_4K, 0, &frame) == ST_OK);
		CHECK(frame.raw >= four);
	}
	CHECK(frame_pool_alloc(&world->pool, 0, &low, &frame) == ST_OK);
	CHECK(frame.raw < 256);
	CHECK(frame_pool_alloc(&world->pool, 0, &below, &frame) == ST_OK);
	CHECK(frame.raw >= 256 && frame.raw < four);
	for (unsigned i = 0; i < 611; i++) {
		CHECK(get(world, FRAME_4K, 0, &frame) == ST_OK);
		CHECK(frame.raw >= 256 && frame.raw < four);
		last = frame;
	}
	(void)last;
	for (unsigned i = 0; i < 143; i++)
		CHECK(frame_pool_alloc(&world->pool, 0, &low, &frame) == ST_OK);
	CHECK(frame_pool_alloc(&world->pool, 0, &low, &frame) == ST_NO_MEMORY);
	CHECK(frame_pool_alloc(&world->pool, 0, &below, &frame) ==
	      ST_NO_MEMORY);
	CHECK(get(world, FRAME_4K, 0, &frame) == ST_NO_MEMORY);
	frame_world_free(world);
}

CASE(frame_allocates_blocks_up_to_a_limit_inside_a_giant)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = { 6, 3 },
			.frames = 512, .cpus = 1 });
	struct frame_request low = { .size = FRAME_2M,
		.limit = FRAME_BELOW_1M, .owner = 1 };
	pfn_t frame;

	for (unsigned i = 0; i < 4; i++) {
		CHECK(frame_pool_alloc(&world->pool, 0, &low, &frame) == ST_OK);
		CHECK(frame.raw == 192 - 64 * i);
	}
	CHECK(frame_pool_alloc(&world->pool, 0, &low, &frame) == ST_NO_MEMORY);
	CHECK(frame_world_audit(world, 256));
	frame_world_free(world);
}

/* Many at once, as caches want them: the word has four giants. */
/* 1 MiB is many blocks, and more than a giant. */
CASE(frame_allocates_all_that_is_below_1_mib)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = { 6, 1 },
					       .frames = 512, .cpus = 1 });
	struct frame_request low = { .limit = FRAME_BELOW_1M, .owner = 1 };
	pfn_t frame;

	for (unsigned i = 0; i < 256; i++) {
		CHECK(frame_pool_alloc(&world->pool, 0, &low, &frame) ==
		      ST_OK);
		CHECK(frame.raw < 256);
	}
	CHECK(frame_pool_alloc(&world->pool, 0, &low, &frame) ==
	      ST_NO_MEMORY);
	CHECK(frame_world_audit(world, 256));
	frame_world_free(world);
}

CASE(frame_takes_blocks_of_the_giant_that_it_breaks)
{
	struct frame_world *world = tiny(1024);
	struct frame_claim claim = {
		.limit = FRAME_ANYWHERE, .most = 16, .block = BLOCK_NONE,
	};

	CHECK(frame_claim_blocks(&world->pool, 0, &claim) == 0xf000);
	CHECK(claim.word == 0);
	memset(&world->pool.block_owner[12], OWNER_HEAP, 4);
	CHECK(frame_world_audit(world, 768));
	claim.most = 3;
	CHECK(frame_claim_blocks(&world->pool, 0, &claim) == 0x0e00);
	memset(&world->pool.block_owner[9], OWNER_HEAP, 3);
	CHECK(frame_world_audit(world, 576));
	memset(&world->pool.block_owner[9], FRAME_BYTE_FREE, 7);
	CHECK(frame_return_blocks(&world->pool, 0, 0, 0xfe00) == 0);
	CHECK(frame_world_audit(world, 1024));
	CHECK(frame_tree_has(&world->pool.giants, 2) &&
	      frame_tree_has(&world->pool.giants, 3));
	frame_world_free(world);
}

CASE(frame_refuses_and_names_every_wrong_free)
{
	struct frame_world *world = tiny(512);
	pfn_t small, block, giant;

	CHECK(get(world, FRAME_1G, 0, &giant) == ST_OK);
	CHECK(get(world, FRAME_2M, 0, &block) == ST_OK);
	CHECK(get(world, FRAME_4K, 0, &small) == ST_OK);
	struct {
		uint64_t frame;
		enum frame_size size;
		uint64_t pages;
		enum status status;
		enum frame_bad_free_kind kind;
	} wrong[] = {
		{ small.raw + 1, FRAME_4K, 0,
		  ST_CONFLICT, FRAME_NOT_ALLOCATED },
		{ block.raw, FRAME_4K, 0, ST_CONFLICT, FRAME_NOT_ALLOCATED },
		{ block.raw + 9, FRAME_4K, 0,
		  ST_CONFLICT, FRAME_NOT_ALLOCATED },
		{ giant.raw, FRAME_4K, 0, ST_CONFLICT, FRAME_NOT_ALLOCATED },
		{ giant.raw, FRAME_2M, 0, ST_CONFLICT, FRAME_NOT_ALLOCATED },
		{ block.raw, FRAME_1G, 0, ST_BAD_ARGUMENT, FRAME_MISALIGNED },
		{ block.raw + 1, FRAME_2M, 0,
		  ST_BAD_ARGUMENT, FRAME_MISALIGNED },
		{ align_down(small.raw, 64), FRAME_2M, 0, ST_CONFLICT,
		  FRAME_NOT_ALLOCATED },
		{ 512, FRAME_4K, 0, ST_BAD_RANGE, FRAME_FOREIGN },
		{ UINT64_MAX, FRAME_2M, 0, ST_BAD_RANGE, FRAME_FOREIGN },
		{ small.raw, FRAME_RUN, 2, ST_CONFLICT, FRAME_NOT_ALLOCATED },
		{ small.raw, FRAME_RUN, UINT64_MAX,
		  ST_BAD_RANGE, FRAME_FOREIGN },
		{ 500, FRAME_RUN, 13, ST_BAD_RANGE, FRAME_FOREIGN },
	};
	for (unsigned i = 0; i < ARRAY_LENGTH(wrong); i++) {
		CHECK(put(world, wrong[i].frame, wrong[i].size,
			  wrong[i].pages) == wrong[i].status);
		CHECK(world->reports == i + 1);
		CHECK(world->last.kind == wrong[i].kind);
		CHECK(world->last.caller == MARK);
		CHECK(frame_world_audit(world, 512 - 256 - 64 - 1));
	}
	CHECK(put(world, small.raw, FRAME_4K, 0) == ST_OK);
	CHECK(put(world, small.raw, FRAME_4K, 0) == ST_CONFLICT);
	CHECK(put(world, block.raw, FRAME_2M, 0) == ST_OK);
	CHECK(put(world, block.raw, FRAME_2M, 0) == ST_CONFLICT);
	CHECK(put(world, giant.raw, FRAME_1G, 0) == ST_OK);
	CHECK(put(world, giant.raw, FRAME_1G, 0) == ST_CONFLICT);
	CHECK(frame_world_audit(world, 512));
	frame_world_free(world);
}

CASE(frame_refuses_what_was_never_the_pools)
{
	struct frame_world *world = frame_world_new(
		&(struct frame_world_request){ .shape = TINY, .first = { 256 },
					       .frames = 512, .cpus = 1 });
	struct frame_run run = { { 300 }, 50 };
	struct frame_run bad[] = {
		{ { 300 }, 1 }, { { 290 }, 11 }, { { 255 }, 2 }, { { 767 }, 2 },
		{ { 400 }, 0 }, { { 400 }, UINT64_MAX }, { { 256 }, 128 },
	};

	CHECK(frame_pool_add(&world->pool, 0, run) == ST_OK);
	for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++)
		CHECK(frame_pool_add(&world->pool, 0, bad[i]) != ST_OK);
	CHECK(frame_world_audit(world, 50));
	CHECK(put(world, 299, FRAME_4K, 0) == ST_CONFLICT);
	CHECK(put(world, 350, FRAME_4K, 0) == ST_CONFLICT);
	CHECK(put(world, 400, FRAME_4K, 0) == ST_BAD_RANGE);
	CHECK(put(world, 100, FRAME_4K, 0) == ST_BAD_RANGE);
	/* The rest of the two blocks is added later: they become whole. */
	CHECK(frame_pool_add(&world->pool, 0,
			     (struct frame_run){ { 256 }, 44 }) == ST_OK);
	CHECK(frame_pool_add(&world->pool, 0,
			     (struct frame_run){ { 350 }, 34 }) == ST_OK);
	CHECK(frame_world_audit(world, 128));
	frame_world_free(world);
}

/* Absent blocks lie in front of it and behind it. */
CASE(frame_adds_nothing_over_what_is_there)
{
	for (uint64_t block = 0; block < 4; block++) {
		struct frame_world *world = frame_world_new(
			&(struct frame_world_request){
				.shape = TINY, .frames = 512, .cpus = 1 });
		struct frame_run run = { { 64 * block + 10 }, 20 };
		struct frame_run all = { { 0 }, 256 };

		CHECK(frame_pool_add(&world->pool, 0, run) == ST_OK);
		CHECK(frame_pool_add(&world->pool, 0, all) == ST_CONFLICT);
		CHECK(frame_world_audit(world, 20));
		frame_world_free(world);
	}
}

CASE(frame_zeroes_what_should_be_zero)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = TINY, .frames = 512,
			.cpus = 1, .memory = FRAME_WORLD_MEMORY });
	enum frame_size sizes[] = { FRAME_4K, FRAME_2M, FRAME_1G, FRAME_RUN };
	uint64_t pages[] = { 1, 64, 256, 77 };

	memset(world->memory, 0xa5, 512 * PAGE_SIZE);
	for (unsigned i = 0; i < 4; i++) {
		struct frame_request request = {
			.size = sizes[i], .contents = FRAME_ZEROED,
			.pages = pages[i], .owner = OWNER_HEAP };
		uint64_t zeros = 0, others = 0;
		pfn_t frame;

		CHECK(frame_pool_alloc(&world->pool, 0, &request, &frame) ==
		      ST_OK);
		for (uint64_t at = 0; at < 512 * PAGE_SIZE; at++) {
			bool in = at / PAGE_SIZE - frame.raw < pages[i];

			zeros += in && world->memory[at] == 0;
			others += !in && world->memory[at] == 0xa5;
		}
		CHECK(zeros == pages[i] * PAGE_SIZE);
		CHECK(others == (512 - pages[i]) * PAGE_SIZE);
		memset(world->memory, 0xa5, 512 * PAGE_SIZE);
		CHECK(put(world, frame.raw, sizes[i], pages[i]) == ST_OK);
	}
	frame_world_free(world);
}

CASE(frame_refuses_nonsense_requests)
{
	struct frame_world *world = tiny(512);
	struct frame_request bad[] = {
		{ .owner = 0 }, { .owner = 192 }, { .owner = 223 },
		{ .owner = 1, .size = FRAME_RUN },
		{ .owner = 1, .size = (enum frame_size)9 },
		{ .owner = 1, .limit = (enum frame_limit)9 },
		{ .owner = 1, .contents = (enum frame_contents)9 },
	};
	pfn_t frame;

	for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++)
		CHECK(frame_pool_alloc(&world->pool, 0, &bad[i], &frame) ==
		      ST_BAD_ARGUMENT);
	CHECK(get(world, FRAME_RUN, 513, &frame) == ST_NO_MEMORY);
	CHECK(get(world, FRAME_RUN, UINT64_MAX, &frame) == ST_NO_MEMORY);
	CHECK(put(world, 0, FRAME_RUN, 0) == ST_BAD_ARGUMENT);
	CHECK(put(world, 0, (enum frame_size)7, 0) == ST_BAD_ARGUMENT);
	CHECK(frame_world_audit(world, 512));
	frame_world_free(world);
}

CASE(frame_finds_the_only_run_across_blocks)
{
	for (uint64_t pages = 1; pages <= 200; pages += 7) {
		for (uint64_t start = 0; start + pages <= 512; start += 11) {
			struct frame_world *world = tiny(512);
			pfn_t frame;

			for (unsigned i = 0; i < 512; i++)
				CHECK(get(world, FRAME_4K, 0, &frame) == ST_OK);
			for (uint64_t i = start; i < start + pages; i++)
				CHECK(put(world, i, FRAME_4K, 0) == ST_OK);
			CHECK(get(world, FRAME_RUN, pages + 1, &frame) ==
			      ST_NO_MEMORY);
			CHECK(get(world, FRAME_RUN, pages, &frame) == ST_OK);
			CHECK(frame.raw == start);
			CHECK(frame_world_audit(world, 0));
			CHECK(put(world, start, FRAME_RUN, pages) == ST_OK);
			CHECK(put(world, start, FRAME_RUN, pages) ==
			      ST_CONFLICT);
			CHECK(frame_world_audit(world, pages));
			frame_world_free(world);
		}
	}
}

/* The longest run of free frames; whole blocks count as well. */
static uint64_t longest(const bool *free, uint64_t frames)
{
	uint64_t most = 0, row = 0;

	for (uint64_t i = 0; i < frames; i++) {
		row = free[i] ? row + 1 : 0;
		most = max_u64(most, row);
	}
	return most;
}

CASE(frame_finds_the_longest_run_of_many)
{
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 300; round++) {
		struct frame_world *world = tiny(1024);
		bool free[1024] = { false };
		uint64_t most, gap = 1 + check_random(&seed) % 40;
		pfn_t frame;

		for (unsigned i = 0; i < 1024; i++)
			CHECK(get(world, FRAME_4K, 0, &frame) == ST_OK);
		for (unsigned i = 0; i < 1024; i++)
			free[i] = check_random(&seed) % gap != 0;
		for (unsigned i = 0; i < 1024; i++)
			if (free[i])
				CHECK(put(world, i, FRAME_4K, 0) == ST_OK);
		most = longest(free, 1024);
		CHECK(get(world, FRAME_RUN, most + 1, &frame) ==
		      ST_NO_MEMORY);
		if (most != 0)
			CHECK(get(world, FRAME_RUN, most, &frame) == ST_OK);
		for (uint64_t i = 0; i < most; i++)
			CHECK(free[frame.raw + i]);
		frame_world_free(world);
	}
}

CASE(frame_finds_a_run_on_both_sides_of_4_gib)
{
	uint64_t four = 4 * GIB >> PAGE_SHIFT;
	struct frame_world *world = frame_world_new(
		&(struct frame_world_request){ .shape = FRAME_SHAPE_PC,
			.frames = four + 262144, .cpus = 1 });
	struct frame_run runs[] = {
		{ { four - 3 }, 5 }, { { four + 600 }, 4 } };
	pfn_t frame;

	for (unsigned i = 0; i < 2; i++)
		CHECK(frame_pool_add(&world->pool, 0, runs[i]) == ST_OK);
	CHECK(get(world, FRAME_RUN, 6, &frame) == ST_NO_MEMORY);
	CHECK(get(world, FRAME_RUN, 5, &frame) == ST_OK);
	CHECK(frame.raw == four - 3);
	CHECK(get(world, FRAME_RUN, 4, &frame) == ST_OK);
	CHECK(frame.raw == four + 600);
	frame_world_free(world);
}

CASE(frame_falls_back_in_distance_order_unless_told_not_to)
{
	struct frame_world *worlds[3];
	struct frame_pool *pools[3];
	const uint8_t order[] = { 0, 2, 1, 1, 0, 2, 2, 1, 0 };
	static const uint16_t first[] = { 0, 1, 2, 3 };
	static const struct frame_place places[] = {
		{ 0, 0 }, { 1024, 1 }, { 2048, 2 } };
	struct frame_nodes nodes = {
		.pool = pools, .pools = 3, .count = 3, .first = first,
		.order = order, .places = places, .place_count = 3 };
	struct frame_request request = { .owner = 1, .node = 1 };
	pfn_t frame;

	for (unsigned i = 0; i < 3; i++) {
		worlds[i] = frame_world_full(&(struct frame_world_request){
			.shape = TINY, .first = { 1024 * i }, .frames = 256,
			.cpus = 1 });
		pools[i] = &worlds[i]->pool;
	}
	for (unsigned i = 0; i < 768; i++) {
		static const unsigned nearest[] = { 1, 0, 2 };

		CHECK(frame_alloc(&nodes, 0, &request, &frame) == ST_OK);
		CHECK(frame.raw / 1024 == nearest[i / 256]);
	}
	CHECK(frame_alloc(&nodes, 0, &request, &frame) == ST_NO_MEMORY);
	CHECK(frame_free(&nodes, 0, &(struct frame_return){
			{ 2048 }, FRAME_4K, 0, 0, MARK }) == ST_OK);
	request.rule = FRAME_NODE_REQUIRED;
	CHECK(frame_alloc(&nodes, 0, &request, &frame) == ST_NO_MEMORY);
	request.node = 2;
	CHECK(frame_alloc(&nodes, 0, &request, &frame) == ST_OK);
	request.node = 3;
	CHECK(frame_alloc(&nodes, 0, &request, &frame) == ST_BAD_ARGUMENT);
	CHECK(frame_free(&nodes, 0, &(struct frame_return){
			{ 512 }, FRAME_4K, 0, 0, MARK }) == ST_BAD_RANGE);
	for (unsigned i = 0; i < 3; i++)
		frame_world_free(worlds[i]);
}

static unsigned listed_above(const struct frame_world *world, unsigned class)
{
	unsigned count = 0;

	while (++class < FRAME_CLASSES)
		count += (unsigned)__builtin_popcountl(
			world->pool.classes[class].level[0][0].plain);
	return count;
}

/* Frees do not sort blocks, and one alloc must not have to sort them all. */
CASE(frame_sorts_few_blocks_in_one_call)
{
	struct frame_world *world = frame_world_full(
		&(struct frame_world_request){ .shape = SMALL, .frames = 8192,
			.cpus = 1 });
	pfn_t frame;

	for (unsigned i = 0; i < 8192; i++)
		CHECK(get(world, FRAME_4K, 0, &frame) == ST_OK);
	for (unsigned i = 0; i < 8192; i++)
		if (i % 128 < 40)
			CHECK(put(world, i, FRAME_4K, 0) == ST_OK);
	CHECK(listed_above(world, 0) == 0);
	for (unsigned i = 1; i < 20; i++) {
		unsigned before = listed_above(world, 0);

		CHECK(get(world, FRAME_4K, 0, &frame) == ST_OK);
		CHECK(listed_above(world, 0) <= before + 8);
	}
	CHECK(listed_above(world, 0) > 40);
	CHECK(frame_world_audit(world, 64 * 40 - 19));
	frame_world_free(world);
}

/* --- walks -----------------------------------------------------------------*/

struct allocated {
	pfn_t frame;
	enum frame_size size;
	uint64_t pages;
};

/* The simple model: one byte for each frame, 1 = allocated. */
struct walk {
	struct frame_world *world;
	struct frame_shape shape;
	uint64_t frames;
	unsigned char used[8192];
	struct allocated allocated[4096];
	unsigned count;
	uint64_t free;
};

static uint64_t length_of(const struct walk *walk,
			  const struct allocated *allocated)
{
	if (allocated->size == FRAME_RUN)
		return allocated->pages;
	if (allocated->size == FRAME_4K)
		return 1;
	return 1UL << (walk->shape.block_shift +
		       (allocated->size == FRAME_1G ? walk->shape.giant_shift :
						      0));
}

static bool model_has(const struct walk *walk, const struct allocated *want)
{
	uint64_t length = length_of(walk, want);
	uint64_t align = want->size == FRAME_RUN ? 1 : length;

	for (uint64_t at = 0; at + length <= walk->frames; at += align) {
		uint64_t i = 0;

		while (i < length && !walk->used[at + i])
			i++;
		if (i == length)
			return true;
	}
	return false;
}

static void walk_alloc(struct walk *walk, uint64_t *seed)
{
	struct allocated *allocated = &walk->allocated[walk->count];
	uint64_t roll = check_random(seed) % 100;
	enum status status;
	uint64_t length;

	allocated->size = roll < 60 ? FRAME_4K : roll < 75 ? FRAME_2M :
		     roll < 78 ? FRAME_1G : FRAME_RUN;
	allocated->pages = 1 + check_random(seed) % (roll < 90 ? 40 : 400);
	status = get(walk->world, allocated->size, allocated->pages,
		     &allocated->frame);
	CHECK(status == (model_has(walk, allocated) ? ST_OK : ST_NO_MEMORY));
	if (status != ST_OK)
		return;
	length = length_of(walk, allocated);
	for (uint64_t i = 0; i < length; i++)
		CHECK(walk->used[allocated->frame.raw + i]++ == 0);
	walk->free -= length;
	walk->count++;
}

static void walk_free(struct walk *walk, unsigned which)
{
	struct allocated *allocated = &walk->allocated[which];

	CHECK(put(walk->world, allocated->frame.raw, allocated->size,
		  allocated->pages) == ST_OK);
	for (uint64_t i = 0; i < length_of(walk, allocated); i++)
		walk->used[allocated->frame.raw + i] = 0;
	walk->free += length_of(walk, allocated);
	*allocated = walk->allocated[--walk->count];
}

static void walk_in(struct frame_shape shape, uint64_t frames, unsigned steps)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	uint64_t seed = check_seed();
	unsigned want = 50;

	walk->world = frame_world_full(&(struct frame_world_request){
		.shape = shape, .frames = frames, .cpus = 1 });
	walk->shape = shape;
	walk->frames = walk->free = frames;
	for (unsigned i = 0; i < steps; i++) {
		if (i % 500 == 0)
			want = (unsigned)(check_random(&seed) % 100);
		if (walk->count < 4095 &&
		    (walk->count == 0 || check_random(&seed) % 100 < want))
			walk_alloc(walk, &seed);
		else
			walk_free(walk, (unsigned)(check_random(&seed) %
						   walk->count));
		if (i % 97 == 0)
			CHECK(frame_world_audit(walk->world, walk->free));
	}
	while (walk->count > 0)
		walk_free(walk, walk->count - 1);
	CHECK(frame_world_audit(walk->world, frames));
	CHECK(walk->world->reports == 0);
	frame_world_free(walk->world);
	free(walk);
}

CASE(frame_walks_with_the_model_in_a_tiny_shape)
{
	walk_in(TINY, 1024, 30000);
}

CASE(frame_walks_with_the_model_in_an_odd_shape)
{
	walk_in((struct frame_shape){ 8, 3 }, 4096, 10000);
	walk_in(SMALL, 8192, 6000);
}
