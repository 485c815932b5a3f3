/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * owner_counts.h - the pages of each owner, each counted in a way of its own.
 *
 * Takes: the ledger, the counts of all pools, and the structures in which some
 *        owners have their pages.
 * Gives: the pages of each owner. Their sum is the ledger's total, unless a
 *        frame's byte, a structure or a bit is wrong.
 */
#ifndef KERNEL_MEMORY_OWNER_COUNTS_H
#define KERNEL_MEMORY_OWNER_COUNTS_H

#include <boot/handover.h>
#include <mm/frame_query.h>
#include <mm/ledger.h>
#include <mm/table.h>

/* Where owners have their pages, whatever the pools say of these. */
struct owner_structures {
	/* page_table, stack, frame_meta; with the segments: kernel_image. */
	const struct table *table;
	const struct handover_segment *segments;
	size_t segment_count;
	/* handover, module, log, boot_list: from before the pools. */
	const struct owned_run *owned;
	size_t owned_count;
	/* The same owners' pages that were allocated later. */
	uint64_t more_handover_pages;
	uint64_t more_boot_list_pages;
};

/* True for an owner that is counted by walking its structure. */
bool owner_has_structure(enum owner owner);

struct owner_sources {
	const struct ledger *ledger;
	const struct frame_count *frames;	/* of all pools              */
	uint64_t early_pages;			/* free, and no pool's yet   */
	struct owner_structures structures;
};

/*
 * Quiet moment. Free pages are counted by their bits, pages of an owner
 * without a structure by the frames' bytes and the ledger's runs.
 * Cost: one walk over the table, row by row.
 */
void owners_count(const struct owner_sources *from,
		  uint64_t pages[OWNER_COUNT]);

#endif
