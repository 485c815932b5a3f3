// SPDX-License-Identifier: MIT OR Apache-2.0
#include "count_machine.h"

#include <base/assert.h>
#include <mm/frame_add.h>

#include "count_access.h"

#include <sys/mman.h>

#define OWNER 12

uint64_t random_below(struct machine *machine, uint64_t limit)
{
	machine->seed = machine->seed * 6364136223846793005UL +
			1442695040888963407UL;
	return (machine->seed >> 33) % limit;
}

/* Zero, there only where it is touched, and never given back. */
static void *memory_of(uint64_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ASSERT(memory != MAP_FAILED);
	return memory;
}

static void make_pool(struct frame_pool *pool, struct frame_run all,
		      unsigned cpus)
{
	struct frame_pool_request request = {
		.first = all.first, .frames = all.frames,
		.shape = FRAME_SHAPE_PC, .slots = 2 * cpus,
	};
	struct frame_pool_sizes sizes;

	ASSERT(frame_pool_measure(&request, &sizes) == ST_OK);
	request.bits = memory_of(sizes.bits);
	request.hints = memory_of(sizes.hints);
	request.frame_owner = memory_of(sizes.frame_owner);
	request.block_owner = memory_of(sizes.block_owner);
	request.giant_owner = memory_of(sizes.giant_owner);
	request.trees = memory_of(sizes.trees);
	request.activity = memory_of(sizes.activity);
	ASSERT(frame_pool_init(pool, &request) == ST_OK);
	ASSERT(frame_pool_add(pool, 0, all) == ST_OK);
	/* A CPU has two slots. */
	if (cpus > 1)
		count_watch(&pool->activity[2],
			    (2 * cpus - 2) * sizeof(*pool->activity));
}

static void make_nodes(struct machine *machine)
{
	static const uint16_t first[] = { 0, 1, 2 };
	static const uint8_t order[] = { 0, 1, 1, 0 };
	struct frame_place *places = memory_of(2 * sizeof(*places));

	machine->pools[0] = &machine->pool;
	machine->pools[1] = &machine->next_pool;
	places[1] = (struct frame_place){ machine->gib * GIANT, 1 };
	machine->nodes = (struct frame_nodes){
		.pool = machine->pools, .pools = 2, .count = 2,
		.first = first, .order = order,
		.places = places, .place_count = 2,
	};
}

static void make_caches(struct machine *machine, unsigned cpus)
{
	machine->set = (struct frame_cache_set){
		.pool = &machine->pool,
		.cpus = cpus,
		.caches = memory_of(2 * cpus * sizeof(struct frame_cache)),
	};
	frame_cache_set_init(&machine->set);
	machine->cache = &machine->set.caches[0];
}

struct machine *machine_of(uint64_t gib, unsigned cpus)
{
	struct machine *machine = memory_of(sizeof(*machine));

	machine->gib = gib;
	machine->seed = gib;
	count_watch(NULL, 0);
	make_pool(&machine->pool, (struct frame_run){ { 0 }, gib * GIANT },
		  cpus);
	make_pool(&machine->next_pool,
		  (struct frame_run){ { gib * GIANT }, GIANT }, cpus);
	make_nodes(machine);
	make_caches(machine, cpus);
	return machine;
}

/* --- operations ------------------------------------------------------------*/

static enum status no_operation(struct frame_cache *cache, uint8_t owner,
				pfn_t *out)
{
	(void)cache;
	(void)owner;
	(void)out;
	return ST_OK;
}

typedef enum status (*cache_call)(struct frame_cache *cache, uint8_t owner,
				  pfn_t *out);

/* Its cost is not the allocator's. Volatile, so that it is not inlined. */
static void nothing(struct machine *machine,
		    const struct frame_request *request)
{
	static cache_call volatile call = no_operation;

	(void)request;
	machine->status = call(machine->cache, OWNER, machine->next);
}

static void cache_alloc(struct machine *machine,
			const struct frame_request *request)
{
	(void)request;
	machine->status = frame_cache_alloc(machine->cache, OWNER,
					    machine->next);
}

static void cache_free(struct machine *machine,
		       const struct frame_request *request)
{
	(void)request;
	machine->status =
		frame_cache_free(machine->cache, *machine->next, NULL);
}

static void cache_alloc_block(struct machine *machine,
			      const struct frame_request *request)
{
	(void)request;
	machine->status = frame_cache_alloc_block(machine->cache, OWNER,
						  machine->next);
}

static void cache_free_block(struct machine *machine,
			     const struct frame_request *request)
{
	(void)request;
	machine->status = frame_cache_free_block(machine->cache, *machine->next,
						 NULL);
}

static void cache_drain(struct machine *machine,
			const struct frame_request *request)
{
	(void)request;
	frame_cache_drain(machine->cache);
	machine->status = ST_OK;
}

static void pool_alloc(struct machine *machine,
		       const struct frame_request *request)
{
	machine->status = frame_pool_alloc(&machine->pool, 0, request,
					   machine->next);
}

static void pool_free(struct machine *machine,
		      const struct frame_request *request)
{
	struct frame_return back = { *machine->next, request->size,
				     0, request->pages, NULL };

	machine->status = frame_pool_free(&machine->pool, 0, &back);
}

static void nodes_alloc(struct machine *machine,
			const struct frame_request *request)
{
	machine->status = frame_alloc(&machine->nodes, 0, request,
				      machine->next);
}

