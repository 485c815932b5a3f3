// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The handover: its pages, taken early, and its contents, written last.
 */
#include "loader.h"

#include <base/bits.h>
#include <base/sort.h>
#include <base/string.h>
#include <boot/layout.h>
#include <mm/region_runs.h>

/* The handover, the owned list and the option text, in this order. */
EFI_STATUS handover_alloc(struct loader *loader,
			  const struct handover_cpu *entry_state,
			  uint64_t first_tsc)
{
	paddr_t start;
	uint64_t bytes = sizeof(struct handover) +
			 HOLDINGS_MAX * sizeof(struct owned_run) +
			 OPTIONS_BYTES;
	EFI_STATUS status = memory_alloc(loader, &(struct page_request){
		.pages = align_up(bytes, PAGE_SIZE) / PAGE_SIZE,
		.owner = OWNER_HANDOVER,
		.limit = 4 * GIB,
	}, &start);

	if (EFI_ERROR(status))
		return log_error(status, "loader: no memory for the handover");
	loader->handover = (struct handover *)start.raw;
	memset(loader->handover, 0, align_up(bytes, PAGE_SIZE));
	loader->machine.cpu = *entry_state;
	loader->handover->stage_tsc[STAGE_EFI_MAIN] = first_tsc;
	return crash_log_open(loader, &loader->handover->crash_log,
			      &loader->handover->crash_log_bytes);
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

/* The log goes last, whole lines and all, into the pages kept for it. */
static void hand_log_over(struct handover *handover)
{
	size_t bytes;
	const char *log = log_text(&bytes);

	bytes = min_u64(bytes, LOG_PAGES * PAGE_SIZE);
	memcpy((void *)handover->log.raw, log, bytes);
	handover->log_bytes = bytes;
}

void handover_fill(struct loader *loader, const struct table *table)
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
	to->tsc_ticks_per_us = log_ticks_per_us();
	hand_log_over(to);
	to->checksum = handover_checksum(to);
}
