// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Moves all usable memory from the early list and the ledger into the pools.
 * Before, free memory is in the early list, and the ledger's runs have the
 * owners of the rest. Afterwards all of it is in the pools, and the ledger's
 * runs call it free, which means "ask the pool".
 *
 * The memory for the pools themselves comes from the early list, so it is
 * adopted like all other memory of the kernel.
 */
#include "frames.h"

#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>
#include <boot/layout.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/window.h>
#include <kernel/boot/boot_memory.h>
#include <kernel/lib/symbols.h>
#include <kernel/log/log.h>
#include <kernel/platform/cpus.h>
#include <kernel/platform/numa_nodes.h>
#include <kernel/sync/pending.h>

#include "frame_metadata.h"
#include "frames_internal.h"
#include "pages.h"

/* Longer than a drain when every CPU has a core of its own. */
#define SPINS		500

/* Becomes frames.nodes when complete: until then a fault finds no pools. */
static struct frame_nodes building;

/* --- reports ---------------------------------------------------------------*/

static void report(struct frame_reporter *reporter,
		   const struct frame_bad_free *bad)
{
	static const char *const words[] = {
		[FRAME_FOREIGN] = "no pool's",
		[FRAME_MISALIGNED] = "misaligned",
		[FRAME_NOT_ALLOCATED] = "not allocated in this size",
		[FRAME_RETIRED] = "out of use for good",
		[FRAME_FREED_AT_ONCE] = "freed by two CPUs",
		[FRAME_OTHER_OWNER] = "another owner's",
	};
	vaddr_t caller = { (uint64_t)bad->caller };
	const char *name = "?";
	uint64_t offset = 0;

	(void)reporter;
	/* Without a symbol only the address is logged. */
	(void)!symbol_find(caller, &name, &offset);
	log_line(LOG_ERROR, "frames: refused free of=0x%lx why=\"%s\" "
			    "caller=0x%lx (%s+0x%lx)",
		 pfn_to_paddr(bad->frame).raw,
		 words[bad->kind], caller.raw, name, offset);
}

static struct frame_reporter reporter = { .report = report };

/* --- the pools -------------------------------------------------------------*/

/* From the node's first giant to its last page. */
static void find_range(unsigned node, struct frame_pool_request *request)
{
	struct node_range range = { .end = { 0 } };
	uint64_t first = UINT64_MAX, end = 0;

	while (nodes_range_of(node, range.end, &range)) {
		first = min_u64(first, paddr_to_pfn(range.start).raw);
		end = paddr_to_pfn(range.end).raw;
	}
	/* A node without memory has one giant without frames. */
	if (end == 0)
		first = 0, end = 1;
	request->first.raw = align_down(first, GIANT_FRAMES);
	request->frames = end - request->first.raw;
}

static void *carve(char **next, uint64_t bytes)
{
	void *part = *next;

	*next += align_up(bytes, 64);
	return part;
}

static enum status take_arrays(unsigned node,
			       struct frame_pool_request *request,
			       struct frame_pool **pool)
{
	struct frame_pool_sizes sizes;
	enum status status = frame_pool_measure(request, &sizes);
	struct meta_array dense = { .node = node };
	struct meta_array sparse = {
		.first_frame = request->first.raw,
		.node = node,
	};
	void *memory;
	char *next;

	if (status != ST_OK)
		return status;
	dense.bytes = align_up(sizeof(**pool), 64) + sizes.activity +
		      sizes.hints + sizes.block_owner +
		      align_up(sizes.giant_owner, 64) + sizes.trees;
	status = frame_meta_take(&dense, &memory);
	if (status != ST_OK)
		return status;
	next = memory;
	*pool = carve(&next, sizeof(**pool));
	request->activity = carve(&next, sizes.activity);
	request->hints = carve(&next, sizes.hints);
	request->block_owner = carve(&next, sizes.block_owner);
	request->giant_owner = carve(&next, sizes.giant_owner);
	request->trees = carve(&next, sizes.trees);
	sparse.bytes = sizes.bits;
	sparse.frames_per_byte = 8;
	status = frame_meta_take(&sparse, &request->bits);
	if (status != ST_OK)
		return status;
	sparse.bytes = sizes.frame_owner;
	sparse.frames_per_byte = 1;
	return frame_meta_take(&sparse, &request->frame_owner);
}

static enum status start_pool(unsigned node)
{
	struct frame_pool_request request = {
		.shape = FRAME_SHAPE_PC,
		.slots = 2 * frames.cpus,
		.reporter = &reporter,
		.window = kernel_window(),
	};
	enum status status;

