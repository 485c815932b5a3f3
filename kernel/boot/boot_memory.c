// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The first pages are allocated from the early list before there is a ledger:
 * the workspace that holds the map's entries, the regions and the ledger's
 * own runs. They are entered into the owned list beside the loader's, so
 * that the ledger is complete when it is built.
 */
#include "boot_memory.h"

#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>
#include <boot/layout.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/window.h>

#include "boot_info.h"
#include "probe.h"

/*
 * Each change of owner can cost the ledger two runs, and boot_free must not
 * fail. So two runs are kept in reserve for each allocation that may be freed,
 * and for the loader's tables, which the kernel frees but did not allocate.
 * Frame metadata is freed by whole runs of the ledger or never, and memory that
 * is kept out of the pools in the reverse order or never; neither needs a
 * reserve.
 */
#define RUNS_PER_MOVE	2
#define LEDGER_SLACK	4096
#define LOADERS_RUNS	64

struct boot_info boot_info;
struct boot_memory boot_memory;

static uint64_t returnable_runs;
static bool is_closed;

static bool may_come_back(enum owner owner)
{
	return owner != OWNER_FRAME_META && owner != OWNER_RESERVED;
}

static bool ledger_has_room(void)
{
	uint64_t moves = 1 + returnable_runs + 1 + LOADERS_RUNS;

	return boot_memory.ledger.count + RUNS_PER_MOVE * moves <=
	       boot_memory.ledger.capacity;
}

enum status boot_alloc_at(const struct early_run_request *request,
			  enum owner owner, pfn_t *out)
{
	struct frame_run run = { .frames = request->frames };
	enum status status;

	ASSERT(cpu_local_id() == 0 && !is_closed);
	if (!ledger_has_room())
		return ST_NO_MEMORY;
	status = early_alloc_run(&boot_memory.early, request, &run.first);
	if (status != ST_OK)
		return status;
	status = ledger_move(&boot_memory.ledger, run, OWNER_FREE, owner);
	if (status != ST_OK) {
		MUST(early_free_run(&boot_memory.early, run));
		return ST_NO_MEMORY;
	}
	returnable_runs += may_come_back(owner);
	*out = run.first;
	return ST_OK;
}

enum status boot_alloc(struct frame_run *run, enum owner owner)
{
	return boot_alloc_at(&(struct early_run_request){
		.frames = run->frames }, owner, &run->first);
}

void boot_free(struct frame_run run, enum owner owner)
{
	ASSERT(cpu_local_id() == 0 && !is_closed);
	MUST(ledger_move(&boot_memory.ledger, run, owner, OWNER_FREE));
	MUST(early_free_run(&boot_memory.early, run));
	/* Also for the loader's table pages, which were never counted. */
	if (returnable_runs > 0 && may_come_back(owner))
		returnable_runs--;
}

void boot_memory_close(void)
{
	ASSERT(cpu_local_id() == 0 && !is_closed);
	MUST(early_init(&boot_memory.early, kernel_window(), NULL, 0));
	is_closed = true;
}

static enum status take_table(struct frame_source *source, pfn_t *out)
{
	struct frame_run run = { .frames = 1 };
	enum status status = boot_alloc(&run, OWNER_PAGE_TABLE);

	(void)source;
	*out = run.first;
	return status;
}

static void give_table(struct frame_source *source, pfn_t frame)
{
	(void)source;
	boot_free((struct frame_run){ frame, 1 }, OWNER_PAGE_TABLE);
}

static struct frame_source table_source = {
	.take = take_table,
	.give = give_table,
};

/*
 * The parts that are needed before the ledger; each is a run of its own, so
 * small runs suffice.
 */
enum part {
	PART_ENTRIES,
	PART_REGIONS,
	PART_ACPI,
	PART_OWNED,
	PART_SCRATCH,
	PART_LEDGER,
	PARTS,
};

/* Frees nothing when it fails: the kernel cannot go on without these. */
static enum status take_parts(const uint64_t bytes[PARTS],
			      struct frame_run runs[PARTS], void *parts[PARTS])
{
	for (enum part i = 0; i < PARTS; i++) {
		struct frame_run *run = &runs[i];
		enum status status;

		run->frames = align_up(bytes[i], PAGE_SIZE) / PAGE_SIZE;
		status = early_alloc_run(
			&boot_memory.early,
			&(struct early_run_request){ .frames = run->frames },
			&run->first);
		if (status != ST_OK)
			return status;
		parts[i] = pfn_to_pointer(run->first);
	}
	return ST_OK;
}

