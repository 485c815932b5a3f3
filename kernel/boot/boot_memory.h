/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * boot_memory.h - the kernel's own use of the rooms of mm, in boot order.
 *
 * Every page is allocated for an owner, by boot_alloc until frames_start and
 * by pages_alloc or frames_alloc after it. Early list, ledger and table have
 * no lock: only the boot CPU changes them, and asserts that it does.
 */
#ifndef KERNEL_BOOT_BOOT_MEMORY_H
#define KERNEL_BOOT_BOOT_MEMORY_H

#include <mm/early.h>
#include <mm/ledger.h>
#include <mm/region.h>
#include <mm/table.h>

/* The firmware's map, kept, and the workspace to read it again. */
struct memory_map {
	struct firmware_map raw;	/* [C] in the handover's pages       */
	struct map_entry *entries;	/* [C]                               */
	size_t entry_count;		/* [C]                               */
	struct region_list regions;	/* [C] recomputed by the kernel      */
	struct region_list acpi;	/* [C] map_entries_of_acpi           */
	struct owned_run *owned;	/* [C] the loader's and our own      */
	size_t owned_count;
	void *scratch;
	size_t scratch_bytes;
};

struct boot_memory {
	struct memory_map map;
	struct early early;		/* empty from frames_start on        */
	struct ledger ledger;
	struct table table;		/* the kernel's only page tables     */
};

extern struct boot_memory boot_memory;

/*
 * Builds early, ledger and table from the handover; the owner of the kernel's
 * own working pages is boot_list.
 * Fails: ST_NO_MEMORY, ST_FULL, or the status of a room that refuses the
 *        handover.
 */
enum status boot_memory_init(void);

/*
 * Before frames_start only: allocates run->frames adjacent frames for `owner`
 * and sets run->first. It succeeds only while the ledger has room for every
 * boot_free that may follow.
 * Fails: ST_NO_MEMORY, ST_BAD_RANGE.
 */
enum status boot_alloc(struct frame_run *run, enum owner owner);

/* The same at the place that `request` asks for (see early_alloc_run). */
enum status boot_alloc_at(const struct early_run_request *request,
			  enum owner owner, pfn_t *out);

/* Frees frames that belong to `owner`. Cannot fail; before frames_start. */
void boot_free(struct frame_run run, enum owner owner);

/*
 * The frame pools have all memory: the early list is empty from now on, and
 * boot_alloc and boot_free must not be called any more.
 */
void boot_memory_close(void);

#endif
