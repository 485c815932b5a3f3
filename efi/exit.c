// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Leaving. Before the exit: every buffer that the work after it needs, sized
 * from the map as it is now plus slack. The exit: map and key, at least
 * three tries, nothing but memory services in between. After it: regions,
 * tables, free list and handover, from the very map that was accepted, with
 * interrupts off and our own exception handlers in place.
 */
#include "loader.h"

#include <arch/instructions.h>
#include <base/bits.h>
#include <base/sort.h>
#include <base/string.h>
#include <boot/layout.h>
#include <mm/early.h>
#include <mm/region_runs.h>

#include "switch.h"

/* Every allocation may split a descriptor; the firmware adds its own. */
#define SLACK_ENTRIES	64
#define EXIT_TRIES	8
#define GROWTH_ROUNDS	8
#define LOG_PAGES	4
#define STACK_PAGES	(STACK_BYTES / PAGE_SIZE)
/* UEFI 2.10 section 7.2; not in the headers that we build with. */
#define ATTRIBUTE_RO	0x20000

/* Why it cannot go on, by what it last tried. */
#define NO_ROOM		"no room for map and tables "			\
			"try=\"a machine with 64 MiB\""
#define NO_MAP		"the firmware gives no map try=\"update the firmware\""
#define STRANGE_MAP	"a map that cannot be read try=\"update the firmware\""
#define GROWING_MAP	"the map never stops growing try=\"start it again\""
#define CLAIMED		"the map claims our pages back"
#define NO_EXIT		"firmware keeps the machine"

/* Buffers for a map of `capacity` descriptors; all are holdings of ours. */
static struct {
	const char *trouble;
	size_t capacity;
	UINTN stride;
	UINT32 version;
	UINTN map_bytes, map_key;

	paddr_t raw_map;
	paddr_t entries;		/* struct map_entry                  */
	paddr_t scratch;
	paddr_t regions;		/* struct region                     */
	paddr_t free_list;		/* struct frame_run                  */
	struct region_list list;

	paddr_t pool;
	uint64_t pool_pages;
} map;

static EFI_STATUS take(struct loader *loader, uint64_t bytes, enum owner owner,
		       paddr_t *out)
{
	map.trouble = NO_ROOM;
	return memory_take(loader, &(struct page_request){
		.pages = align_up(bytes, PAGE_SIZE) / PAGE_SIZE,
		.owner = owner,
		.limit = 4 * GIB,
	}, out);
}

/* A map of another shape than the one we made room for does not fit. */
static EFI_STATUS get_map(struct loader *loader)
{
	UINTN room = map.capacity * map.stride, stride = map.stride;
	EFI_STATUS status;

	map.map_bytes = room;
	map.trouble = NO_MAP;
	status = loader->boot->GetMemoryMap(
		&map.map_bytes, (EFI_MEMORY_DESCRIPTOR *)map.raw_map.raw,
		&map.map_key, &stride, &map.version);
	if (!EFI_ERROR(status) &&
	    (map.map_bytes > room || stride != map.stride))
		status = EFI_BUFFER_TOO_SMALL;
	if (status == EFI_BUFFER_TOO_SMALL)
		map.trouble = GROWING_MAP;
	return status;
}

static EFI_STATUS take_buffers(struct loader *loader)
{
	size_t items = region_list_capacity(map.capacity);
	const struct {
		uint64_t bytes;
		enum owner owner;
		paddr_t *out;
	} wanted[] = {
		{ map.capacity * map.stride, OWNER_HANDOVER, &map.raw_map },
		{ map.capacity * sizeof(struct map_entry),
		  OWNER_BOOT_RECLAIMABLE, &map.entries },
		{ region_scratch_bytes(map.capacity), OWNER_BOOT_RECLAIMABLE,
		  &map.scratch },
		{ items * sizeof(struct region), OWNER_HANDOVER, &map.regions },
		{ items * sizeof(struct frame_run), OWNER_BOOT_LIST,
		  &map.free_list },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
		EFI_STATUS status = take(loader, wanted[i].bytes,
					 wanted[i].owner, wanted[i].out);

		if (EFI_ERROR(status))
			return status;
	}
	return EFI_SUCCESS;
}