	find_range(node, &request);
	status = take_arrays(node, &request, &building.pool[node]);
	if (status != ST_OK)
		return status;
	return frame_pool_init(building.pool[node], &request);
}

static bool is_among(const uint8_t *nodes, unsigned count, unsigned node)
{
	for (unsigned i = 0; i < count; i++)
		if (nodes[i] == node)
			return true;
	return false;
}

/*
 * The nodes in order of distance (order_from in kernel/platform/numa.c), then
 * those that the SLIT calls unreachable: every CPU can use them, since all
 * memory is in the direct map.
 */
static void make_orders(uint8_t *orders)
{
	unsigned count = building.count;

	for (unsigned from = 0; from < count; from++) {
		uint8_t *row = orders + from * count;
		const uint8_t *near = numa_order_at(nodes(), from);
		unsigned reached = nodes()->nodes[from].reachable;
		unsigned n = reached;

		memcpy(row, near, reached);
		for (unsigned to = 0; to < count; to++)
			if (!is_among(near, reached, to))
				row[n++] = (uint8_t)to;
	}
	building.order = orders;
}

/* As frames_home_of, before the caches exist. */
static unsigned home_of(unsigned cpu)
{
	unsigned node = nodes_of_cpu(cpus()->rows[cpu].apic);
	const uint8_t *row = building.order + node * building.count;
	struct node_range range;

	/* Pages that share a block with another node's are that node's. */
	for (unsigned i = 0; i < building.count; i++)
		if (nodes_range_of(row[i], (paddr_t){ 0 }, &range))
			return row[i];
	return node;
}

#define CACHES_PER_PAGE	(PAGE_SIZE / sizeof(struct frame_cache))

_Static_assert(PAGE_SIZE % (2 * sizeof(struct frame_cache)) == 0,
	       "a CPU's caches are not on two pages");

/*
 * One array for all CPUs; each page of it is on the node of the first CPU in
 * the page. Small arrays of frame_meta are adjacent, so the parts make one
 * array.
 */
static enum status take_caches(void)
{
	const unsigned step = CACHES_PER_PAGE / 2;
	unsigned cpu = 0;

	while (cpu < frames.cpus) {
		struct meta_array part = { .node = home_of(cpu) };
		enum status status;
		void *memory;

		for (unsigned next = cpu; next < frames.cpus &&
			home_of(next) == part.node; next += step)
			part.bytes += PAGE_SIZE;
		status = frame_meta_take(&part, &memory);
		if (status != ST_OK)
			return status;
		if (cpu == 0)
			frames.caches = memory;
		ASSERT(memory == &frames.caches[2 * cpu]);
		cpu += part.bytes / PAGE_SIZE * step;
	}
	return ST_OK;
}

/* Lists the blocks where memory of another node begins; NULL: only counts. */
static size_t list_places(struct frame_place *places)
{
	struct node_range range = { .end = { 0 } };
	unsigned before = UINT32_MAX;
	size_t count = 0;

	while (nodes_range(range.end, &range)) {
		uint64_t first = paddr_to_pfn(range.start).raw;

		if (range.node == before)
			continue;
		before = range.node;
		if (places != NULL)
			places[count] = (struct frame_place){
				align_down(first, BLOCK_FRAMES), before };
		count++;
	}
	return count;
}

static enum status take_tables(void)
{
	unsigned count = (unsigned)nodes()->node_count;
	uint64_t pools = count * sizeof(building.pool[0]);
	uint64_t sets = count * sizeof(struct frame_cache_set);
	uint64_t firsts = (count + 1) * sizeof(building.first[0]);
	uint64_t places = list_places(NULL) * sizeof(building.places[0]);
	struct meta_array array = {
		.bytes = align_up(pools, 64) + align_up(sets, 64) +
			 align_up(firsts, 64) + align_up(places, 64) +
			 count * count,
	};
	uint16_t *first;
	void *memory;
	enum status status = frame_meta_take(&array, &memory);
	char *next = memory;

	if (status != ST_OK)
		return status;
	building.count = building.pools = count;
	building.pool = carve(&next, pools);
	frames.sets = carve(&next, sets);
	building.first = first = carve(&next, firsts);
	for (unsigned node = 0; node <= count; node++)
		first[node] = (uint16_t)node;
	building.places = carve(&next, places);
	building.place_count = list_places((struct frame_place *)
					   building.places);
	make_orders((uint8_t *)next);
	return take_caches();
}

