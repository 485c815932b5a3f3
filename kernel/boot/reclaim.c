// SPDX-License-Identifier: MIT OR Apache-2.0
#include "reclaim.h"

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

static enum status reclaim_run(struct frame_run run, enum owner from,
			       struct probe_losses *losses)
{
	enum status status;

	if (!probe_keeps(run)) {
		probe_note_loss(losses, run);
		return ledger_move(&boot_memory.ledger, run, from, OWNER_BAD);
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

enum status boot_reclaim(enum owner from)
{
	struct frame_run run = { .first = { 0 } };
	uint64_t before = boot_memory.early.free_frames;
	struct probe_losses losses = { .runs = 0 };

	while (ledger_find_owned(&boot_memory.ledger, from, run.first, &run) ==
	       ST_OK) {
		enum status status = ST_OK;

		if (is_mapped(run))
			status = reclaim_run(run, from, &losses);
		if (status != ST_OK)
			return status;
		run.first.raw += run.frames;
	}
	probe_warn(&losses);
	log_line(LOG_INFO, "memory: reclaim from=%s pages=%lu free_pages=%lu",
		 owner_name(from), boot_memory.early.free_frames - before,
		 boot_memory.early.free_frames);
	return ST_OK;
}
