/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_plan.h - which pools a machine gets, before any of them exists.
 *
 * Takes: all usable memory, as ranges of one node each.
 * Gives: pools of at most FRAME_POOL_MOST frames each, and for each range the
 *        pool that is to have it, such that (P1) a pool's ranges are of one
 *        node, and in a row among this node's; (P2) no two pools of a node
 *        share a giant; (P3) holes cost each node's arrays at most a share
 *        of its memory, or one more pool's; (P4) the metadata of all pools
 *        together is at most 1 / FRAME_PLAN_SHARE of their memory; (P5) a
 *        range that is in use is a pool's.
 */
#ifndef MM_FRAME_PLAN_H
#define MM_FRAME_PLAN_H

#include <mm/frame_add.h>
#include <mm/frame_nodes.h>

/* Relative frame numbers are 32 bits: 16 TiB. */
#define FRAME_POOL_MOST		(1UL << 32)
/* Holes of a node: 16 KiB of metadata for each GiB of its memory. */
#define FRAME_PLAN_HOLE_SHARE	65536
#define FRAME_PLAN_SHARE	32
/* Of a pool beyond its memory's: rounding to pages, and its slots. */
#define FRAME_PLAN_POOL_BYTES(slots) (4 * PAGE_SIZE + 64UL * (slots))
/*
 * A range costs at most this in whole pages and giants beyond 0.03 % of its
 * memory, and a pool of its own FRAME_PLAN_POOL_BYTES more.
 */
#define FRAME_PLAN_RANGE_BYTES	(6 * PAGE_SIZE)
/* Ranges are cut at 4 GiB and at multiples of 16 TiB below 64 TiB. */
#define FRAME_PLAN_CUTS		4
#define FRAME_NO_POOL		FRAME_POOLS_MAX

/* Usable memory of one node, in whole pages: [first..end). */
struct frame_range {
	uint64_t first, end;
	uint16_t node;
	uint16_t pool;			/* FRAME_NO_POOL: left out           */
	bool in_use;			/* some of it: cannot be left out    */
};

struct frame_plan_pool {
	uint64_t first, end;		/* [first..end), its memory          */
	uint64_t pages;			/* of that, without holes            */
	uint64_t bytes;			/* of metadata, in whole pages       */
	unsigned node;
};

struct frame_plan {
	/* The caller's. */
	struct frame_range *ranges;
	size_t capacity;
	unsigned nodes;			/* at most FRAME_POOLS_MAX           */
	unsigned slots;
	struct frame_shape shape;
	/* Ranges with fewer pages are left out, unless they are in use. */
	uint64_t least_pages;
	/* The plan's. */
	size_t count;
	struct frame_plan_pool pool[FRAME_POOLS_MAX];	/* node by node      */
	unsigned pools;
	uint16_t first[FRAME_POOLS_MAX + 1];	/* as frame_nodes.first      */
	uint64_t pages, bytes;		/* of all pools                      */
	uint64_t left_out_ranges, left_out_pages;
};

/*
 * Adds memory that lies above all that was added before; `pool` is ignored.
 * Ranges that touch become one, unless a cut lies between them.
 * Fails: ST_FULL when the capacity is too small: there is one range for each
 *        call and one for each cut at most.
 */
enum status frame_plan_add(struct frame_plan *plan, struct frame_range range);

/*
 * Makes a plan of what was added. It may be called again after a change of
 * least_pages.
 * Fails: ST_FULL (more than FRAME_POOLS_MAX pools); ST_NO_MEMORY (P4 does not
 *        hold, or there is no memory at all).
 * Cost:  O((nodes + pools) * ranges).
 */
enum status frame_plan_build(struct frame_plan *plan);

/* Raises least_pages so that more is left out; false where nothing may be. */
bool frame_plan_leave_out_more(struct frame_plan *plan);

/* Index of the range that holds this frame. Fails: ST_NOT_FOUND. */
enum status frame_plan_find(const struct frame_plan *plan, pfn_t frame,
			    size_t *index);

/* The range and the sizes of a pool, as frame_pool_init wants them. */
struct frame_pool_request frame_plan_request(const struct frame_plan *plan,
					     unsigned pool);

/* Bytes of the arrays that a pool has whole, and of the pool itself. */
uint64_t frame_plan_whole_bytes(const struct frame_pool_sizes *sizes);

/* The node's pool with the most memory; FRAME_NO_POOL when it has none. */
unsigned frame_plan_largest(const struct frame_plan *plan, unsigned node);

/*
 * A node's own pools in the order in which they are asked: the largest first,
 * memory below 4 GiB last. Returns how many.
 */
unsigned frame_plan_order(const struct frame_plan *plan, unsigned node,
			  uint8_t *out);

/* As frame_nodes.places, which may be NULL; returns how many. */
size_t frame_plan_places(const struct frame_plan *plan,
			 struct frame_place *places);

bool frame_plan_audit(const struct frame_plan *plan);	/* P1..P5 */

#endif
