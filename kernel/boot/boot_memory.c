// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The first pages are taken from the early list before there is a ledger:
 * the workspace that holds the map's entries, the regions and the ledger's
 * own runs. They are entered into the owned list beside the loader's, so
 * that the ledger is right from its first moment.
 */
#include "boot_memory.h"

#include <arch/mmu.h>
#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>
#include <boot/layout.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/log/log.h>
#include <kernel/memory/frames.h>

#include "kernel.h"

/*
 * Every run that changes hands can cost the ledger two runs, and giving
 * back must never fail: so each that may come back keeps two in reserve, and
 * so do the loader's tables, which come back without having been lent. What
 * the pools keep is given back by whole runs of the ledger or never, and
 * where one run is lent behind the other they cost it nothing.
 */
#define RUNS_PER_MOVE	2
#define LEDGER_SLACK	4096
#define LOADERS_RUNS	64

static uint64_t lent_runs;

static bool may_come_back(enum owner owner)
{
	return owner != OWNER_FRAME_META;
}

static bool ledger_has_room(void)
{
	uint64_t moves = 1 + lent_runs + 1 + LOADERS_RUNS;

	return kernel.ledger.count + RUNS_PER_MOVE * moves <=
	       kernel.ledger.capacity;
}

static void *at_physical(paddr_t address)
{
	return window_at(&kernel.window, address);
}

enum status memory_take_run_at(const struct early_run_request *request,
			       enum owner owner, pfn_t *out)
{
	struct frame_run run = { .frames = request->frames };
	enum status status;

	ASSERT(cpu_local_id() == 0 && !frames_are_up());
	if (!ledger_has_room())
		return ST_NO_MEMORY;
	status = early_take_run(&kernel.early, request, &run.first);
	if (status != ST_OK)
		return status;
	status = ledger_move(&kernel.ledger, run, OWNER_FREE, owner);
	if (status != ST_OK) {
		MUST(early_give_run(&kernel.early, run));
		return ST_NO_MEMORY;
	}
	lent_runs += may_come_back(owner);
	*out = run.first;
	return ST_OK;
}

static enum status take_of_node(struct frame_run *run, unsigned node,
				enum owner owner)
{
	return frames_alloc(&(struct frame_request){
		.size = run->frames == 1 ? FRAME_4K : FRAME_RUN,
		.pages = run->frames,
		.node = node,
		.owner = (uint8_t)owner,
	}, &run->first);
}

enum status memory_take_run_near(struct frame_run *run, unsigned cpu,
				 enum owner owner)
{
	if (frames_are_up())
		return take_of_node(run, frames_home_of(cpu), owner);
	return memory_take_run(run, owner);
}

enum status memory_take_run(struct frame_run *run, enum owner owner)
{
	if (frames_are_up())
		return take_of_node(run, FRAMES_HOME, owner);
	return memory_take_run_at(&(struct early_run_request){
		.frames = run->frames }, owner, &run->first);
}

void memory_give_run(struct frame_run run, enum owner owner)
{
	if (frames_are_up()) {
		MUST(frames_free(&(struct frame_return){
			.frame = run.first,
			.size = run.frames == 1 ? FRAME_4K : FRAME_RUN,
			.pages = run.frames,
			.caller = __builtin_return_address(0),
		}));
		return;
	}
	ASSERT(cpu_local_id() == 0);
	MUST(ledger_move(&kernel.ledger, run, owner, OWNER_FREE));
	MUST(early_give_run(&kernel.early, run));
	/* The loader's table pages come back too, never having been lent. */
	if (lent_runs > 0 && may_come_back(owner))
		lent_runs--;
}

enum status memory_owner_of(pfn_t frame, enum owner *out)
{
	enum status status = ledger_find(&kernel.ledger, frame, out);
	struct frame_view view;
	unsigned node;

	if (status != ST_OK || *out != OWNER_FREE || !frames_are_up())
		return status;
	if (frames_look(frame, &view, &node) != ST_OK)
		*out = OWNER_RESERVED;
	else if (view.state == FRAME_STATE_CACHED)
		*out = OWNER_CACHED;
	else if (view.state == FRAME_STATE_LENT)
		*out = ledger_byte_owner(view.owner);
	else if (frame.raw < MIB >> PAGE_SHIFT)
		*out = OWNER_LOW;
	return ST_OK;
}

static enum status owned_take(struct frame_source *source, pfn_t *out)
{
	struct owned_source *self = (struct owned_source *)source;
	struct frame_run run = { .frames = 1 };
	enum status status = memory_take_run(&run, self->owner);