static const struct frame_request one_frame = { FRAME_4K, .owner = OWNER };
static const struct frame_request one_block = { FRAME_2M, .owner = OWNER };
static const struct frame_request one_giant = { FRAME_1G, .owner = OWNER };
static const struct frame_request three_pages = {
	FRAME_RUN, .pages = 3, .owner = OWNER,
};
static const struct frame_request one_low_frame = {
	FRAME_4K, FRAME_BELOW_4G, .owner = OWNER,
};
static const struct frame_request two_blocks = {
	FRAME_RUN, .pages = 2 * BLOCK, .owner = OWNER,
};

const struct row_call rows[ROWS] = {
	[NOTHING] = { "nothing", nothing, NULL },
	[CACHE_4K_ALLOC] = { "cache_4k_alloc", cache_alloc, NULL },
	[CACHE_4K_REFILL] = { "cache_4k_alloc_refill", cache_alloc, NULL },
	[CACHE_4K_FREE] = { "cache_4k_free", cache_free, NULL },
	[CACHE_4K_FLUSH] = { "cache_4k_free_flush", cache_free, NULL },
	[CACHE_4K_DRAIN] = { "cache_4k_drain", cache_drain, NULL },
	[CACHE_2M_ALLOC] = { "cache_2m_alloc", cache_alloc_block, NULL },
	[CACHE_2M_REFILL] = { "cache_2m_alloc_refill", cache_alloc_block,
			      NULL },
	[CACHE_2M_FREE] = { "cache_2m_free", cache_free_block, NULL },
	[CACHE_2M_FLUSH] = { "cache_2m_free_flush", cache_free_block, NULL },
	[CACHE_2M_DRAIN] = { "cache_2m_drain", cache_drain, NULL },
	[POOL_4K_ALLOC] = { "pool_4k_alloc", pool_alloc, &one_frame },
	[POOL_4K_FREE] = { "pool_4k_free", pool_free, &one_frame },
	[POOL_2M_ALLOC] = { "pool_2m_alloc", pool_alloc, &one_block },
	[POOL_2M_FREE] = { "pool_2m_free", pool_free, &one_block },
	[POOL_1G_ALLOC] = { "pool_1g_alloc", pool_alloc, &one_giant },
	[POOL_1G_FREE] = { "pool_1g_free", pool_free, &one_giant },
	[RUN_3_ALLOC] = { "run_3_pages_alloc", pool_alloc, &three_pages },
	[RUN_3_FREE] = { "run_3_pages_free", pool_free, &three_pages },
	[RUN_1024_ALLOC] = { "run_2_blocks_alloc", pool_alloc, &two_blocks },
	[RUN_1024_FREE] = { "run_2_blocks_free", pool_free, &two_blocks },
	[NODES_4K_ALLOC] = { "nodes_4k_alloc", nodes_alloc, &one_frame },
	[NODES_4K_LIMITED] = { "nodes_4k_below_4g_alloc", nodes_alloc,
			       &one_low_frame },
	[NODES_2M_ALLOC] = { "nodes_2m_alloc", nodes_alloc, &one_block },
	[NODES_RUN_3_ALLOC] = { "nodes_run_3_pages_alloc", nodes_alloc,
				&three_pages },
	[NODES_1G_ALLOC] = { "nodes_1g_alloc", nodes_alloc, &one_giant },
	[NODES_1G_NEXT] = { "nodes_1g_alloc_next", nodes_alloc, &one_giant },
	[REFUSE_1G] = { "refuse_1g", pool_alloc, &one_giant },
	[REFUSE_RUN] = { "refuse_run_2_blocks", pool_alloc, &two_blocks },
};

static void perform(struct machine *machine, enum row row)
{
	rows[row].call(machine, rows[row].request);
}

uint64_t group_at(const struct machine *machine, uint64_t number)
{
	return machine->open[number / GROUPS_PER_GIANT] * GIANT +
	       number % GROUPS_PER_GIANT * GROUP * BLOCK;
}

uint64_t random_group(struct machine *machine)
{
	return group_at(machine, random_below(machine, machine->open_count *
							GROUPS_PER_GIANT));
}

/* --- how memory is allocated -----------------------------------------------*/

bool gives(struct machine *machine, enum row row, pfn_t *out)
{
	machine->next = out;
	perform(machine, row);
	ASSERT(machine->status == ST_OK || machine->status == ST_NO_MEMORY);
	return machine->status == ST_OK;
}

void takes(struct machine *machine, enum row row, uint64_t frame)
{
	pfn_t back = { frame };

	machine->next = &back;
	perform(machine, row);
	ASSERT(machine->status == ST_OK);
}

void open_giants(struct machine *machine)
{
	pfn_t frame;

	machine->open_count = machine->gib < GIANTS_OPEN ?
		(unsigned)machine->gib : GIANTS_OPEN;
	for (unsigned i = 0; i < machine->open_count; i++) {
		machine->open[i] = i * machine->gib / machine->open_count;
		takes(machine, POOL_1G_FREE, machine->open[i] * GIANT);
	}
	while (gives(machine, POOL_2M_ALLOC, &frame))
		continue;
}

void scatter(struct machine *machine)
{
	uint64_t groups = machine->open_count * GROUPS_PER_GIANT;
	pfn_t frame;

	machine->splits = groups > SPLIT_MOST ? groups / SPLIT_MOST : 1;
	for (uint64_t i = 0; i < groups; i += machine->splits)
		takes(machine, POOL_2M_FREE, group_at(machine, i));
	while (gives(machine, CACHE_4K_ALLOC, &frame))
		continue;
	for (uint64_t i = 0; i < groups; i += machine->splits) {
		uint64_t eighths = 1 + random_below(machine, 7);

		for (uint64_t j = 0; j < BLOCK; j++) {
			frame.raw = group_at(machine, i) + j;
			if (random_below(machine, 8) < eighths)
				takes(machine, CACHE_4K_FREE, frame.raw);
		}
	}
	frame_cache_drain(machine->cache);
}
