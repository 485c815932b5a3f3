// SPDX-License-Identifier: MIT OR Apache-2.0
#include "frame_world.h"

#include "fake_cpu.h"

#include <base/bits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fewer than the caches of some tests have. */
#define WINDOW 7

static void note(struct frame_reporter *reporter,
		 const struct frame_bad_free *bad)
{
	struct frame_world *world = (struct frame_world *)reporter;

	world->last = *bad;
	world->reports++;
}

static void *junk(struct frame_world *world, unsigned which, uint64_t bytes)
{
	void *memory = aligned_alloc(64, align_up(bytes, 64));

	if (memory == NULL)
		abort();
	memset(memory, 0x5b, bytes);
	world->arrays[which] = memory;
	return memory;
}

static struct frame_cache *caches_of(unsigned cpus)
{
	size_t bytes = 2 * cpus * sizeof(struct frame_cache);
	struct frame_cache *caches = aligned_alloc(
		_Alignof(struct frame_cache), bytes);

	if (caches == NULL)
		abort();
	return memset(caches, 0, bytes);
}

struct frame_world *frame_world_new(const struct frame_world_request *request)
{
	struct frame_world *world = calloc(1, sizeof(*world));
	struct frame_pool_request pool = {
		.first = request->first,
		.frames = request->frames,
		.shape = request->shape,
		.slots = 2 * request->cpus,
	};

	if (world == NULL ||
	    frame_pool_measure(&pool, &world->sizes) != ST_OK)
		abort();
	world->reporter.report = note;
	world->frames = request->frames;
	pool.reporter = &world->reporter;
	if (request->memory == FRAME_WORLD_MEMORY) {
		world->memory = malloc(request->frames * PAGE_SIZE);
		pool.window.offset = (uint64_t)(uintptr_t)world->memory -
				     request->first.raw * PAGE_SIZE;
	}
	pool.bits = junk(world, 0, world->sizes.bits);
	pool.hints = junk(world, 1, world->sizes.hints);
	pool.frame_owner = junk(world, 2, world->sizes.frame_owner);
	pool.block_owner = junk(world, 3, world->sizes.block_owner);
	pool.giant_owner = junk(world, 4, world->sizes.giant_owner);
	pool.trees = junk(world, 5, world->sizes.trees);
	pool.activity = junk(world, 6, world->sizes.activity);
	if (frame_pool_init(&world->pool, &pool) != ST_OK)
		abort();
	world->set = (struct frame_cache_set){
		.pool = &world->pool,
		.caches = caches_of(request->cpus),
		.cpus = request->cpus,
	};
	frame_cache_set_init(&world->set);
	return world;
}

struct frame_world *frame_world_full(const struct frame_world_request *request)
{
	struct frame_world *world = frame_world_new(request);
	struct frame_run all = { request->first, request->frames };

	if (frame_pool_add(&world->pool, 0, all) != ST_OK)
		abort();
	return world;
}

void frame_world_free(struct frame_world *world)
{
	for (unsigned i = 0; i < 7; i++)
		free(world->arrays[i]);
	free(world->set.caches);
	free(world->memory);
	free(world);
}

enum frame_finding_kind frame_world_find(const struct frame_world *world,
					 struct frame_finding *out)
{
	struct frame_cached window[WINDOW];

	frame_audit(&(struct frame_audit_request){
		.pool = &world->pool, .caches = world->set.caches,
		.slots = 2 * world->set.cpus, .window = window,
		.window_length = WINDOW,
	}, out);
	return out->kind;
}

bool frame_world_audit(const struct frame_world *world, uint64_t free)
{
	struct frame_finding finding;
	struct frame_stats stats;
	uint64_t held = 0;

	if (frame_world_find(world, &finding) != FRAME_FOUND_NOTHING) {
		char text[FRAME_FINDING_BYTES];

		frame_finding_print(&finding, text);
		printf("# audit: %s\n", text);
		return false;
	}
	for (unsigned slot = 0; slot < 2 * world->set.cpus; slot++)
		held += frame_cache_held(&world->set.caches[slot]);
	frame_pool_stats(&world->pool, &stats);
	return stats.free_frames + held == free;
}
