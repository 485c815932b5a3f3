/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_nodes.h - the pools of all NUMA nodes, tried from the nearest on.
 */
#ifndef MM_FRAME_NODES_H
#define MM_FRAME_NODES_H

#include <mm/frame.h>

/* Pools of all nodes: each has a number of 8 bits in the fallback order. */
#define FRAME_POOLS_MAX		256

/* From `first` up to the next place, a frame is this pool's or no pool's. */
struct frame_place {
	uint64_t first;			/* pfn                               */
	unsigned pool;
};

/* A node has several pools where one would span too much, or none at all. */
struct frame_nodes {
	struct frame_pool **pool;	/* [C] node 0's, node 1's and so on   */
	unsigned pools;
	unsigned count;			/* of nodes                          */
	/* [C] node n's are pool[first[n]] up to pool[first[n + 1]]          */
	const uint16_t *first;
	/*
	 * [C] row n: all pools, n's own first, then those of nearer nodes. Made
	 * by make_row (kernel/memory/frame_setup.c) from numa.h's orders.
	 */
	const uint8_t *order;
	const struct frame_place *places;	/* [C] ascending             */
	size_t place_count;
};

/*
 * The place that the frame is in: no pool but the place's can have it.
 * Fails: ST_NOT_FOUND (below all places).
 * Cost:  O(log places).
 */
enum status frame_nodes_find_place(const struct frame_nodes *nodes,
				   pfn_t frame, size_t *index);

/*
 * The number of the pool that has this frame.
 * Fails: ST_NOT_FOUND.
 * Cost:  O(log places).
 */
enum status frame_nodes_find(const struct frame_nodes *nodes, pfn_t frame,
			     unsigned *pool);

/* How many pools of its own a node has. */
static inline unsigned frame_nodes_own(const struct frame_nodes *nodes,
				       unsigned node)
{
	return nodes->first[node + 1] - nodes->first[node];
}

/* As frame_pool_alloc, over nodes; ST_BAD_ARGUMENT also for the node. */
enum status frame_alloc(struct frame_nodes *nodes, cpu_slot slot,
			const struct frame_request *request, pfn_t *out);

/* As frame_pool_free, wherever the frame lives. */
enum status frame_free(struct frame_nodes *nodes, cpu_slot slot,
		       const struct frame_return *what);

#endif