	*out = run.first;
	return status;
}

static void owned_give(struct frame_source *source, pfn_t frame)
{
	struct owned_source *self = (struct owned_source *)source;

	memory_give_run((struct frame_run){ frame, 1 }, self->owner);
}

static struct owned_source table_source = {
	.source = { .take = owned_take, .give = owned_give },
	.owner = OWNER_PAGE_TABLE,
};

/* What is needed before there is a ledger; apart, so that crumbs will do. */
enum part {
	PART_ENTRIES,
	PART_REGIONS,
	PART_OWNED,
	PART_SCRATCH,
	PART_LEDGER,
	PARTS,
};

/* Gives back nothing: without these there is no going on. */
static enum status take_parts(const uint64_t bytes[PARTS],
			      struct frame_run runs[PARTS], void *parts[PARTS])
{
	for (enum part i = 0; i < PARTS; i++) {
		struct frame_run *run = &runs[i];
		enum status status;

		run->frames = align_up(bytes[i], PAGE_SIZE) / PAGE_SIZE;
		status = early_take_run(&kernel.early,
					&(struct early_run_request){
			.frames = run->frames }, &run->first);
		if (status != ST_OK)
			return status;
		parts[i] = at_physical(pfn_to_paddr(run->first));
	}
	return ST_OK;
}

static enum status take_workspace(struct frame_run runs[PARTS])
{
	struct memory_map *map = &kernel.map;
	size_t n = map->entry_count;
	size_t owned = kernel.handover->owned.count + PARTS;
	size_t items = region_list_capacity(n);
	size_t ledger_runs = ledger_capacity(n, owned) + LEDGER_SLACK;
	uint64_t scratch = max_u64(region_scratch_bytes(n),
				   ledger_scratch_bytes(n));
	uint64_t bytes[PARTS] = {
		[PART_ENTRIES] = n * sizeof(*map->entries),
		[PART_REGIONS] = items * sizeof(struct region),
		[PART_OWNED] = owned * sizeof(*map->owned),
		[PART_SCRATCH] = scratch,
		[PART_LEDGER] = ledger_runs * sizeof(struct ledger_run),
	};
	void *parts[PARTS];
	enum status status = take_parts(bytes, runs, parts);

	if (status != ST_OK)
		return status;
	map->entries = parts[PART_ENTRIES];
	map->regions.items = parts[PART_REGIONS];
	map->regions.capacity = items;
	map->owned = parts[PART_OWNED];
	map->scratch = parts[PART_SCRATCH];
	map->scratch_bytes = scratch;
	kernel.ledger.runs = parts[PART_LEDGER];
	kernel.ledger.capacity = ledger_runs;
	return ST_OK;
}

static void insert_owned(struct frame_run run)
{
	struct memory_map *map = &kernel.map;
	size_t at = map->owned_count++;

	for (; at > 0 && map->owned[at - 1].first.raw > run.first.raw; at--)
		map->owned[at] = map->owned[at - 1];
	map->owned[at] = (struct owned_run){
		.first = run.first,
		.frames = run.frames,
		.owner = OWNER_BOOT_LIST,
	};
}

/* The loader's owned runs with ours among them, still ascending. */
static void merge_owned(const struct frame_run runs[PARTS])
{
	size_t count = kernel.handover->owned.count;

	memcpy(kernel.map.owned, at_physical(kernel.handover->owned.address),
	       count * sizeof(struct owned_run));
	kernel.map.owned_count = count;
	for (enum part i = 0; i < PARTS; i++)
		insert_owned(runs[i]);
}

static enum status build_regions(void)
{
	struct memory_map *map = &kernel.map;

	for (size_t i = 0; i < map->entry_count; i++)
		map->entries[i] = firmware_map_entry(&map->raw, i);
	return region_list_build(&map->regions, &(struct region_request){
		.entries = map->entries,
		.count = map->entry_count,
		.usable_limit = kernel.handover->usable_limit,
		.bad = kernel.options.bad,
		.bad_count = kernel.options.bad_count,
		.scratch = map->scratch,
		.scratch_bytes = map->scratch_bytes,
	});
}

static enum status build_ledger(void)
{
	struct memory_map *map = &kernel.map;