static void give_buffers(struct loader *loader)
{
	paddr_t *const taken[] = { &map.raw_map, &map.entries, &map.scratch,
				   &map.regions, &map.free_list, &map.pool };

	for (size_t i = 0; i < ARRAY_LENGTH(taken); i++) {
		memory_give(loader, *taken[i]);
		*taken[i] = (paddr_t){ 0 };
	}
}

/* How long the map is now; the stride is whatever the firmware says. */
static EFI_STATUS size_buffers(struct loader *loader)
{
	UINTN bytes = 0, key;
	EFI_STATUS status = loader->boot->GetMemoryMap(
		&bytes, NULL, &key, &map.stride, &map.version);

	map.trouble = NO_MAP;
	if (status != EFI_BUFFER_TOO_SMALL)
		return EFI_ERROR(status) ? status : EFI_DEVICE_ERROR;
	map.trouble = STRANGE_MAP;
	if (map.stride < FIRMWARE_DESCRIPTOR_BYTES || map.stride > PAGE_SIZE)
		return EFI_INCOMPATIBLE_VERSION;
	/* Some say too little: more room in each round, whatever they say. */
	map.capacity = max_u64(bytes / map.stride, map.capacity) +
		       SLACK_ENTRIES;
	return take_buffers(loader);
}

static enum status normalise(struct loader *loader)
{
	struct firmware_map raw = {
		.data = (void *)map.raw_map.raw,
		.bytes = map.map_bytes,
		.stride = map.stride,
	};
	struct map_entry *entries = (void *)map.entries.raw;
	size_t count = firmware_map_count(&raw);

	for (size_t i = 0; i < count; i++)
		entries[i] = firmware_map_entry(&raw, i);
	map.list = (struct region_list){
		.items = (void *)map.regions.raw,
		.capacity = region_list_capacity(map.capacity),
	};
	return region_list_build(&map.list, &(struct region_request){
		.entries = entries,
		.count = count,
		.usable_limit = loader->handover->usable_limit,
		.bad = loader->options.bad,
		.bad_count = loader->options.bad_count,
		.scratch = (void *)map.scratch.raw,
		.scratch_bytes = region_scratch_bytes(map.capacity),
	});
}

/*
 * A map that takes back what its firmware lent leaves nothing to stand on.
 * What only the loader uses may go.
 */
static bool is_claimed(const struct loader *loader)
{
	for (size_t i = 0; i < loader->holding_count; i++) {
		const struct holding *holding = &loader->holdings[i];

		if (holding->owner != OWNER_BOOT_RECLAIMABLE &&
		    !region_is_usable(&map.list, holding->start,
				      holding->pages * PAGE_SIZE)) {
			say('W', "leave: claimed start=0x%lx pages=%lu",
			    holding->start.raw, holding->pages);
			return true;
		}
	}
	return false;
}

static struct tables_request tables_request(struct loader *loader)
{
	return (struct tables_request){
		.regions = &map.list,
		.segments = loader->handover->segments,
		.segment_count = ARRAY_LENGTH(loader->handover->segments),
		.boot_stack = loader->handover->boot_stack,
		.switch_page = loader->handover->switch_page,
		.machine = &loader->machine,
	};
}

static EFI_STATUS take_pool(struct loader *loader)
{
	struct tables_request request = tables_request(loader);
	EFI_STATUS status = get_map(loader);

	if (EFI_ERROR(status))
		return status;
	map.trouble = STRANGE_MAP;
	if (normalise(loader) != ST_OK)
		return EFI_COMPROMISED_DATA;
	map.trouble = CLAIMED;
	if (is_claimed(loader))
		return EFI_COMPROMISED_DATA;
	map.pool_pages = tables_pages_bound(&request, SLACK_ENTRIES);
	return take(loader, map.pool_pages * PAGE_SIZE, OWNER_PAGE_TABLE,
		    &map.pool);
}

