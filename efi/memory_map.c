// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The firmware's memory map, and every buffer that the work after the exit
 * needs, sized from the map as it is now plus slack.
 */
#include "loader.h"

#include <base/bits.h>
#include <mm/region_runs.h>

/* Every allocation may split a descriptor; the firmware adds its own. */
#define SLACK_ENTRIES	64
#define GROWTH_ROUNDS	8

struct memory_map map;

EFI_STATUS take(struct loader *loader, uint64_t bytes, enum owner owner,
		paddr_t *out)
{
	map.trouble = NO_ROOM;
	return memory_alloc(loader, &(struct page_request){
		.pages = align_up(bytes, PAGE_SIZE) / PAGE_SIZE,
		.owner = owner,
		.limit = 4 * GIB,
	}, out);
}

/* A map of another shape than the one we made room for does not fit. */
EFI_STATUS memory_map_get(struct loader *loader)
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

static EFI_STATUS alloc_buffers(struct loader *loader)
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

static void free_buffers(struct loader *loader)
{
	paddr_t *const taken[] = { &map.raw_map, &map.entries, &map.scratch,
				   &map.regions, &map.free_list, &map.pool };

	for (size_t i = 0; i < ARRAY_LENGTH(taken); i++) {
		memory_free(loader, *taken[i]);
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
	/* Some report too little: more room in each round. */
	map.capacity = max_u64(bytes / map.stride, map.capacity) +
		       SLACK_ENTRIES;
	return alloc_buffers(loader);
}

enum status memory_map_normalise(struct loader *loader)
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
bool memory_map_is_claimed(const struct loader *loader)
{
	for (size_t i = 0; i < loader->holding_count; i++) {
		const struct holding *holding = &loader->holdings[i];

		if (holding->owner != OWNER_BOOT_RECLAIMABLE &&
		    !region_is_usable(&map.list, holding->start,
				      holding->pages * PAGE_SIZE)) {
			log_line('W', "exit: claimed start=0x%lx pages=%lu",
				 holding->start.raw, holding->pages);
			return true;
		}
	}
	return false;
}

struct tables_request tables_request(struct loader *loader)
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

static EFI_STATUS alloc_pool(struct loader *loader)
{
	struct tables_request request = tables_request(loader);
	EFI_STATUS status = memory_map_get(loader);

	if (EFI_ERROR(status))
		return status;
	map.trouble = STRANGE_MAP;
	if (memory_map_normalise(loader) != ST_OK)
		return EFI_COMPROMISED_DATA;
	map.trouble = CLAIMED;
	if (memory_map_is_claimed(loader))
		return EFI_COMPROMISED_DATA;
	map.pool_pages = tables_pages_bound(&request, SLACK_ENTRIES);
	return take(loader, map.pool_pages * PAGE_SIZE, OWNER_PAGE_TABLE,
		    &map.pool);
}

/* Buffers and pool for the map as it is, however often it grows meanwhile. */
EFI_STATUS memory_map_make_room(struct loader *loader)
{
	EFI_STATUS status = EFI_BUFFER_TOO_SMALL;

	for (unsigned i = 0; i < GROWTH_ROUNDS &&
			     status == EFI_BUFFER_TOO_SMALL; i++) {
		free_buffers(loader);
		status = size_buffers(loader);
		if (!EFI_ERROR(status))
			status = alloc_pool(loader);
	}
	return status;
}
