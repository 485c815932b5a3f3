// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Cuts usable memory into pools.
 *
 * The arrays of a pool that speak for frames are backed only where it has
 * memory. Those that speak for blocks and giants are as long as the pool,
 * holes included, so that they need no table of their own: some 2 KiB for
 * each GiB. One page 16 TiB away from the rest would cost 35 MiB. So a node
 * is cut at its largest holes, until what is left of them costs less than a
 * small share of the node's memory, and no pool is longer than its 32-bit
 * numbers reach. Where a node is cut at all, it is cut at 4 GiB as well: then
 * memory below is a pool that can be asked last.
 *
 * A range costs whole pages of metadata, however short it is, and a firmware
 * may claim thousands of ranges of a page. All metadata may take a share of
 * memory (P4); where it would take more, the caller leaves out the smallest
 * ranges and plans again.
 */
#include <mm/frame_plan.h>

#include "layout.h"

#define FOUR_GIB	(4 * GIB >> PAGE_SHIFT)
#define LINE		64UL

/* --- what is added ---------------------------------------------------------*/

static bool is_cut(uint64_t frame)
{
	return frame == FOUR_GIB || is_aligned(frame, FRAME_POOL_MOST);
}

static uint64_t cut_above(uint64_t frame)
{
	return frame < FOUR_GIB ? FOUR_GIB :
	       align_down(frame, FRAME_POOL_MOST) + FRAME_POOL_MOST;
}

static enum status append(struct frame_plan *plan, struct frame_range range)
{
	struct frame_range *last = NULL;

	if (plan->count != 0)
		last = &plan->ranges[plan->count - 1];
	ASSERT(last == NULL || last->end <= range.first);
	if (last != NULL && last->end == range.first &&
	    last->node == range.node && !is_cut(range.first)) {
		last->end = range.end;
		last->in_use |= range.in_use;
		return ST_OK;
	}
	if (plan->count == plan->capacity)
		return ST_FULL;
	range.pool = FRAME_NO_POOL;
	plan->ranges[plan->count++] = range;
	return ST_OK;
}

enum status frame_plan_add(struct frame_plan *plan, struct frame_range range)
{
	ASSERT(range.first < range.end && range.node < plan->nodes);
	while (range.first < range.end) {
		struct frame_range part = range;
		enum status status;

		part.end = min_u64(range.end, cut_above(range.first));
		status = append(plan, part);
		if (status != ST_OK)
			return status;
		range.first = part.end;
	}
	return ST_OK;
}

static uint64_t pages_of(const struct frame_range *range)
{
	return range->end - range->first;
}

static bool is_left_out(const struct frame_plan *plan,
			const struct frame_range *range)
{
	return !range->in_use && pages_of(range) < plan->least_pages;
}

/* The next one of the node from `index` on that is not left out. */
static const struct frame_range *next_of(const struct frame_plan *plan,
					 unsigned node, size_t *index)
{
	for (; *index < plan->count; ++*index) {
		const struct frame_range *range = &plan->ranges[*index];

		if (range->node == node && !is_left_out(plan, range))
			return range;
	}
	return NULL;
}

/* --- where a node is cut ---------------------------------------------------*/

struct cuts {
	uint64_t hole;		/* giants: longer holes are cut              */
	bool at_16t;		/* at multiples of that, hole or not         */
	bool at_4g;
};

/* A node that is cut so; lengths in giants. */
struct survey {
	unsigned pools;
	uint64_t holes;		/* that are left, all together               */
	uint64_t largest_hole;	/* of those                                  */
	uint64_t longest;	/* pool                                      */
	uint64_t pages;
};

static uint64_t giant_of(const struct frame_plan *plan, uint64_t frame)
{
	return frame / giant_frames(plan->shape);
}

/* Whole giants between two ranges. */
static uint64_t hole_between(const struct frame_plan *plan,
			     const struct frame_range *before,
			     const struct frame_range *after)
{
	uint64_t from = giant_of(plan, before->end - 1) + 1;
	uint64_t to = giant_of(plan, after->first);

	return to > from ? to - from : 0;
}

