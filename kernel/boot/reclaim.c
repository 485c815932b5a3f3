// SPDX-License-Identifier: MIT OR Apache-2.0
#include "reclaim.h"

#include <base/bits.h>
#include <boot/layout.h>

#include <kernel/log/log.h>

#include "boot_info.h"
#include "boot_memory.h"
#include "probe.h"

enum status boot_drop_identity(void)
{
	paddr_t switch_page = boot_info.handover->switch_page;
	enum status status = table_unmap(&boot_memory.table,
					 (vaddr_t){ switch_page.raw },
					 PAGE_SIZE);

	for (size_t i = 0; i < boot_memory.map.regions.count; i++) {
		struct region region = boot_memory.map.regions.items[i];

		if (status != ST_OK)
			break;
		if (region.kind == REGION_LOW)
			status = table_unmap(&boot_memory.table,
					     (vaddr_t){ region.start.raw },
					     region.end.raw - region.start.raw);
	}
	return status;
}

/* A run that keeps nothing: the firmware's stays with it. */
static enum status leave_run(struct frame_run run, enum owner from)
{
	return from == OWNER_ACPI ? ST_OK :
		       ledger_move(&boot_memory.ledger, run, from, OWNER_BAD);
}

static enum status reclaim_run(struct frame_run run, enum owner from,
			       struct probe_losses *losses)
{
	enum status status;

	if (!probe_keeps(run)) {
		probe_note_loss(losses, run);
		return leave_run(run, from);
	}
	status = early_free_run(&boot_memory.early, run);
	if (status != ST_OK)
		return status;
	return ledger_move(&boot_memory.ledger, run, from, OWNER_FREE);
}

/* ACPI memory that is not in the direct map keeps its owner. */
static bool is_mapped(struct frame_run run)
{
	uint64_t at = direct_map(pfn_to_paddr(run.first)).raw;
	uint64_t end = at + run.frames * PAGE_SIZE;
	struct table_leaf leaf;

	while (at < end) {
		if (table_query(&boot_memory.table, (vaddr_t){ at }, &leaf) !=
		    ST_OK)
			return false;
		at = leaf.virt.raw + leaf.bytes;
	}
	return true;
}

/* All pages of `from` in [first..end). */
static enum status reclaim_pages(enum owner from, pfn_t first, pfn_t end,
				 struct probe_losses *losses)
{
	struct frame_run run = { .first = first };

	while (ledger_find_owned(&boot_memory.ledger, from, run.first, &run) ==
		       ST_OK && run.first.raw < end.raw) {
		enum status status = ST_OK;

		run.frames = min_u64(run.frames, end.raw - run.first.raw);
		if (is_mapped(run))
			status = reclaim_run(run, from, losses);
		if (status != ST_OK)
			return status;
		run.first.raw += run.frames;
	}
	return ST_OK;
}

/* Only where the rules for all memory allow it, whatever the type. */
static enum status reclaim_acpi(struct probe_losses *losses)
{
	const struct region_list *list = &boot_memory.map.acpi;
	enum status status = ST_OK;

	for (size_t i = 0; i < list->count && status == ST_OK; i++) {
		struct region region = list->items[i];

		if (region.kind == REGION_FREE || region.kind == REGION_LOW)
			status = reclaim_pages(OWNER_ACPI,
					       paddr_to_pfn(region.start),
					       paddr_to_pfn(region.end),
					       losses);
	}
	return status;
}

enum status boot_reclaim(enum owner from)
{
	uint64_t before = boot_memory.early.free_frames;
	struct probe_losses losses = { .runs = 0 };
	enum status status;

	status = from == OWNER_ACPI ? reclaim_acpi(&losses) :
		 reclaim_pages(from, (pfn_t){ 0 },
			       (pfn_t){ PHYSICAL_LIMIT >> PAGE_SHIFT },
			       &losses);
	if (status != ST_OK)
		return status;
	probe_warn(&losses);
	log_line(LOG_INFO, "memory: reclaim from=%s pages=%lu free_pages=%lu",
		 owner_name(from), boot_memory.early.free_frames - before,
		 boot_memory.early.free_frames);
	return ST_OK;
}
