// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Between two neighbouring edges of the input nothing changes. So the sweep
 * goes from edge to edge and counts the open ranges of each rank. It needs no
 * case analysis of overlapping ranges.
 *
 * The order of edges at one address does not matter: a range that ends there
 * began at a lower address, so its count is above zero already, and a gap is
 * visited only after all edges at its start were counted.
 */
#include <mm/sweep.h>

#include <base/assert.h>
#include <base/bits.h>
#include <base/sort.h>

enum edge_side {
	EDGE_OPENS,
	EDGE_CLOSES,
};

struct edge {
	uint64_t at;
	uint32_t rank;
	enum edge_side side;
};

struct cover {
	uint64_t open[SWEEP_RANKS];	/* ranges begun and not yet ended    */
	uint32_t ranks;			/* bit n: open[n] > 0                */
};

size_t sweep_scratch_bytes(size_t ranges)
{
	size_t bytes;

	/* A size that overflows: no caller has so much memory. */
	if (__builtin_mul_overflow(ranges, 2 * sizeof(struct edge), &bytes))
		return SIZE_MAX;
	return bytes;
}

size_t sweep_capacity(size_t ranges)
{
	/* A result begins at an edge, and none begins at the last one. */
	return 2 * ranges;
}

static bool edge_before(const void *a, const void *b)
{
	return ((const struct edge *)a)->at < ((const struct edge *)b)->at;
}

static size_t list_edges(struct edge *edges, const struct sweep_range *ranges,
			 size_t count)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		const struct sweep_range *range = &ranges[i];
		uint32_t rank = (uint32_t)range->rank;

		ASSERT(range->start <= range->end);
		ASSERT(range->rank < SWEEP_RANKS);
		if (range->start == range->end)
			continue;
		edges[used++] = (struct edge){ range->start, rank, EDGE_OPENS };
		edges[used++] = (struct edge){ range->end, rank, EDGE_CLOSES };
	}
	return used;
}

static void cover_pass(struct cover *cover, const struct edge *edge)
{
	uint32_t bit = 1U << edge->rank;

	if (edge->side == EDGE_OPENS) {
		cover->open[edge->rank]++;
		cover->ranks |= bit;
		return;
	}
	ASSERT(cover->open[edge->rank] > 0);
	cover->open[edge->rank]--;
	if (cover->open[edge->rank] == 0)
		cover->ranks &= ~bit;
}

enum status sweep_walk(const struct sweep_request *request,
		       enum status (*visit)(void *context,
					    const struct sweep_gap *gap),
		       void *context)
{
	struct edge *edges = request->scratch;
	struct cover cover = { .ranks = 0 };
	uint64_t from = 0;
	size_t count;

	if (request->scratch_bytes < sweep_scratch_bytes(request->count))
		return ST_FULL;
	ASSERT(is_aligned((uintptr_t)edges, sizeof(uint64_t)));
	count = list_edges(edges, request->ranges, request->count);
	sort(edges, count, sizeof(edges[0]), edge_before);
	for (size_t i = 0; i < count; i++) {
		if (cover.ranks != 0 && edges[i].at > from) {
			struct sweep_gap gap = {
				from, edges[i].at, cover.ranks
			};
			enum status status = visit(context, &gap);

			if (status != ST_OK)
				return status;
		}
		from = edges[i].at;
		cover_pass(&cover, &edges[i]);
	}
	ASSERT(cover.ranks == 0);
	return ST_OK;
}

static enum status keep_largest_rank(void *context, const struct sweep_gap *gap)
{
	struct sweep_list *out = context;
	uint64_t rank = SWEEP_RANKS - 1 - __builtin_clz(gap->covering);
	struct sweep_range *last =
		out->count > 0 ? &out->items[out->count - 1] : NULL;

	if (last != NULL && last->end == gap->start && last->rank == rank) {
		last->end = gap->end;
		return ST_OK;
	}
	if (out->count == out->capacity)
		return ST_FULL;
	out->items[out->count++] =
		(struct sweep_range){ gap->start, gap->end, rank };
	return ST_OK;
}

enum status sweep_ranges(struct sweep_list *out,
			 const struct sweep_request *request)
{
	enum status status;

	out->count = 0;
	status = sweep_walk(request, keep_largest_rank, out);
	if (status != ST_OK)
		out->count = 0;
	return status;
}