static bool is_cut_between(const struct frame_plan *plan,
			   const struct cuts *cuts,
			   const struct frame_range *before,
			   const struct frame_range *after)
{
	if (hole_between(plan, before, after) > cuts->hole)
		return true;
	if (cuts->at_16t && (before->end - 1) / FRAME_POOL_MOST !=
				    after->first / FRAME_POOL_MOST)
		return true;
	return cuts->at_4g && before->end <= FOUR_GIB &&
	       after->first >= FOUR_GIB;
}

static struct survey survey_node(const struct frame_plan *plan, unsigned node,
				 const struct cuts *cuts)
{
	const struct frame_range *before = NULL, *range;
	struct survey survey = { 0 };
	uint64_t begin = 0;

	for (size_t i = 0; (range = next_of(plan, node, &i)) != NULL; i++) {
		bool cut = before == NULL ||
			   is_cut_between(plan, cuts, before, range);
		uint64_t hole = cut ? 0 : hole_between(plan, before, range);

		if (cut) {
			begin = giant_of(plan, range->first);
			survey.pools++;
		}
		survey.holes += hole;
		survey.largest_hole = max_u64(survey.largest_hole, hole);
		survey.longest = max_u64(survey.longest,
			giant_of(plan, range->end - 1) + 1 - begin);
		survey.pages += pages_of(range);
		before = range;
	}
	return survey;
}

uint64_t frame_plan_whole_bytes(const struct frame_pool_sizes *sizes)
{
	return align_up(sizeof(struct frame_pool), LINE) + sizes->activity +
	       sizes->hints + sizes->block_owner +
	       align_up(sizes->giant_owner, LINE) + sizes->trees;
}

static uint64_t whole_bytes(const struct frame_plan *plan, uint64_t giants)
{
	struct frame_pool_request request = {
		.frames = giants * giant_frames(plan->shape),
		.shape = plan->shape,
		.slots = plan->slots,
	};
	struct frame_pool_sizes sizes;

	MUST(frame_pool_measure(&request, &sizes));
	return frame_plan_whole_bytes(&sizes);
}

/* The price of each giant of a pool, be it memory or a hole. */
static uint64_t giant_bytes(const struct frame_plan *plan)
{
	return (whole_bytes(plan, 129) - whole_bytes(plan, 1)) / 128 + 1;
}

/* At the largest holes, until P3 and the length of pools are right. */
static enum status find_cuts(const struct frame_plan *plan, unsigned node,
			     struct cuts *cuts)
{
	uint64_t most = FRAME_POOL_MOST / giant_frames(plan->shape);
	uint64_t each = giant_bytes(plan);

	*cuts = (struct cuts){ .hole = UINT64_MAX };
	for (;;) {
		struct survey survey = survey_node(plan, node, cuts);
		uint64_t allowed = survey.pages * PAGE_SIZE /
					   FRAME_PLAN_HOLE_SHARE +
				   FRAME_PLAN_POOL_BYTES(plan->slots);

		if (survey.pools > FRAME_POOLS_MAX)
			return ST_FULL;
		if (survey.longest <= most && survey.holes * each <= allowed) {
			cuts->at_4g = survey.pools > 1;
			return ST_OK;
		}
		if (survey.largest_hole != 0) {
			cuts->hole = survey.largest_hole - 1;
			continue;
		}
		ASSERT(!cuts->at_16t);
		cuts->at_16t = true;
	}
}

/* --- pools -----------------------------------------------------------------*/

static enum status begin_pool(struct frame_plan *plan, unsigned node,
			      uint64_t first)
{
	if (plan->pools == FRAME_POOLS_MAX)
		return ST_FULL;
	plan->pool[plan->pools++] = (struct frame_plan_pool){
		.first = first,
		.node = node,
	};
	return ST_OK;
}

static enum status make_pools(struct frame_plan *plan, unsigned node)
{
	const struct frame_range *before = NULL, *range;
	struct cuts cuts;
	enum status status = find_cuts(plan, node, &cuts);

	for (size_t i = 0; status == ST_OK &&
			   (range = next_of(plan, node, &i)) != NULL; i++) {
		if (before == NULL ||
		    is_cut_between(plan, &cuts, before, range))
			status = begin_pool(plan, node, range->first);
		if (status != ST_OK)
			break;
		plan->ranges[i].pool = (uint16_t)(plan->pools - 1);
		plan->pool[plan->pools - 1].end = range->end;
		plan->pool[plan->pools - 1].pages += pages_of(range);
		before = range;
	}
	return status;
}

