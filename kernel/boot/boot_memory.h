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

/*
 * Maps the stacks of `cpu`; the boot CPU has its main one already.
 * Fails: ST_NO_MEMORY, with nothing mapped.
 */
enum status memory_map_stacks(unsigned cpu);

/* Takes the stacks of a CPU that memory_map_stacks gave it away again. */
void memory_unmap_stacks(unsigned cpu);

/*
 * run->frames frames in a row for `owner`; run->first says where.
 * Fails: ST_NO_MEMORY, ST_BAD_RANGE.
 */
enum status memory_take_run(struct frame_run *run, enum owner owner);
/* From frames_start on: of the node of CPU `cpu`, or as near as can be. */
enum status memory_take_run_near(struct frame_run *run, unsigned cpu,
				 enum owner owner);
void memory_give_run(struct frame_run run, enum owner owner);
/* The same, as early_take_run understands it, and before frames_start only. */
enum status memory_take_run_at(const struct early_run_request *request,
			       enum owner owner, pfn_t *out);

/*
 * Who has this frame now. Fails: ST_NOT_FOUND when the firmware never named
 * it.
 */
enum status memory_owner_of(pfn_t frame, enum owner *out);

/* Takes the early identity map away: low memory and the switch page. */
enum status memory_drop_identity(void);

/*
 * What `from` has, and is in the direct map, becomes free: the loader's and
 * firmware's leavings once nothing of theirs runs, the ACPI tables' pages
 * once they are copied. Before frames_start.
 */
enum status memory_reclaim(enum owner from);

/*
 * Makes [phys..phys + bytes) readable at a fixed slot until the next call
 * with the same slot. Slots are for short looks at tables and registers.
 * Fails: ST_BAD_RANGE, ST_NO_MEMORY.
 */
enum peek_slot { PEEK_FIRST, PEEK_SECOND, PEEK_DEVICE, PEEK_COUNT };
struct peek_request {
	enum peek_slot slot;
	paddr_t phys;
	uint64_t bytes;
	unsigned rights;		/* enum table_rights, 0 = only read  */
};
enum status memory_peek(const struct peek_request *request,
			const volatile void **out);
enum status memory_unpeek(enum peek_slot slot);

/* Pages mapped as stacks, counted by walking the slots. */
uint64_t memory_count_stack_pages(void);
uint64_t memory_count_table_pages(void);
uint64_t memory_count_free_pages(void);
/* Every free run, node by node; `visit` says whether to go on. */
void memory_visit_free(bool (*visit)(void *context, struct frame_run run),
		       void *context);
/* Each owner's, counted where it can be: their sum is what was named. */
void memory_count_owners(uint64_t pages[OWNER_COUNT]);
/* The pages that the firmware named, from its raw map, now. */
enum status memory_count_named_pages(uint64_t *out);

#endif
