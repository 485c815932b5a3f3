// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A try takes in this order: the ranges that stay out, so that
 * no metadata comes to lie there; the tables of all pools; each pool with its
 * arrays; what the caller needs. A try that fails gives all of it back, in
 * the reverse order, so that no step back needs more room than there was.
 */
#include "frame_setup.h"

#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>

#define LINE 64UL

static void *carve(char **next, uint64_t bytes)
{
	void *part = *next;

	*next += align_up(bytes, LINE);
	return part;
}

/* --- tables ----------------------------------------------------------------*/

/*
 * The node's own pools, then those of each other node, nearest first: by
 * order_from of kernel/platform/numa.c.
 */
static void make_row(const struct frame_setup *setup, unsigned node,
		     uint8_t *row)
{
	const struct frame_plan *plan = &setup->plan;
	const uint8_t *near = numa_order_at(setup->numa, node);
	unsigned reached = setup->numa->nodes[node].reachable;
	bool seen[FRAME_POOLS_MAX] = { false };
	unsigned count = 0;

	for (unsigned i = 0; i < reached; i++) {
		count += frame_plan_order(plan, near[i], row + count);
		seen[near[i]] = true;
	}
	/* All memory is in the direct map of all CPUs, whatever SLIT says. */
	for (unsigned other = 0; other < plan->nodes; other++)
		if (!seen[other])
			count += frame_plan_order(plan, other, row + count);
	ASSERT(count == plan->pools);
}

static enum status take_tables(struct frame_setup *setup)
{
	const struct frame_plan *plan = &setup->plan;
	size_t place_count = frame_plan_places(plan, NULL);
	uint64_t pools = plan->pools * sizeof(struct frame_pool *);
	uint64_t firsts = (plan->nodes + 1) * sizeof(uint16_t);
	uint64_t places = place_count * sizeof(struct frame_place);
	struct meta_array array = {
		.bytes = align_up(pools, LINE) + align_up(firsts, LINE) +
			 align_up(places, LINE) + plan->nodes * plan->pools,
	};
	struct frame_pool **pool;
	struct frame_place *place;
	uint16_t *first;
	uint8_t *order;
	void *memory;
	char *next;
	enum status status = setup->ops->take(setup, &array, &memory);

	if (status != ST_OK)
		return status;
	next = memory;
	pool = carve(&next, pools);
	first = carve(&next, firsts);
	place = carve(&next, places);
	order = (uint8_t *)next;
	memcpy(first, plan->first, firsts);
	frame_plan_places(plan, place);
	for (unsigned node = 0; node < plan->nodes; node++)
		make_row(setup, node, order + node * plan->pools);
	setup->nodes = (struct frame_nodes){
		.pool = pool, .pools = plan->pools,
		.count = plan->nodes, .first = first, .order = order,
		.places = place, .place_count = place_count,
	};
	return ST_OK;
}

/* --- a pool ----------------------------------------------------------------*/

static enum status take_whole(struct frame_setup *setup, unsigned pool,
			      struct frame_pool_request *request,
			      const struct frame_pool_sizes *sizes)
{
	struct meta_array array = {
		.bytes = frame_plan_whole_bytes(sizes),
		.pool = pool,
		.node = setup->plan.pool[pool].node,
	};
	void *memory;
	char *next;
	enum status status = setup->ops->take(setup, &array, &memory);

	if (status != ST_OK)
		return status;
	next = memory;
	setup->nodes.pool[pool] = carve(&next, sizeof(struct frame_pool));
	request->activity = carve(&next, sizes->activity);
	request->hints = carve(&next, sizes->hints);
	request->block_owner = carve(&next, sizes->block_owner);
	request->giant_owner = carve(&next, sizes->giant_owner);
	request->trees = carve(&next, sizes->trees);
	return ST_OK;
}

static enum status take_sparse(struct frame_setup *setup, unsigned pool,
			       struct frame_pool_request *request,
			       const struct frame_pool_sizes *sizes)
{
	struct meta_array array = {
		.first_frame = request->first.raw,
		.pool = pool,
		.node = setup->plan.pool[pool].node,
	};
	enum status status;

	array.bytes = sizes->bits;
	array.frames_per_byte = 8;
	status = setup->ops->take(setup, &array, &request->bits);
	if (status != ST_OK)
		return status;
	array.bytes = sizes->frame_owner;
	array.frames_per_byte = 1;
	return setup->ops->take(setup, &array, &request->frame_owner);
}

static enum status make_pool(struct frame_setup *setup, unsigned pool)
{
	struct frame_pool_request request =
		frame_plan_request(&setup->plan, pool);
	struct frame_pool_sizes sizes;
	enum status status = frame_pool_measure(&request, &sizes);

	request.reporter = setup->reporter;
	request.window = setup->window;
	if (status == ST_OK)
		status = take_whole(setup, pool, &request, &sizes);
	if (status == ST_OK)
		status = take_sparse(setup, pool, &request, &sizes);
	if (status == ST_OK)
		status = frame_pool_init(setup->nodes.pool[pool], &request);
	return status;
}

/* --- tries -----------------------------------------------------------------*/

static struct frame_run run_of(const struct frame_range *range)
{
	return (struct frame_run){ { range->first },
				   range->end - range->first };
}

static enum status keep_out_ranges(struct frame_setup *setup)
{
	const struct frame_plan *plan = &setup->plan;

	for (; setup->kept_out < plan->count; setup->kept_out++) {
		const struct frame_range *range =
			&plan->ranges[setup->kept_out];
		enum status status;

		if (range->pool != FRAME_NO_POOL)
			continue;
		status = setup->ops->keep_out(setup, run_of(range));
		if (status != ST_OK)
			return status;
	}
	return ST_OK;
}

static enum status make_all(struct frame_setup *setup)
{
	struct frame_plan *plan = &setup->plan;
	enum status status;

	plan->count = 0;
	plan->nodes = (unsigned)setup->numa->node_count;
	status = setup->ops->list(setup);
	if (status == ST_OK)
		status = frame_plan_build(plan);
	if (status == ST_OK)
		status = keep_out_ranges(setup);
	if (status == ST_OK)
		status = take_tables(setup);
	for (unsigned i = 0; status == ST_OK && i < plan->pools; i++)
		status = make_pool(setup, i);
	return status == ST_OK ? setup->ops->finish(setup) : status;
}

static void give_back(struct frame_setup *setup)
{
	setup->ops->give_all(setup);
	setup->nodes = (struct frame_nodes){ .pools = 0 };
	while (setup->kept_out > 0) {
		const struct frame_range *range =
			&setup->plan.ranges[--setup->kept_out];

		if (range->pool == FRAME_NO_POOL)
			setup->ops->let_in(setup, run_of(range));
	}
}

enum status frame_setup_run(struct frame_setup *setup)
{
	setup->plan.least_pages = 1;
	setup->kept_out = 0;
	for (;;) {
		enum status status = make_all(setup);

		if (status == ST_OK)
			return ST_OK;
		give_back(setup);
		if (setup->plan.nodes > 1)
			setup->ops->collapse(setup, status);
		else if (!frame_plan_leave_out_more(&setup->plan))
			return status;
	}
}