/* Buffers and pool for the map as it is, however often it grows meanwhile. */
static EFI_STATUS make_room(struct loader *loader)
{
	EFI_STATUS status = EFI_BUFFER_TOO_SMALL;

	for (unsigned i = 0; i < GROWTH_ROUNDS &&
			     status == EFI_BUFFER_TOO_SMALL; i++) {
		give_buffers(loader);
		status = size_buffers(loader);
		if (!EFI_ERROR(status))
			status = take_pool(loader);
	}
	return status;
}

/* UEFI 2.10 section 37.2; not in the headers that we build with. */
struct memory_attributes {
	void *get;
	EFI_STATUS(EFIAPI *set)(struct memory_attributes *self,
				EFI_PHYSICAL_ADDRESS start, UINT64 bytes,
				UINT64 attributes);
	EFI_STATUS(EFIAPI *clear)(struct memory_attributes *self,
				  EFI_PHYSICAL_ADDRESS start, UINT64 bytes,
				  UINT64 attributes);
};

static struct memory_attributes *find_attributes(struct loader *loader)
{
	static EFI_GUID guid = { 0xf4560cf6, 0x40ec, 0x4b4a,
				 { 0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1,
				   0x89 } };
	struct memory_attributes *protocol;

	if (EFI_ERROR(loader->boot->LocateProtocol(&guid, NULL,
						   (void **)&protocol)))
		return NULL;
	return protocol;
}

/* Some firmware maps loader memory never executable unless asked. */
static void make_executable(struct loader *loader, paddr_t page)
{
	struct memory_attributes *attributes = find_attributes(loader);

	if (attributes == NULL)
		return;
	/* Read-only first: a strict firmware refuses write and execute. */
	attributes->set(attributes, page.raw, PAGE_SIZE, ATTRIBUTE_RO);
	attributes->clear(attributes, page.raw, PAGE_SIZE, EFI_MEMORY_XP);
}

/* A page that is given back is data again, as it was lent. */
static void make_data(struct loader *loader, paddr_t page)
{
	struct memory_attributes *attributes = find_attributes(loader);

	if (attributes == NULL)
		return;
	attributes->set(attributes, page.raw, PAGE_SIZE, EFI_MEMORY_XP);
	attributes->clear(attributes, page.raw, PAGE_SIZE, ATTRIBUTE_RO);
}

static void fill_switch_page(struct loader *loader)
{
	uint64_t page = loader->handover->switch_page.raw;
	uint32_t features = loader->machine.cpu.features;
	struct switch_parameters *to = (void *)(page + SWITCH_PARAMETERS);

	memcpy((void *)page, switch_start,
	       (size_t)(switch_end - switch_start));
	*to = (struct switch_parameters){
		.handover = direct_map((paddr_t){
			(uint64_t)loader->handover }).raw,
		.cr4 = CR4_PAE | (features & CPU_PGE ? CR4_PGE : 0) |
		       (features & CPU_MCE ? CR4_MCE : 0),
		.stack = stack_top(0, STACK_MAIN).raw,
		.entry = loader->plan.entry.raw,
		.flags = (features & CPU_NX ? SWITCH_SET_NXE : 0) |
			 (features & CPU_CET ? SWITCH_CLEAR_CET : 0),
		.gdt_pointer = {
			.limit = 4 * 8 - 1,
			.base = page + (uint64_t)(switch_gdt - switch_start),
		},
		.far_32 = { .offset = (uint32_t)(page +
			(uint64_t)(switch_compat - switch_start)),
			    .selector = SELECTOR_CODE32 },
		.far_64 = { .offset = (uint32_t)(page +
			(uint64_t)(switch_long - switch_start)),
			    .selector = SELECTOR_CODE64 },
	};
	make_executable(loader, loader->handover->switch_page);
}

