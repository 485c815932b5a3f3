/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * boot_memory.h - the kernel's own use of the rooms of mm, in boot order.
 *
 * Every page goes through an owned source, memory_take_run or frames.h, so
 * that its owner is known from the moment it is lent. Early list, ledger and
 * table have no lock: only the boot CPU uses them, and asserts that it does.
 */
#ifndef KERNEL_BOOT_BOOT_MEMORY_H
#define KERNEL_BOOT_BOOT_MEMORY_H

#include <mm/early.h>
#include <mm/ledger.h>
#include <mm/region.h>

/* A frame source whose pages appear in the ledger under `owner`. */
struct owned_source {
	struct frame_source source;
	enum owner owner;
};

/* The firmware's map, kept, and room to look at it again. */
struct memory_map {
	struct firmware_map raw;	/* [C] in the handover's pages       */
	struct map_entry *entries;	/* [C]                               */
	size_t entry_count;		/* [C]                               */
	struct region_list regions;	/* [C] recomputed by the kernel      */
	struct owned_run *owned;	/* [C] the loader's and our own      */
	size_t owned_count;
	void *scratch;
	size_t scratch_bytes;
};

/*
 * early, ledger and table, from the handover; the kernel's own working
 * pages are owner boot_list.
 * Fails: ST_NO_MEMORY, ST_FULL, or what the rooms say of a bad handover.
 */
enum status memory_start(void);

/* The same, as early_take_run understands it, and before frames_start only. */
enum status memory_take_run_at(const struct early_run_request *request,
			       enum owner owner, pfn_t *out);
void memory_give_run_early(struct frame_run run, enum owner owner);

#endif
