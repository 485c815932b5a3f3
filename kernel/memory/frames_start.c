// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Moves all usable memory from the early list and the ledger into the pools.
 * Before, free memory is in the early list, and the ledger's runs have the
 * owners of the rest. Afterwards all of it is in the pools, and the ledger's
 * runs call it free, which means "ask the pool".
 *
 * The memory for the pools themselves comes from the early list, so it is
 * adopted like all other memory of the kernel. Memory that stays out of the
 * pools becomes `reserved` in the ledger before any of that is allocated.
 */
#include "frames.h"

#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>
#include <boot/layout.h>
#include <mm/frame_add.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/window.h>
#include <kernel/boot/boot_memory.h>
#include <kernel/lib/symbols.h>
#include <kernel/log/log.h>
#include <kernel/platform/cpus.h>
#include <kernel/platform/numa_nodes.h>
#include <kernel/sync/pending.h>

#include "frame_metadata.h"
#include "frame_setup.h"
#include "frames_internal.h"
#include "pages.h"

/* Longer than a drain when every CPU has a core of its own. */
#define SPINS		500

/* Room for ranges that do not exist yet: see list_most. */
#define MORE_RANGES	64

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

/* --- what there is ---------------------------------------------------------*/

static bool is_ours(enum owner owner)
{
	return owner <= OWNER_SHARED && owner != OWNER_CACHED;
}

/* A block that two nodes share belongs to the node of its first byte. */
static enum status list_run(struct frame_plan *plan,
			    const struct ledger_run *run)
{
	uint64_t at = run->first.raw, end = at + run->frames;
	enum status status = ST_OK;

	while (status == ST_OK && at < end) {
		struct node_range found =
			nodes_range_at(pfn_to_paddr((pfn_t){ at }));
		struct frame_range part = {
			.first = at,
			.end = min_u64(end, paddr_to_pfn(found.end).raw),
			.node = (uint16_t)found.node,
			.in_use = run->owner != OWNER_FREE,
		};

		status = frame_plan_add(plan, part);
		at = part.end;
	}
	return status;
}

static enum status list(struct frame_setup *setup)
{
	const struct ledger *ledger = &boot_memory.ledger;
	enum status status = ST_OK;

	for (size_t i = 0; status == ST_OK && i < ledger->count; i++)
		if (is_ours(ledger->runs[i].owner))
			status = list_run(&setup->plan, &ledger->runs[i]);
	return status;
}

/*
 * Each range begins with a run of the ledger or with a range of a node. The
 * list itself may add two runs, and a try that failed some page tables.
 */
static size_t list_most(void)
{
	return boot_memory.ledger.count + 2 * nodes()->range_count +
	       FRAME_PLAN_CUTS + MORE_RANGES;
}

static enum status keep_out(struct frame_setup *setup, struct frame_run run)
{
	(void)setup;
	return boot_alloc_at(&(struct early_run_request){
		.frames = run.frames,
		.floor = run.first,
		.limit = { run.first.raw + run.frames },
	}, OWNER_RESERVED, &run.first);
}

static void let_in(struct frame_setup *setup, struct frame_run run)
{
	(void)setup;
	boot_free(run, OWNER_RESERVED);
}

static void collapse(struct frame_setup *setup, enum status why)
{
	(void)setup;
	numa_collapse(why);
}

/* --- metadata --------------------------------------------------------------*/

static enum status take(struct frame_setup *setup,
			const struct meta_array *array, void **out)
{
	return frame_meta_take(&setup->plan, array, out);
}

static void give_all(struct frame_setup *setup)
{
	(void)setup;
	frame_meta_give_all();
}

/* As frames_home_of, before the caches exist. */
static unsigned home_of(const struct frame_setup *setup, unsigned cpu)
{
	const struct frame_nodes *all = &setup->nodes;
	unsigned node = nodes_of_cpu(cpus()->rows[cpu].apic);

	return setup->plan.pool[all->order[node * all->pools]].node;
}

#define CACHES_PER_PAGE	(PAGE_SIZE / sizeof(struct frame_cache))

_Static_assert(PAGE_SIZE % (2 * sizeof(struct frame_cache)) == 0,
	       "a CPU's caches are not on two pages");

/*
 * One array for all CPUs; each page of it is on the node of the first CPU in
 * the page. Small arrays of frame_meta are adjacent, so the parts make one
 * array.
 */
static enum status take_caches(struct frame_setup *setup)
{
	const unsigned step = CACHES_PER_PAGE / 2;
	unsigned cpu = 0;

	while (cpu < frames.cpus) {
		struct meta_array part = { .node = home_of(setup, cpu) };
		enum status status;
		void *memory;

		for (unsigned next = cpu; next < frames.cpus &&
			home_of(setup, next) == part.node; next += step)
			part.bytes += PAGE_SIZE;
		status = take(setup, &part, &memory);
		if (status != ST_OK)
			return status;
		if (cpu == 0)
			frames.caches = memory;
		ASSERT(memory == &frames.caches[2 * cpu]);
		cpu += part.bytes / PAGE_SIZE * step;
	}
	return ST_OK;
}

static enum status take_sets(struct frame_setup *setup)
{
	struct meta_array array = {
		.bytes = setup->nodes.count * sizeof(struct frame_cache_set),
	};
	void *memory;
	enum status status = take(setup, &array, &memory);