/* Memory that mem= or the processor's address bits cut off is not used. */
static uint64_t usable_limit(const struct loader *loader)
{
	uint64_t limit = 1UL << loader->machine.cpu.physical_bits;

	if (loader->options.mem_limit != 0)
		limit = min_u64(limit, loader->options.mem_limit);
	return min_u64(limit, USABLE_LIMIT);
}

EFI_STATUS leave_prepare(struct loader *loader)
{
	struct handover *handover = loader->handover;
	EFI_STATUS status;

	handover->usable_limit = usable_limit(loader);
	status = take(loader, STACK_PAGES * PAGE_SIZE, OWNER_STACK,
		      &handover->boot_stack);
	if (!EFI_ERROR(status))
		status = take(loader, LOG_PAGES * PAGE_SIZE, OWNER_LOG,
			      &handover->log);
	if (!EFI_ERROR(status))
		status = memory_take(loader, &(struct page_request){
			.pages = 1,
			.owner = OWNER_BOOT_RECLAIMABLE,
			.type = EfiLoaderCode,
			.limit = 4 * GIB,
		}, &handover->switch_page);
	if (!EFI_ERROR(status))
		status = make_room(loader);
	if (EFI_ERROR(status))
		return refuse(status, "leave: %s", map.trouble);
	fill_switch_page(loader);
	return EFI_SUCCESS;
}

/* Only memory services in here: no word to anybody until it has held. */
static EFI_STATUS exit_firmware(struct loader *loader)
{
	struct handover *handover = loader->handover;
	EFI_STATUS status = EFI_ABORTED;

	for (unsigned try = 1; try <= EXIT_TRIES; try++) {
		uint64_t before = read_tsc();

		status = get_map(loader);
		handover->get_map_ticks = read_tsc() - before;
		if (status == EFI_BUFFER_TOO_SMALL) {
			EFI_STATUS grown = make_room(loader);

			if (EFI_ERROR(grown))
				return grown;
			continue;
		}
		if (EFI_ERROR(status))
			return status;
		map.trouble = NO_EXIT;
		before = read_tsc();
		handover->stage_tsc[STAGE_MAP_FINAL] = before;
		handover->exit_tries = try;
		__asm__ volatile("cli");
		status = loader->boot->ExitBootServices(loader->image,
							map.map_key);
		__asm__ volatile("cli");
		handover->exit_ticks = read_tsc() - before;
		if (!EFI_ERROR(status))
			break;
	}
	handover->stage_tsc[STAGE_EXIT_DONE] = read_tsc();
	return status;
}

EFI_STATUS leave_firmware(struct loader *loader)
{
	EFI_STATUS status;

	say_close_console();
	status = exit_firmware(loader);
	if (!EFI_ERROR(status))
		return EFI_SUCCESS;
	/* Once it has been asked to go, a firmware is only half there. */
	if (loader->handover->exit_tries > 0) {
		faults_catch();
		give_up("leave: %s status=0x%lx tries=%u", map.trouble,
			(uint64_t)status, loader->handover->exit_tries);
	}
	say_open_console();
	make_data(loader, loader->handover->switch_page);
	return refuse(status, "leave: %s", map.trouble);
}

static bool owned_before(const void *a, const void *b)
{
	const struct owned_run *left = a, *right = b;

	return left->first.raw < right->first.raw;
}

static size_t list_owned_runs(struct loader *loader, uint64_t table_pages,
			      struct owned_run *runs)
{
	size_t count = 0;

	for (size_t i = 0; i < loader->holding_count; i++) {
		struct holding holding = loader->holdings[i];

		if (holding.owner == OWNER_BOOT_RECLAIMABLE)
			continue;
		if (holding.kept_pages != 0)
			holding.pages = holding.kept_pages;
		/* The early list lends the lowest first: a prefix is used. */
		if (holding.start.raw == map.pool.raw)
			holding.pages = table_pages;
		runs[count++] = (struct owned_run){
			.first = paddr_to_pfn(holding.start),
			.frames = holding.pages,
			.owner = holding.owner,
		};
	}
	sort(runs, count, sizeof(runs[0]), owned_before);
	return count;
}