static enum status take_workspace(struct frame_run runs[PARTS])
{
	struct memory_map *map = &boot_memory.map;
	size_t n = map->entry_count;
	size_t owned = boot_info.handover->owned.count + PARTS;
	size_t items = region_list_capacity(n);
	size_t ledger_runs = ledger_capacity(n, owned) + LEDGER_SLACK;
	uint64_t scratch = max_u64(region_scratch_bytes(n),
				   ledger_scratch_bytes(n));
	uint64_t bytes[PARTS] = {
		[PART_ENTRIES] = n * sizeof(*map->entries),
		[PART_REGIONS] = items * sizeof(struct region),
		[PART_ACPI] = items * sizeof(struct region),
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
	map->acpi.items = parts[PART_ACPI];
	map->acpi.capacity = items;
	map->owned = parts[PART_OWNED];
	map->scratch = parts[PART_SCRATCH];
	map->scratch_bytes = scratch;
	boot_memory.ledger.runs = parts[PART_LEDGER];
	boot_memory.ledger.capacity = ledger_runs;
	return ST_OK;
}

static void insert_owned(struct frame_run run)
{
	struct memory_map *map = &boot_memory.map;
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
	size_t count = boot_info.handover->owned.count;

	memcpy(boot_memory.map.owned,
	       paddr_to_pointer(boot_info.handover->owned.address),
	       count * sizeof(struct owned_run));
	boot_memory.map.owned_count = count;
	for (enum part i = 0; i < PARTS; i++)
		insert_owned(runs[i]);
}

static enum status build_list(struct region_list *out, size_t count)
{
	struct memory_map *map = &boot_memory.map;

	return region_list_build(out, &(struct region_request){
		.entries = map->entries,
		.count = count,
		.usable_limit = boot_info.handover->usable_limit,
		.bad = boot_info.options.bad,
		.bad_count = boot_info.options.bad_count,
		.scratch = map->scratch,
		.scratch_bytes = map->scratch_bytes,
	});
}

static void read_entries(void)
{
	struct memory_map *map = &boot_memory.map;

	for (size_t i = 0; i < map->entry_count; i++)
		map->entries[i] = firmware_map_entry(&map->raw, i);
}

static enum status build_regions(void)
{
	struct memory_map *map = &boot_memory.map;
	enum status status;

	read_entries();
	status = build_list(&map->acpi, map_entries_of_acpi(
		map->entries, map->entry_count));
	/* That has changed them. */
	read_entries();
	return status == ST_OK ? build_list(&map->regions, map->entry_count) :
				 status;
}

static enum status build_ledger(void)
{
	struct memory_map *map = &boot_memory.map;

	return ledger_build(&boot_memory.ledger, &(struct ledger_request){
		.entries = map->entries,
		.count = map->entry_count,
		.usable_limit = boot_info.handover->usable_limit,
		.bad = boot_info.options.bad,
		.bad_count = boot_info.options.bad_count,
		.owned = map->owned,
		.owned_count = map->owned_count,
		.scratch = map->scratch,
		.scratch_bytes = map->scratch_bytes,
	});
}

/* Only a frame that the loader declared as a table is read as one. */
static bool is_table_frame(const void *context, pfn_t frame)
{
	enum owner owner;

	(void)context;
	return ledger_find(&boot_memory.ledger, frame, &owner) == ST_OK &&
	       owner == OWNER_PAGE_TABLE;
}

/* --- the loader's free list ------------------------------------------------*/

/*
 * Set in the length of a run that is not really memory, from the early list's
 * start until there is a ledger that can say so.
 */
#define IS_LOST	(1UL << 63)

static struct frame_run *free_runs(void)
{
	return paddr_to_pointer(boot_info.handover->free_list.address);
}

static enum status start_early(void)
{
	struct frame_run *runs = free_runs();
	enum status status = early_init(&boot_memory.early, kernel_window(),
					NULL, 0);

	for (uint32_t i = 0; status == ST_OK &&
			     i < boot_info.handover->free_list.count; i++) {
		if (probe_keeps(runs[i]))
			status = early_free_run(&boot_memory.early, runs[i]);
		else
			runs[i].frames |= IS_LOST;
	}
	return status;
}

static enum status leave_out_lost_runs(void)
{
	struct frame_run *runs = free_runs();
	struct probe_losses losses = { .runs = 0 };
	enum status status = ST_OK;

	for (uint32_t i = 0; status == ST_OK &&
			     i < boot_info.handover->free_list.count; i++) {
		if ((runs[i].frames & IS_LOST) == 0)
			continue;
		runs[i].frames &= ~IS_LOST;
		status = ledger_move(&boot_memory.ledger, runs[i], OWNER_FREE,
				     OWNER_BAD);
		probe_note_loss(&losses, runs[i]);
	}
	probe_warn(&losses);
	return status;
}

enum status boot_memory_init(void)
{
	const struct handover *from_loader = boot_info.handover;
	struct table_features features = {
		.no_execute = from_loader->cpu.features & CPU_NX,
		.page_1g = from_loader->cpu.features & CPU_PAGE_1G,
		.physical_bits = from_loader->cpu.physical_bits,
		.may_be_table = is_table_frame,
	};
	struct frame_run workspace[PARTS];
	enum status status;

	boot_memory.map.raw = (struct firmware_map){
		.data = paddr_to_pointer(from_loader->raw_map),
		.bytes = from_loader->raw_map_bytes,
		.stride = from_loader->raw_map_stride,
	};
	boot_memory.map.entry_count = firmware_map_count(&boot_memory.map.raw);
	status = start_early();
	if (status == ST_OK)
		status = take_workspace(workspace);
	if (status != ST_OK)
		return status;
	merge_owned(workspace);
	status = build_regions();
	if (status == ST_OK)
		status = build_ledger();
	if (status == ST_OK)
		status = leave_out_lost_runs();
	if (status == ST_OK)
		status = table_adopt(&boot_memory.table, kernel_window(),
				     &table_source, &features,
				     paddr_to_pfn(from_loader->root_table));
	return status;
}