/* --- hand-over -------------------------------------------------------------*/

/* No single page of these owners is freed, only whole runs. */
static bool comes_back_whole(enum owner owner)
{
	return owner == OWNER_FRAME_META || owner == OWNER_KERNEL_IMAGE;
}

/* Adds every page of the run to the pool of its node. */
static void hand_over_run(struct frame_run run, enum owner owner)
{
	paddr_t at = pfn_to_paddr(run.first);
	uint64_t end = at.raw + run.frames * PAGE_SIZE;
	bool is_free = owner == OWNER_FREE || owner == OWNER_LOW;
	struct node_range range;

	while (at.raw < end) {
		struct frame_run part = { paddr_to_pfn(at), 0 };
		bool found = nodes_range(at, &range);
		struct frame_pool *pool;

		/* The run is usable memory, all of which has a node. */
		ASSERT(found && range.start.raw == at.raw);
		range.end.raw = min_u64(range.end.raw, end);
		part.frames = (range.end.raw - at.raw) / PAGE_SIZE;
		pool = building.pool[range.node];
		if (is_free)
			MUST(frame_pool_add(pool, frame_task_slot(0), part));
		else
			MUST(frame_pool_adopt(pool, &(struct frame_adoption){
				.run = part,
				.size = comes_back_whole(owner) ?
						FRAME_RUN : FRAME_4K,
				.owner = (uint8_t)owner,
			}));
		at = range.end;
	}
}

static bool is_ours(enum owner owner)
{
	return owner <= OWNER_SHARED && owner != OWNER_CACHED;
}

/* Add free runs before adopted ones: adopting splits the block anyway. */
static void hand_over(void)
{
	struct ledger *ledger = &boot_memory.ledger;

	for (enum owner owner = 0; owner < OWNER_COUNT; owner++) {
		struct frame_run run = { .first = { 0 } };

		if (!is_ours(owner))
			continue;
		while (ledger_find_owned(ledger, owner, run.first, &run) ==
		       ST_OK) {
			hand_over_run(run, owner);
			run.first.raw += run.frames;
		}
	}
	for (enum owner owner = OWNER_FREE + 1; owner < OWNER_COUNT; owner++) {
		struct frame_run run = { .first = { 0 } };

		while (is_ours(owner) &&
		       ledger_find_owned(ledger, owner, run.first, &run) ==
			       ST_OK)
			MUST(ledger_move(ledger, run, owner, OWNER_FREE));
	}
	boot_memory_close();
}

/* --- caches ----------------------------------------------------------------*/

static void start_caches(void)
{
	for (unsigned node = 0; node < building.count; node++)
		frames.sets[node] = (struct frame_cache_set){
			.pool = building.pool[node],
			.nodes = &frames.nodes,
			.refusal = FRAME_REFUSE_FROM_CACHE,
			.caches = frames.caches,
			.frames = nodes()->nodes[node].pages,
		};
	for (unsigned cpu = 0; cpu < frames.cpus; cpu++)
		frames.sets[home_of(cpu)].cpus++;
	for (unsigned cpu = 0; cpu < frames.cpus; cpu++) {
		struct frame_cache_set *set = &frames.sets[home_of(cpu)];

		frame_cache_init(set, frame_task_slot(cpu));
		frame_cache_init(set, frame_interrupt_slot(cpu));
	}
	frames_init_cpu(this_cpu());
}

static enum status start_pools(void)
{
	enum status status = take_tables();

	for (unsigned node = 0;
	     status == ST_OK && node < building.count; node++)
		status = start_pool(node);
	return status;
}

static void drain_requested(void)
{
	frame_drain_requested(&frames.drain);
}

enum status frames_start(void)
{
	enum status status;

	frames.cpus = cpus()->startable;
	status = start_pools();
	if (status != ST_OK && nodes()->node_count > 1) {
		frame_meta_give_all();
		numa_collapse(status);
		status = start_pools();
	}
	if (status != ST_OK)
		return status;
	hand_over();
	start_caches();
	frames.drain.drain_own = frames_drain_own;
	frames.drain.spins = SPINS;
	pending_set_handler(PENDING_DRAIN, drain_requested);
	frames.nodes = building;
	pages_serve_table(&boot_memory.table);
	log_line(LOG_INFO, "frames: up nodes=%u cpus=%u", building.count,
		 frames.cpus);
	return ST_OK;
}
