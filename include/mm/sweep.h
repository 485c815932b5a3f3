/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sweep.h - overlapping ranges in, one answer for every byte out.
 *
 * Takes: ranges in any order, overlapping, nested, repeated or empty.
 * Gives: for every range that one of them covers, which ranks cover it;
 *        or the plain answer to that, a list of ranges in which the largest
 *        covering rank has won.
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
	const struct sweep_range *ranges;	/* empty ones say nothing    */
	size_t count;
	void *scratch;			/* sweep_scratch_bytes, 8-aligned    */
	size_t scratch_bytes;
};

/* A range that is not empty and in which nothing begins or ends. */
struct sweep_gap {
	uint64_t start, end;
	uint32_t covering;		/* bit n: a range of rank n; never 0 */
};

size_t sweep_scratch_bytes(size_t ranges);
size_t sweep_capacity(size_t ranges);	/* results that always fit           */

/*
 * Shows every covered gap to `visit`, in ascending order and disjoint; a gap
 * may touch one with the same covering. Stops when `visit` does not say
 * ST_OK, and says the same.
 * Fails: ST_FULL (before the first visit) when the scratch is too small.
 * Cost:  O(n log n), no memory beyond the scratch.
 */
enum status sweep_walk(const struct sweep_request *request,
		       enum status (*visit)(void *context,
					    const struct sweep_gap *gap),
		       void *context);

/*
 * Fills `out` with ascending, disjoint, maximal ranges (touching ones differ
 * in rank), each byte going to the largest rank that covers it. `out` must
 * not lie inside the input or the scratch.
 * Fails: ST_FULL when `out` or the scratch is too small; out->count is 0.
 * Cost:  as sweep_walk.
 */
enum status sweep_ranges(struct sweep_list *out,
			 const struct sweep_request *request);

#endif
