/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * count_machine.h - the memory that count_frames.c counts on, and what is
 * done to it.
 *
 * All memory is allocated: as giants but for GIANTS_OPEN of them, these as
 * blocks but for SPLIT_MOST, and these as frames, of which one in each block
 * or more is freed. So the trees have all their levels and are nearly empty,
 * and 4 TiB are set up as fast as 64 GiB. All this is node 0's.
 */
#ifndef TESTS_COUNT_MACHINE_H
#define TESTS_COUNT_MACHINE_H

#include <mm/frame_cache.h>
#include <mm/frame_nodes.h>

#define BLOCK 512UL
#define GIANT 262144UL

#define GIANTS_OPEN 64U
#define SPLIT_MOST 128U
/* Blocks come in fours: one that may be split, an allocated one, and a pair. */
#define GROUP 4U
#define GROUPS_PER_GIANT (BLOCK / GROUP)

#define MANY 96U		/* operations on a cache, before a drain     */

enum row {
	NOTHING,
	CACHE_4K_ALLOC, CACHE_4K_REFILL, CACHE_4K_FREE, CACHE_4K_FLUSH,
	CACHE_4K_DRAIN, CACHE_2M_ALLOC, CACHE_2M_REFILL, CACHE_2M_FREE,
	CACHE_2M_FLUSH, CACHE_2M_DRAIN,
	POOL_4K_ALLOC, POOL_4K_FREE, POOL_2M_ALLOC, POOL_2M_FREE,
	POOL_1G_ALLOC, POOL_1G_FREE,
	RUN_3_ALLOC, RUN_3_FREE, RUN_1024_ALLOC, RUN_1024_FREE,
	NODES_4K_ALLOC, NODES_4K_LIMITED, NODES_2M_ALLOC, NODES_RUN_3_ALLOC,
	NODES_1G_ALLOC, NODES_1G_NEXT,
	REFUSE_1G, REFUSE_RUN,
	ROWS,
};

struct machine {
	struct frame_pool pool;		/* node 0's                          */
	struct frame_pool next_pool;	/* node 1's: one giant               */
	struct frame_pool *pools[2];
	struct frame_nodes nodes;
	struct frame_cache_set set;
	struct frame_cache *cache;
	uint64_t gib;
	unsigned open_count;
	uint64_t open[GIANTS_OPEN];	/* giants, as relative numbers       */
	uint64_t splits;		/* every so many groups              */
	pfn_t held[MANY];		/* what an operation gets or gives   */
	pfn_t *next;
	enum status status;		/* of the last operation             */
	uint64_t seed;
	unsigned passed;
	unsigned samples[ROWS];
};

typedef void (*operation)(struct machine *machine,
			  const struct frame_request *request);

struct row_call {
	const char *name;
	operation call;
	const struct frame_request *request;	/* of the pool               */
};
extern const struct row_call rows[ROWS];

uint64_t random_below(struct machine *machine, uint64_t limit);

/*
 * `gib` of free memory, a giant on another node, and a cache for each CPU.
 * The slots of CPUs other than the first are watched.
 */
struct machine *machine_of(uint64_t gib, unsigned cpus);

/* Not counted. False: nothing was left. */
bool gives(struct machine *machine, enum row row, pfn_t *out);
/* Not counted, and cannot fail. */
void takes(struct machine *machine, enum row row, uint64_t frame);

/* All memory being giants, allocated: some as blocks, spread over the rest. */
void open_giants(struct machine *machine);
/* Some blocks become frames, between an eighth and seven of which are free. */
void scatter(struct machine *machine);

/* Of a group of four blocks in a giant that is open: its first frame. */
uint64_t group_at(const struct machine *machine, uint64_t number);
uint64_t random_group(struct machine *machine);

#endif
