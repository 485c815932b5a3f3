/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * kernel_tables.h - the kernel's first page tables, from facts alone.
 *
 * The loader builds them from the map that the firmware left it with, the
 * host tests the same ones over an array.
 *
 * These become true (the entry contract's tables):
 *   (P1) the kernel's segments at their addresses: text RX, rodata R, data
 *        RW, in 2 MiB pages where they lie on 2 MiB;
 *   (P2) every page of kind free, later, low and acpi in the direct map,
 *        never executable, writable but for text and rodata; of kind acpi
 *        only what the direct map and the processor can address, and no
 *        region of more than TABLES_ACPI_LIMIT;
 *   (P3) large leaves only over memory of one type, the first 2 MiB in
 *        4 KiB pages;
 *   (P4) the boot stack at its slot, nothing mapped beside it;
 *   (P5) identity: kind low (RW, never executable) and the switch page,
 *        which is RX, also where it lies in kind low.
 */
#ifndef MM_KERNEL_TABLES_H
#define MM_KERNEL_TABLES_H

#include <boot/handover.h>
#include <mm/memtype.h>
#include <mm/region.h>
#include <mm/table.h>

struct machine_facts {
	struct handover_cpu cpu;
	struct mtrr_state mtrr;
};

struct tables_request {
	const struct region_list *regions;
	const struct handover_segment *segments;
	size_t segment_count;
	paddr_t boot_stack;
	paddr_t switch_page;
	const struct machine_facts *machine;
};

/*
 * So much reaches over two blocks of each size at most: a claim below costs
 * no more tables than a single page does, wherever it lies.
 */
#define TABLES_ACPI_LIMIT	GIB

/* The bytes of `region` in the direct map, from its start. Bits 0: unknown. */
uint64_t tables_direct_bytes(const struct region *region,
			     unsigned physical_bits);

/*
 * Table pages that are enough for `request`, and still are when the map has
 * changed since: runs may have shrunk or gone, and `slack` may be new, as
 * parts of old ones or as memory of up to 1 GiB and of one type.
 */
uint64_t tables_pages_bound(const struct tables_request *request,
			    uint64_t slack);

/*
 * Builds into `table`, which table_init has made.
 * Fails: ST_NO_MEMORY when the source runs dry, ST_CONFLICT or ST_BAD_RANGE
 *        when the facts contradict each other.
 */
enum status tables_build(struct table *table,
			 const struct tables_request *request);

struct table_features tables_features(const struct handover_cpu *cpu);

#endif