	if (status != ST_OK)
		return status;
	frames.sets = memory;
	return take_caches(setup);
}

static const struct frame_setup_ops ops = {
	.list = list,
	.take = take,
	.give_all = give_all,
	.keep_out = keep_out,
	.let_in = let_in,
	.collapse = collapse,
	.finish = take_sets,
};

static struct frame_setup setup = { .ops = &ops, .reporter = &reporter };

/* The plan's ranges, which are of no use once the pools are up. */
static struct frame_run ranges_run;

static enum status make_pools(void)
{
	enum status status;

	setup.plan.shape = FRAME_SHAPE_PC;
	setup.plan.slots = 2 * frames.cpus;
	setup.numa = nodes();
	setup.window = kernel_window();
	setup.plan.capacity = list_most();
	ranges_run.frames = align_up(setup.plan.capacity *
				     sizeof(struct frame_range),
				     PAGE_SIZE) / PAGE_SIZE;
	status = boot_alloc(&ranges_run, OWNER_BOOT_LIST);
	if (status != ST_OK)
		return status;
	setup.plan.ranges = pfn_to_pointer(ranges_run.first);
	return frame_setup_run(&setup);
}

static void warn_of_memory_left_out(void)
{
	const struct frame_plan *plan = &setup.plan;

	if (plan->left_out_ranges != 0)
		log_line(LOG_WARNING, "frames: left out ranges=%lu pages=%lu "
				      "below_pages=%lu why=\"%s\"",
			 plan->left_out_ranges, plan->left_out_pages,
			 plan->least_pages, "metadata costs too much");
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
	uint64_t end = run.first.raw + run.frames;
	bool is_free = owner == OWNER_FREE || owner == OWNER_LOW;
	size_t index;

	/* The plan was made of the same runs. */
	MUST(frame_plan_find(&setup.plan, run.first, &index));
	while (run.first.raw < end) {
		const struct frame_range *range = &setup.plan.ranges[index++];
		struct frame_run part = { run.first, 0 };
		struct frame_pool *pool;

		ASSERT(range->first <= run.first.raw &&
		       range->pool < setup.nodes.pools);
		part.frames = min_u64(range->end, end) - run.first.raw;
		pool = setup.nodes.pool[range->pool];
		if (is_free)
			MUST(frame_pool_add(pool, frame_task_slot(0), part));
		else
			MUST(frame_pool_adopt(pool, &(struct frame_adoption){
				.run = part,
				.size = comes_back_whole(owner) ?
						FRAME_RUN : FRAME_4K,
				.owner = (uint8_t)owner,
			}));
		run.first.raw += part.frames;
	}
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

/* In front of the node's largest pool. */
static void start_caches(void)
{
	for (unsigned node = 0; node < setup.nodes.count; node++) {
		unsigned pool = frame_plan_largest(&setup.plan, node);

		frames.sets[node] = (struct frame_cache_set){
			.nodes = &frames.nodes,
			.refusal = FRAME_REFUSE_FROM_CACHE,
			.caches = frames.caches,
		};
		if (pool == FRAME_NO_POOL)
			continue;
		frames.sets[node].pool = setup.nodes.pool[pool];
		frames.sets[node].frames = setup.plan.pool[pool].pages;
	}
	for (unsigned cpu = 0; cpu < frames.cpus; cpu++)
		frames.sets[home_of(&setup, cpu)].cpus++;
	for (unsigned cpu = 0; cpu < frames.cpus; cpu++) {
		struct frame_cache_set *set = &frames.sets[home_of(&setup,
								   cpu)];

		frame_cache_init(set, frame_task_slot(cpu));
		frame_cache_init(set, frame_interrupt_slot(cpu));
	}
	frames_init_cpu(this_cpu());
}

/* A firmware may claim any amount; this is what there is. */
static void count_node_pages(void)
{
	for (unsigned node = 0; node < setup.nodes.count; node++) {
		uint64_t pages = 0;

		for (unsigned i = setup.nodes.first[node];
		     i < setup.nodes.first[node + 1]; i++)
			pages += setup.plan.pool[i].pages;
		nodes_set_pages(node, pages);
	}
}

/* They were adopted page by page, not as a run. */
static void free_ranges(void)
{
	for (uint64_t i = 0; i < ranges_run.frames; i++)
		MUST(frame_free(&setup.nodes, frame_task_slot(0),
				&(struct frame_return){
			.frame = { ranges_run.first.raw + i },
			.size = FRAME_4K,
		}));
	setup.plan.ranges = NULL;
	setup.plan.count = setup.plan.capacity = 0;
}

static void drain_requested(void)
{
	frame_drain_requested(&frames.drain);
}

enum status frames_start(void)
{
	enum status status;

	frames.cpus = cpus()->startable;
	status = make_pools();
	if (status != ST_OK)
		return status;
	warn_of_memory_left_out();
	hand_over();
	start_caches();
	count_node_pages();
	free_ranges();
	frames.drain.drain_own = frames_drain_own;
	frames.drain.spins = SPINS;
	pending_set_handler(PENDING_DRAIN, drain_requested);
	frames.nodes = setup.nodes;
	pages_serve_table(&boot_memory.table);
	log_line(LOG_INFO, "frames: up nodes=%u cpus=%u pools=%u",
		 frames.nodes.count, frames.cpus, frames.nodes.pools);
	return ST_OK;
}