	return ledger_build(&kernel.ledger, &(struct ledger_request){
		.entries = map->entries,
		.count = map->entry_count,
		.usable_limit = kernel.handover->usable_limit,
		.bad = kernel.options.bad,
		.bad_count = kernel.options.bad_count,
		.owned = map->owned,
		.owned_count = map->owned_count,
		.scratch = map->scratch,
		.scratch_bytes = map->scratch_bytes,
	});
}

/* Only what the loader declared as a table is read as one. */
static bool is_table_frame(const void *context, pfn_t frame)
{
	enum owner owner;

	(void)context;
	return memory_owner_of(frame, &owner) == ST_OK &&
	       owner == OWNER_PAGE_TABLE;
}

enum status memory_start(void)
{
	const struct handover *from_loader = kernel.handover;
	struct table_features features = {
		.no_execute = from_loader->cpu.features & CPU_NX,
		.page_1g = from_loader->cpu.features & CPU_PAGE_1G,
		.physical_bits = from_loader->cpu.physical_bits,
		.may_be_table = is_table_frame,
	};
	struct frame_run workspace[PARTS];
	enum status status;

	kernel.map.raw = (struct firmware_map){
		.data = at_physical(from_loader->raw_map),
		.bytes = from_loader->raw_map_bytes,
		.stride = from_loader->raw_map_stride,
	};
	kernel.map.entry_count = firmware_map_count(&kernel.map.raw);
	status = early_init(&kernel.early, kernel.window,
			    at_physical(from_loader->free_list.address),
			    from_loader->free_list.count);
	if (status == ST_OK)
		status = take_workspace(workspace);
	if (status != ST_OK)
		return status;
	merge_owned(workspace);
	status = build_regions();
	if (status == ST_OK)
		status = build_ledger();
	if (status == ST_OK)
		status = table_adopt(&kernel.table, kernel.window,
				     &table_source.source, &features,
				     paddr_to_pfn(from_loader->root_table));
	return status;
}

/* The boot CPU runs on its main stack since before we were asked. */
static enum stack_kind first_kind(unsigned cpu)
{
	return cpu == 0 ? STACK_MAIN + 1 : STACK_MAIN;
}

static vaddr_t stack_start(unsigned cpu, enum stack_kind kind)
{
	return (vaddr_t){ stack_top(cpu, kind).raw - STACK_BYTES };
}

static void unmap_stacks_up_to(unsigned cpu, enum stack_kind end)
{
	for (enum stack_kind kind = first_kind(cpu); kind < end; kind++)
		MUST(table_unmap(&kernel.table, stack_start(cpu, kind),
				 STACK_BYTES));
}

static enum status map_stacks_at(unsigned cpu, paddr_t phys)
{
	for (enum stack_kind kind = first_kind(cpu); kind < STACK_KIND_COUNT;
	     kind++) {
		enum status status = table_map(&kernel.table,
					       &(struct table_mapping){
			.virt = stack_start(cpu, kind),
			.phys = phys,
			.bytes = STACK_BYTES,
			.rights = TABLE_WRITE | TABLE_GLOBAL,
		});

		if (status != ST_OK) {
			unmap_stacks_up_to(cpu, kind);
			return status;
		}
		phys.raw += STACK_BYTES;
	}
	return ST_OK;
}

static struct frame_run stacks_run(unsigned cpu)
{
	uint64_t kinds = STACK_KIND_COUNT - first_kind(cpu);

	return (struct frame_run){
		.frames = kinds * STACK_BYTES / PAGE_SIZE,
	};
}

enum status memory_map_stacks(unsigned cpu)
{
	struct frame_run run = stacks_run(cpu);
	enum status status = memory_take_run_near(&run, cpu, OWNER_STACK);

	if (status != ST_OK)
		return status;
	status = map_stacks_at(cpu, pfn_to_paddr(run.first));
	if (status != ST_OK)
		memory_give_run(run, OWNER_STACK);
	return status;
}

void memory_unmap_stacks(unsigned cpu)
{
	struct frame_run run = stacks_run(cpu);
	struct table_leaf leaf;

	MUST(table_query(&kernel.table, stack_start(cpu, first_kind(cpu)),
			 &leaf));
	run.first = paddr_to_pfn(leaf.phys);
	unmap_stacks_up_to(cpu, STACK_KIND_COUNT);
	memory_give_run(run, OWNER_STACK);
}

enum status memory_drop_identity(void)
{
	paddr_t switch_page = kernel.handover->switch_page;
	enum status status = table_unmap(&kernel.table,
					 (vaddr_t){ switch_page.raw },
					 PAGE_SIZE);