struct frame_pool_request frame_plan_request(const struct frame_plan *plan,
					     unsigned pool)
{
	const struct frame_plan_pool *row = &plan->pool[pool];
	uint64_t first;

	ASSERT(pool < plan->pools);
	first = align_down(row->first, giant_frames(plan->shape));
	return (struct frame_pool_request){
		.first = { first },
		.frames = row->end - first,
		.shape = plan->shape,
		.slots = plan->slots,
	};
}

/* Pages of an array in which a byte speaks for 1 << shift frames. */
static uint64_t backed_bytes(const struct frame_plan *plan, unsigned pool,
			     uint64_t first, unsigned shift)
{
	uint64_t pages = 0, next = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct frame_range *range = &plan->ranges[i];
		uint64_t from, to;

		if (range->pool != pool)
			continue;
		from = (range->first - first) >> shift >> PAGE_SHIFT;
		to = ((range->end - 1 - first) >> shift >> PAGE_SHIFT) + 1;
		from = max_u64(from, next);
		pages += to - min_u64(from, to);
		next = to;
	}
	return pages * PAGE_SIZE;
}

static void measure(struct frame_plan *plan, unsigned pool)
{
	struct frame_pool_request request = frame_plan_request(plan, pool);
	struct frame_plan_pool *row = &plan->pool[pool];
	struct frame_pool_sizes sizes;

	MUST(frame_pool_measure(&request, &sizes));
	row->bytes = align_up(frame_plan_whole_bytes(&sizes), PAGE_SIZE) +
		     backed_bytes(plan, pool, request.first.raw, 3) +
		     backed_bytes(plan, pool, request.first.raw, 0);
	plan->pages += row->pages;
	plan->bytes += row->bytes;
}

static void choose_ranges(struct frame_plan *plan)
{
	plan->left_out_ranges = plan->left_out_pages = 0;
	for (size_t i = 0; i < plan->count; i++) {
		struct frame_range *range = &plan->ranges[i];

		range->pool = FRAME_NO_POOL;
		if (!is_left_out(plan, range))
			continue;
		plan->left_out_ranges++;
		plan->left_out_pages += pages_of(range);
	}
}

/* P4 */
static bool is_worth_its_price(const struct frame_plan *plan)
{
	uint64_t bytes = plan->pages * PAGE_SIZE;

	return plan->bytes <= bytes / FRAME_PLAN_SHARE;
}

enum status frame_plan_build(struct frame_plan *plan)
{
	ASSERT(plan->nodes != 0 && plan->nodes <= FRAME_POOLS_MAX);
	plan->pools = 0;
	plan->pages = plan->bytes = 0;
	choose_ranges(plan);
	for (unsigned node = 0; node < plan->nodes; node++) {
		enum status status;

		plan->first[node] = (uint16_t)plan->pools;
		status = make_pools(plan, node);
		if (status != ST_OK)
			return status;
	}
	plan->first[plan->nodes] = (uint16_t)plan->pools;
	for (unsigned pool = 0; pool < plan->pools; pool++)
		measure(plan, pool);
	return plan->pools != 0 && is_worth_its_price(plan) ? ST_OK :
							      ST_NO_MEMORY;
}

bool frame_plan_leave_out_more(struct frame_plan *plan)
{
	uint64_t smallest = UINT64_MAX;

	for (size_t i = 0; i < plan->count; i++) {
		const struct frame_range *range = &plan->ranges[i];

		if (!range->in_use && !is_left_out(plan, range))
			smallest = min_u64(smallest, pages_of(range));
	}
	if (smallest == UINT64_MAX)
		return false;
	/* The power of two above: few steps, however many ranges there are. */
	plan->least_pages = 2UL << (63 - __builtin_clzl(smallest));
	return true;
}

/* --- questions -------------------------------------------------------------*/