static void build_tables(struct loader *loader, struct table *table)
{
	struct tables_request request = tables_request(loader);
	struct table_features features = tables_features(&loader->machine.cpu);
	struct window window = { .offset = 0 };
	static struct early pool;
	struct frame_run run = { paddr_to_pfn(map.pool), map.pool_pages };
	enum status status = early_init(&pool, window, &run, 1);

	if (status == ST_OK)
		status = table_init(table, window, &pool.source, &features);
	if (status == ST_OK)
		status = tables_build(table, &request);
	if (status != ST_OK)
		give_up("leave: page tables failed why=\"%s\" pages=%lu",
			status_text(status), map.pool_pages);
}

/* The log goes last, whole lines and all, into the pages kept for it. */
static void hand_log_over(struct handover *handover)
{
	size_t bytes;
	const char *log = say_log(&bytes);

	bytes = min_u64(bytes, LOG_PAGES * PAGE_SIZE);
	memcpy((void *)handover->log.raw, log, bytes);
	handover->log_bytes = bytes;
}

static void fill_handover(struct loader *loader, const struct table *table)
{
	struct handover *to = loader->handover;
	struct owned_run *owned = (struct owned_run *)(to + 1);

	to->magic = HANDOVER_MAGIC;
	to->version = HANDOVER_VERSION;
	to->bytes = sizeof(*to);
	to->flags = (loader->secure_boot ? HANDOVER_SECURE_BOOT : 0) |
		    (loader->overridden ? HANDOVER_KERNEL_OVERRIDE : 0) |
		    (loader->under_qemu ? HANDOVER_UNDER_QEMU : 0);
	to->root_table = pfn_to_paddr(table->root);
	to->direct_map_base = (vaddr_t){ DIRECT_MAP_OFFSET };
	to->raw_map = map.raw_map;
	to->raw_map_bytes = map.map_bytes;
	to->raw_map_stride = (uint32_t)map.stride;
	to->raw_map_version = map.version;
	to->regions = (struct handover_array){
		map.regions, (uint32_t)map.list.count, sizeof(struct region) };
	to->free_list = (struct handover_array){
		map.free_list,
		(uint32_t)region_free_runs(&map.list,
					   (void *)map.free_list.raw),
		sizeof(struct frame_run) };
	to->owned = (struct handover_array){
		{ (uint64_t)owned },
		(uint32_t)list_owned_runs(loader, table->table_pages, owned),
		sizeof(struct owned_run) };
	to->modules.item_bytes = sizeof(struct handover_module);
	to->system_table = (paddr_t){ (uint64_t)loader->system };
	to->options = (paddr_t){ (uint64_t)(owned + HOLDINGS_MAX) };
	to->options_bytes = loader->option_bytes;
	memcpy((void *)to->options.raw, loader->option_text,
	       loader->option_bytes);
	((char *)to->options.raw)[loader->option_bytes] = '\0';
	to->cpu = loader->machine.cpu;
	to->tsc_ticks_per_us = say_ticks_per_us();
	hand_log_over(to);
	to->checksum = handover_checksum(to);
}

void leave_to_kernel(struct loader *loader)
{
	struct table table;

	if (normalise(loader) != ST_OK)
		give_up("leave: the final map does not fit entries=%lu",
			map.map_bytes / map.stride);
	if (is_claimed(loader))
		give_up("leave: %s", CLAIMED);
	build_tables(loader, &table);
	say('I', "leave: jump exit_tries=%u entries=%lu tables=%lu "
		 "entry=0x%lx", loader->handover->exit_tries,
	    map.map_bytes / map.stride, table.table_pages,
	    loader->plan.entry.raw);
	fill_handover(loader, &table);
	evidence_reach("loader.jump");
	((void (*)(uint64_t root))loader->handover->switch_page.raw)(
		pfn_to_paddr(table.root).raw);
	__builtin_unreachable();
}
