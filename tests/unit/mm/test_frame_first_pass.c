// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * An alloc that succeeds reads no other CPU's state: the slots of the other
 * CPUs are on a page without access.
 */
#include <mm/frame/search.h>
#include <mm/frame_cache.h>

#include "check.h"
#include "fake_cpu.h"
#include "frame_world.h"

#include <sys/mman.h>
#include <unistd.h>

#define SHAPE	((struct frame_shape){ 6, 2 })
#define FRAMES	1024UL		/* four giants of that shape                 */
#define POOLS	3

static struct frame_pool *pools[POOLS];
static const uint16_t first[] = { 0, 1, 2, 3 };
static const uint8_t order[] = { 0, 1, 2, 1, 0, 2, 2, 1, 0 };
static const struct frame_place places[] = {
	{ 0, 0 }, { FRAMES, 1 }, { 2 * FRAMES, 2 },
};

static struct {
	struct frame_world *world[POOLS];
	struct frame_activity *kept[POOLS];
	char *pages[POOLS];
	struct frame_nodes nodes;
} scene;

static void hide_others(unsigned i)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED);
	scene.pages[i] = at;
	scene.kept[i] = pools[i]->activity;
	/* Slot 0 is the last on the first page, the others are behind it. */
	pools[i]->activity = (struct frame_activity *)(at + page) - 1;
	CHECK(mprotect(at + page, page, PROT_NONE) == 0);
}

static void set_up(void)
{
	fake_cpu_become(0, CPU_TASK);
	for (unsigned i = 0; i < POOLS; i++) {
		scene.world[i] = frame_world_full(
			&(struct frame_world_request){
				.shape = SHAPE, .cpus = 4, .frames = FRAMES,
				.first = { i * FRAMES } });
		pools[i] = &scene.world[i]->pool;
	}
	scene.nodes = (struct frame_nodes){
		.pool = pools, .pools = POOLS, .count = POOLS,
		.first = first, .order = order,
		.places = places, .place_count = POOLS,
	};
}

static void hide(void)
{
	for (unsigned i = 0; i < POOLS; i++)
		hide_others(i);
}

static void tear_down(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (unsigned i = 0; i < POOLS; i++) {
		if (scene.pages[i] == NULL)
			continue;
		pools[i]->activity = scene.kept[i];
		CHECK(munmap(scene.pages[i], 2 * page) == 0);
		scene.pages[i] = NULL;
	}
	for (unsigned i = 0; i < POOLS; i++)
		frame_world_free(scene.world[i]);
}

static enum status take(struct frame_request request, pfn_t *out)
{
	request.owner = 1;
	return frame_alloc(&scene.nodes, 0, &request, out);
}

/* Nothing of this size is left in node 0, and then not in node 1 either. */
static void allocs_of(enum frame_size size, enum frame_limit limit,
		      uint64_t pages)
{
	struct frame_request request = {
		.size = size, .limit = limit, .pages = pages };
	uint64_t count = 2 * FRAMES / pages + 1;
	pfn_t frame = { 0 };

	set_up();
	hide();
	for (uint64_t i = 0; i < count; i++)
		CHECK(take(request, &frame) == ST_OK);
	CHECK(frame.raw >= 2 * FRAMES);
	tear_down();
}

CASE(frame_first_pass_reads_no_other_cpu_for_a_frame)
{
	allocs_of(FRAME_4K, FRAME_ANYWHERE, 1);
	allocs_of(FRAME_4K, FRAME_BELOW_4G, 1);
}

CASE(frame_first_pass_reads_no_other_cpu_for_a_block)
{
	allocs_of(FRAME_2M, FRAME_ANYWHERE, 64);
	allocs_of(FRAME_2M, FRAME_BELOW_4G, 64);
}

CASE(frame_first_pass_reads_no_other_cpu_for_a_giant)
{
	allocs_of(FRAME_1G, FRAME_ANYWHERE, 256);
	allocs_of(FRAME_1G, FRAME_BELOW_4G, 256);
}

CASE(frame_first_pass_reads_no_other_cpu_for_a_run)
{
	allocs_of(FRAME_RUN, FRAME_ANYWHERE, 128);
	allocs_of(FRAME_RUN, FRAME_BELOW_4G, 128);
}

/* One pool: the search alone decides while it finds something. */
CASE(frame_first_pass_is_all_that_a_required_node_needs)
{
	static const struct {
		enum frame_size size;
		uint64_t pages;
	} want[] = {
		{ FRAME_4K, 1 }, { FRAME_2M, 64 }, { FRAME_1G, 256 },
		{ FRAME_RUN, 100 },
	};
	pfn_t frame;

	for (unsigned i = 0; i < 4; i++) {
		set_up();
		hide();
		for (uint64_t n = 0; n < FRAMES / want[i].pages; n++)
			CHECK(take((struct frame_request){
				.size = want[i].size, .pages = want[i].pages,
				.limit = n % 2 ? FRAME_ANYWHERE :
						 FRAME_BELOW_4G,
				.node = 1, .rule = FRAME_NODE_REQUIRED,
			}, &frame) == ST_OK && frame.raw / FRAMES == 1);
		tear_down();
	}
}

CASE(frame_first_pass_is_no_refusal)
{
	struct frame_request request = { 0 };
	pfn_t frame;

	set_up();
	for (uint64_t i = 0; i < POOLS * FRAMES; i++)
		CHECK(take(request, &frame) == ST_OK);
	/* A CPU that moves frames delays a refusal, here for ever. */
	frame_enter(pools[2], frame_task_slot(3));
	CHECK(take(request, &frame) == ST_CONFLICT);
	request.size = FRAME_RUN;
	request.pages = 2;
	CHECK(take(request, &frame) == ST_CONFLICT);
	request.rule = FRAME_NODE_REQUIRED;
	request.node = 2;
	CHECK(take(request, &frame) == ST_CONFLICT);
	request.node = 1;
	CHECK(take(request, &frame) == ST_NO_MEMORY);
	frame_leave(pools[2], frame_task_slot(3));
	CHECK(take((struct frame_request){ .size = FRAME_2M }, &frame) ==
	      ST_NO_MEMORY);
	tear_down();
}