enum status frame_plan_find(const struct frame_plan *plan, pfn_t frame,
			    size_t *index)
{
	size_t low = 0, high = plan->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (plan->ranges[middle].end <= frame.raw)
			low = middle + 1;
		else
			high = middle;
	}
	*index = low;
	return low < plan->count && plan->ranges[low].first <= frame.raw ?
		       ST_OK : ST_NOT_FOUND;
}

unsigned frame_plan_largest(const struct frame_plan *plan, unsigned node)
{
	unsigned best = FRAME_NO_POOL;

	for (unsigned i = plan->first[node]; i < plan->first[node + 1]; i++)
		if (best == FRAME_NO_POOL ||
		    plan->pool[i].pages > plan->pool[best].pages)
			best = i;
	return best;
}

static bool is_asked_before(const struct frame_plan_pool *one,
			    const struct frame_plan_pool *other)
{
	bool low = one->first < FOUR_GIB, other_low = other->first < FOUR_GIB;

	return low != other_low ? other_low : one->pages > other->pages;
}

unsigned frame_plan_order(const struct frame_plan *plan, unsigned node,
			  uint8_t *out)
{
	unsigned count = 0;

	for (unsigned i = plan->first[node]; i < plan->first[node + 1]; i++) {
		unsigned hole = count++;

		while (hole > 0 &&
		       is_asked_before(&plan->pool[i],
				       &plan->pool[out[hole - 1]])) {
			out[hole] = out[hole - 1];
			hole--;
		}
		out[hole] = (uint8_t)i;
	}
	return count;
}

size_t frame_plan_places(const struct frame_plan *plan,
			 struct frame_place *places)
{
	unsigned before = FRAME_NO_POOL;
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct frame_range *range = &plan->ranges[i];

		if (range->pool == before || range->pool == FRAME_NO_POOL)
			continue;
		before = range->pool;
		if (places != NULL)
			places[count] = (struct frame_place){
				range->first, before };
		count++;
	}
	return count;
}

/* --- audit -----------------------------------------------------------------*/

static bool range_is_good(const struct frame_plan *plan, size_t index)
{
	const struct frame_range *range = &plan->ranges[index];
	const struct frame_plan_pool *pool;

	if (range->first >= range->end || range->node >= plan->nodes ||
	    (index > 0 && range->first < plan->ranges[index - 1].end))
		return false;
	if (range->pool == FRAME_NO_POOL)
		return !range->in_use;					/* P5 */
	pool = &plan->pool[range->pool];
	return range->pool < plan->pools && pool->node == range->node &&
	       pool->first <= range->first && range->end <= pool->end;
}

/* P1, and P3 with what is left of holes in the end. */
static bool node_is_good(const struct frame_plan *plan, unsigned node)
{
	const struct frame_range *before = NULL, *range;
	uint64_t holes = 0, pages = 0;

	for (size_t i = 0; (range = next_of(plan, node, &i)) != NULL; i++) {
		unsigned want = before == NULL ? plan->first[node] :
						 before->pool;

		if (range->pool != want && range->pool != want + 1)
			return false;
		if (before != NULL && range->pool == before->pool)
			holes += hole_between(plan, before, range);
		pages += pages_of(range);
		before = range;
	}
	return holes * giant_bytes(plan) <=
	       pages * PAGE_SIZE / FRAME_PLAN_HOLE_SHARE +
		       FRAME_PLAN_POOL_BYTES(plan->slots);
}

static bool pool_is_good(const struct frame_plan *plan, unsigned index)
{
	struct frame_pool_request request = frame_plan_request(plan, index);
	const struct frame_plan_pool *pool = &plan->pool[index];

	if (align_up(request.frames, giant_frames(plan->shape)) >
		    FRAME_POOL_MOST ||
	    index < plan->first[pool->node] ||
	    index >= plan->first[pool->node + 1])
		return false;
	return index == plan->first[pool->node] ||		/* P2 */
	       giant_of(plan, pool[-1].end - 1) < giant_of(plan, pool->first);
}

bool frame_plan_audit(const struct frame_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (!range_is_good(plan, i))
			return false;
	for (unsigned node = 0; node < plan->nodes; node++)
		if (!node_is_good(plan, node))
			return false;
	for (unsigned pool = 0; pool < plan->pools; pool++)
		if (!pool_is_good(plan, pool))
			return false;
	return is_worth_its_price(plan);
}
