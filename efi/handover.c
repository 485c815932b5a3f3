// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The handover to the kernel: its pages are allocated early, so that each step
 * can write its results there, and it is completed last.
 */
#include "loader.h"

#include <base/assert.h>
#include <base/bits.h>
#include <base/sort.h>
#include <base/string.h>
#include <boot/layout.h>
#include <mm/region_runs.h>

EFI_STATUS handover_alloc(struct loader *loader)
{
	paddr_t start;
	/* The handover, the owned list and the option text, in this order. */
	uint64_t bytes = align_up(sizeof(struct handover) +
				  HOLDINGS_MAX * sizeof(struct owned_run) +
				  OPTIONS_BYTES, PAGE_SIZE);
	EFI_STATUS status = memory_alloc(loader, &(struct page_request){
		.out = &start, .bytes = bytes, .owner = OWNER_HANDOVER });

	if (EFI_ERROR(status))
		return log_error(status, "loader: no memory for the handover");
	memset((void *)start.raw, 0, bytes);
	loader->handover = (struct handover *)start.raw;
	loader->handover->stage_tsc[STAGE_EFI_MAIN] = loader->start_tsc;
	return EFI_SUCCESS;
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
		/* The tables were allocated from the start of the pool. */
		if (holding.kept.first.raw == loader->map.pool.raw / PAGE_SIZE)
			holding.kept.frames = table_pages;
		runs[count++] = (struct owned_run){ holding.kept.first,
			holding.kept.frames, holding.owner, .zero = 0 };
	}
	ASSERT(count <= HOLDINGS_MAX);
	sort(runs, count, sizeof(runs[0]), owned_before);
	return count;
}

void handover_fill(struct loader *loader, const struct table *table)
{
	const struct memory_map *map = &loader->map;
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
	to->raw_map = map->raw;
	to->raw_map_bytes = map->bytes;
	to->raw_map_stride = (uint32_t)map->stride;
	to->raw_map_version = map->version;
	to->regions = (struct handover_array){
		map->regions, (uint32_t)map->list.count,
		sizeof(struct region) };
	to->free_list = (struct handover_array){
		map->free_list,
		(uint32_t)region_free_runs(&map->list,
					   (void *)map->free_list.raw),
		sizeof(struct frame_run) };
	to->owned = (struct handover_array){
		{ (uint64_t)owned },
		(uint32_t)list_owned_runs(loader, table->table_pages, owned),
		sizeof(struct owned_run) };
	to->modules.item_bytes = sizeof(struct handover_module);
	to->system_table = (paddr_t){ (uint64_t)loader->system };
	to->options = (paddr_t){ (uint64_t)(owned + HOLDINGS_MAX) };
	to->options_bytes = loader->option_text.used;
	ASSERT(loader->option_text.used < OPTIONS_BYTES);
	memcpy((void *)to->options.raw, loader->option_text.text,
	       loader->option_text.used);
	to->cpu = loader->machine.cpu;
	to->tsc_ticks_per_us = loader->ticks_per_us;
	/* The loader logs nothing after this. */
	_Static_assert(LOG_BYTES <= HANDOVER_LOG_BYTES, "all of it fits");
	memcpy((void *)to->log.raw, loader->log_text, loader->log_bytes);
	to->log_bytes = loader->log_bytes;
	to->checksum = handover_checksum(to);
}
