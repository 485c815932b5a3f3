// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The firmware's memory map, and all buffers for the work after the exit.
 * Nothing can be allocated after the exit, and each allocation before it may
 * lengthen the map. So the buffers are sized from the current map plus some
 * room, and again when the map has become too long.
 */
#include "loader.h"

#include <base/assert.h>
#include <base/bits.h>
#include <mm/region_runs.h>

/* Each allocation may split a descriptor; the firmware adds its own. */
#define SLACK_ENTRIES	64
#define GROWTH_ROUNDS	8

#define NO_MAP		"the firmware gives no map try=\"update the firmware\""
#define STRANGE_MAP	"a map that cannot be read try=\"update the firmware\""
#define GROWING_MAP	"the map never stops growing try=\"start it again\""

/* A map of another shape than the buffers were sized for does not fit. */
struct outcome memory_map_get(struct loader *loader)
{
	struct memory_map *map = &loader->map;
	UINTN room = map->capacity * map->stride, stride = map->stride;
	EFI_STATUS status;

	map->bytes = room;
	status = loader->boot->GetMemoryMap(
		&map->bytes, (EFI_MEMORY_DESCRIPTOR *)map->raw.raw, &map->key,
		&stride, &map->version);
	if (!EFI_ERROR(status) && (map->bytes > room || stride != map->stride))
		status = EFI_BUFFER_TOO_SMALL;
	return (struct outcome){
		status, status == EFI_BUFFER_TOO_SMALL ? GROWING_MAP : NO_MAP };
}

static EFI_STATUS alloc_buffers(struct loader *loader)
{
	struct memory_map *map = &loader->map;
	size_t items = region_list_capacity(map->capacity);
	const struct page_request wanted[] = {
		{ .out = &map->raw, .owner = OWNER_HANDOVER,
		  .bytes = map->capacity * map->stride },
		{ .out = &map->entries, .owner = OWNER_BOOT_RECLAIMABLE,
		  .bytes = map->capacity * sizeof(struct map_entry) },
		{ .out = &map->scratch, .owner = OWNER_BOOT_RECLAIMABLE,
		  .bytes = region_scratch_bytes(map->capacity) },
		{ .out = &map->regions, .owner = OWNER_HANDOVER,
		  .bytes = items * sizeof(struct region) },
		{ .out = &map->free_list, .owner = OWNER_BOOT_LIST,
		  .bytes = items * sizeof(struct frame_run) },
	};

	return memory_alloc_all(loader, wanted, ARRAY_LENGTH(wanted));
}

/* Reads the current length of the map; the firmware chooses the stride. */
static struct outcome size_buffers(struct loader *loader)
{
	struct memory_map *map = &loader->map;
	UINTN bytes = 0, key;
	EFI_STATUS status = loader->boot->GetMemoryMap(
		&bytes, NULL, &key, &map->stride, &map->version);

	if (status != EFI_BUFFER_TOO_SMALL)
		return (struct outcome){
			EFI_ERROR(status) ? status : EFI_DEVICE_ERROR, NO_MAP };
	if (map->stride < FIRMWARE_DESCRIPTOR_BYTES || map->stride > PAGE_SIZE)
		return (struct outcome){
			EFI_INCOMPATIBLE_VERSION, STRANGE_MAP };
	/* Some firmware reports too little: add room in every round. */
	map->capacity = max_u64(bytes / map->stride, map->capacity) +
			SLACK_ENTRIES;
	return (struct outcome){ alloc_buffers(loader), NO_ROOM };
}

enum status memory_map_normalise(struct loader *loader)
{
	struct memory_map *map = &loader->map;
	struct firmware_map raw = {
		.data = (void *)map->raw.raw,
		.bytes = map->bytes,
		.stride = map->stride,
	};
	struct map_entry *entries = (void *)map->entries.raw;
	size_t count = firmware_map_count(&raw);

	ASSERT(count <= map->capacity);
	for (size_t i = 0; i < count; i++)
		entries[i] = firmware_map_entry(&raw, i);
	map->list = (struct region_list){
		.items = (void *)map->regions.raw,
		.capacity = region_list_capacity(map->capacity),
	};
	return region_list_build(&map->list, &(struct region_request){
		.entries = entries,
		.count = count,
		.usable_limit = loader->handover->usable_limit,
		.bad = loader->options.bad,
		.bad_count = loader->options.bad_count,
		.scratch = (void *)map->scratch.raw,
		.scratch_bytes = region_scratch_bytes(map->capacity),
	});
}

/*
 * True when the map calls a page unusable that the firmware allocated for the
 * kernel. Pages that only the loader uses do not matter.
 */
bool memory_map_is_claimed(const struct loader *loader)
{
	for (size_t i = 0; i < loader->holding_count; i++) {
		struct frame_run kept = loader->holdings[i].kept;
		paddr_t start = pfn_to_paddr(kept.first);

		if (loader->holdings[i].owner != OWNER_BOOT_RECLAIMABLE &&
		    !region_is_usable(&loader->map.list, start,
				      kept.frames * PAGE_SIZE)) {
			log_warning("exit: claimed start=0x%lx pages=%lu",
				    start.raw, kept.frames);
			return true;
		}
	}
	return false;
}

struct tables_request memory_map_tables(struct loader *loader)
{
	return (struct tables_request){
		.regions = &loader->map.list,
		.segments = loader->handover->segments,
		.segment_count = ARRAY_LENGTH(loader->handover->segments),
		.boot_stack = loader->handover->boot_stack,
		.switch_page = loader->handover->switch_page,
		.machine = &loader->machine,
	};
}

static struct outcome alloc_pool(struct loader *loader)
{
	struct memory_map *map = &loader->map;
	struct tables_request tables = memory_map_tables(loader);
	struct outcome outcome = memory_map_get(loader);

	if (EFI_ERROR(outcome.status))
		return outcome;
	if (memory_map_normalise(loader) != ST_OK)
		return (struct outcome){ EFI_COMPROMISED_DATA, STRANGE_MAP };
	if (memory_map_is_claimed(loader))
		return (struct outcome){ EFI_COMPROMISED_DATA, CLAIMED };
	map->pool_bytes = tables_pages_bound(&tables, SLACK_ENTRIES) *
			  PAGE_SIZE;
	return (struct outcome){ memory_alloc(loader, &(struct page_request){
		.out = &map->pool, .bytes = map->pool_bytes,
		.owner = OWNER_PAGE_TABLE }), NO_ROOM };
}

/* Allocates buffers and pool for the map, which may grow meanwhile. */
struct outcome memory_map_make_room(struct loader *loader)
{
	struct memory_map *map = &loader->map;
	struct outcome outcome = { EFI_BUFFER_TOO_SMALL, GROWING_MAP };

	if (map->capacity == 0)
		map->first_holding = loader->holding_count;
	for (unsigned i = 0; i < GROWTH_ROUNDS &&
			     outcome.status == EFI_BUFFER_TOO_SMALL; i++) {
		memory_free_from(loader, map->first_holding);
		outcome = size_buffers(loader);
		if (!EFI_ERROR(outcome.status))
			outcome = alloc_pool(loader);
	}
	return outcome;
}