	for (size_t i = 0; i < kernel.map.regions.count; i++) {
		struct region region = kernel.map.regions.items[i];

		if (status != ST_OK)
			break;
		if (region.kind == REGION_LOW)
			status = table_unmap(&kernel.table,
					     (vaddr_t){ region.start.raw },
					     region.end.raw - region.start.raw);
	}
	return status;
}

static enum status reclaim_run(struct frame_run run, enum owner from)
{
	enum status status = early_give_run(&kernel.early, run);

	if (status != ST_OK)
		return status;
	return ledger_move(&kernel.ledger, run, from, OWNER_FREE);
}

/* ACPI memory that nothing maps directly stays what it is. */
static bool is_mapped(struct frame_run run)
{
	uint64_t at = direct_map(pfn_to_paddr(run.first)).raw;
	uint64_t end = at + run.frames * PAGE_SIZE;
	struct table_leaf leaf;

	while (at < end) {
		if (table_query(&kernel.table, (vaddr_t){ at }, &leaf) != ST_OK)
			return false;
		at = leaf.virt.raw + leaf.bytes;
	}
	return true;
}

enum status memory_reclaim(enum owner from)
{
	struct frame_run run = { .first = { 0 } };
	uint64_t pages = 0;

	while (ledger_find_owned(&kernel.ledger, from, run.first, &run) ==
	       ST_OK) {
		enum status status = ST_OK;

		if (is_mapped(run)) {
			status = reclaim_run(run, from);
			pages += run.frames;
		}
		if (status != ST_OK)
			return status;
		run.first.raw += run.frames;
	}
	log_line(LOG_INFO, "memory: reclaim from=%s pages=%lu free_pages=%lu",
		 owner_name(from), pages, kernel.early.free_frames);
	return ST_OK;
}

#define PEEK_STRIDE (PEEK_SLOT_BYTES / PEEK_COUNT / SIZE_2M * SIZE_2M)

static struct {
	uint64_t phys;
	uint64_t bytes;		/* mapped there now, 0 = nothing     */
	unsigned rights;
} peeks[PEEK_COUNT];

static vaddr_t peek_base(enum peek_slot slot)
{
	return (vaddr_t){ PEEK_SLOT + slot * PEEK_STRIDE };
}

enum status memory_unpeek(enum peek_slot slot)
{
	enum status status = ST_OK;

	if (peeks[slot].bytes != 0)
		status = table_unmap(&kernel.table, peek_base(slot),
				     peeks[slot].bytes);
	peeks[slot].bytes = 0;
	return status;
}

/* Tables lie close together: often the page is there already. */
static bool is_seen(const struct peek_request *request, uint64_t start,
		    uint64_t end)
{
	uint64_t seen = peeks[request->slot].phys;

	return start >= seen && end <= seen + peeks[request->slot].bytes &&
	       peeks[request->slot].rights == request->rights;
}

static enum status map_peek(const struct peek_request *request,
			    uint64_t start, uint64_t end)
{
	enum status status = memory_unpeek(request->slot);

	if (status == ST_OK)
		status = table_map(&kernel.table, &(struct table_mapping){
			.virt = peek_base(request->slot),
			.phys = { start },
			.bytes = end - start,
			.rights = request->rights | TABLE_GLOBAL,
			.cache = request->slot == PEEK_DEVICE ?
					 CACHE_UNCACHED : CACHE_WRITE_BACK,
		});
	if (status != ST_OK)
		return status;
	peeks[request->slot].phys = start;
	peeks[request->slot].bytes = end - start;
	peeks[request->slot].rights = request->rights;
	return ST_OK;
}

enum status memory_peek(const struct peek_request *request,
			const volatile void **out)
{
	uint64_t start = align_down(request->phys.raw, PAGE_SIZE);
	uint64_t end;
	enum status status = ST_OK;

	ASSERT(cpu_local_id() == 0);
	if (add_overflows(request->phys.raw, request->bytes, &end) ||
	    end > PHYSICAL_LIMIT || request->bytes == 0 ||
	    request->bytes > PEEK_STRIDE - 2 * PAGE_SIZE)
		return ST_BAD_RANGE;
	end = align_up(end, PAGE_SIZE);
	if (!is_seen(request, start, end))
		status = map_peek(request, start, end);
	if (status != ST_OK)
		return status;
	*out = (void *)(peek_base(request->slot).raw +
			(request->phys.raw - peeks[request->slot].phys));
	return ST_OK;
}
