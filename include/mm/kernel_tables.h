/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * kernel_tables.h - builds the kernel's first page tables from the memory map.
 *
 * The loader builds them from the firmware's last map; the tests build the
 * same tables in an array.
 *
 * The tables of the entry contract:
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
 * A region of this size touches at most two entries of each level, wherever it
 * lies: tables_pages_bound adds no more tables for it than for a single page.
 */
#define TABLES_ACPI_LIMIT	GIB

/* The bytes of `region` in the direct map, from its start. 0 bits: unknown. */
uint64_t tables_direct_bytes(const struct region *region,
			     unsigned physical_bits);

/*
 * The number of table pages that suffices for `request`, also when the map
 * changes later: runs may shrink or vanish, and `slack` runs may be new, as
 * parts of old ones or as memory of up to 1 GiB and of one type.
 */
uint64_t tables_pages_bound(const struct tables_request *request,
			    uint64_t slack);

/*
 * Builds into `table`, which table_init has made.
 * Fails: ST_NO_MEMORY when the source has no page, ST_CONFLICT or ST_BAD_RANGE
 *        when parts of the request contradict each other.
 */
enum status tables_build(struct table *table,
			 const struct tables_request *request);

struct table_features tables_features(const struct handover_cpu *cpu);

#endif
