/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sweep.h - settles overlapping ranges: one result for every byte.
 *
 * Takes: ranges in any order, overlapping, nested, repeated or empty.
 * Gives: for every covered gap between two edges, the set of ranks that cover
 *        it; or a list of ranges, each with the largest rank that covers it.
 *
 * Edges are bytes; a caller that wants pages rounds them first, inward or
 * outward.
 */
#ifndef MM_SWEEP_H
#define MM_SWEEP_H

#include <base/status.h>

#include <stddef.h>
#include <stdint.h>

/* Ranks are 0..SWEEP_RANKS - 1, one bit each in sweep_gap's `covering`. */
#define SWEEP_RANKS 32

struct sweep_range {
	uint64_t start, end;		/* [start..end), start <= end        */
	uint64_t rank;
};

/* `items` has room for `capacity`; sweep_capacity says how many. */
struct sweep_list {
	struct sweep_range *items;
	size_t count;
	size_t capacity;
};

struct sweep_request {
	const struct sweep_range *ranges;	/* empty ones are ignored    */
	size_t count;
	void *scratch;			/* sweep_scratch_bytes, 8-aligned    */
	size_t scratch_bytes;
};

/* A range between two neighbouring edges; not empty. */
struct sweep_gap {
	uint64_t start, end;
	uint32_t covering;		/* bit n: a range of rank n; never 0 */
};

size_t sweep_scratch_bytes(size_t ranges);
size_t sweep_capacity(size_t ranges);	/* results that always fit           */

/*
 * Calls `visit` for every covered gap, in ascending order; adjacent gaps may
 * have the same covering. Stops when `visit` does not return ST_OK, and
 * returns the same status.
 * Fails: ST_FULL (before the first visit) when the scratch is too small.
 * Cost:  O(n log n), no memory beyond the scratch.
 */
enum status sweep_walk(const struct sweep_request *request,
		       enum status (*visit)(void *context,
					    const struct sweep_gap *gap),
		       void *context);

/*
 * Fills `out` with ascending, disjoint, maximal ranges (touching ones differ
 * in rank): each byte has the largest rank that covers it. `out` must not be
 * inside the input or the scratch.
 * Fails: ST_FULL when `out` or the scratch is too small; out->count is 0.
 * Cost:  as sweep_walk.
 */
enum status sweep_ranges(struct sweep_list *out,
			 const struct sweep_request *request);

#endif
