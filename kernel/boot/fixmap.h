/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * fixmap.h - fixed slots of address space for temporary mappings: firmware
 * tables and device registers that lie outside the direct map.
 */
#ifndef KERNEL_BOOT_FIXMAP_H
#define KERNEL_BOOT_FIXMAP_H

#include <mm/table.h>

enum fixmap_slot {
	FIXMAP_FIRST,
	FIXMAP_SECOND,
	FIXMAP_DEVICE,
	FIXMAP_RESET,			/* mapped from power_start on        */
	FIXMAP_COUNT,
};

struct fixmap_request {
	enum fixmap_slot slot;
	paddr_t phys;
	uint64_t bytes;
	unsigned rights;		/* enum table_rights, 0 = only read  */
};

/*
 * Maps [phys..phys + bytes) in the slot, uncached from FIXMAP_DEVICE on, until
 * the next call with the same slot; `out` points to phys.
 * Fails: ST_BAD_RANGE, ST_NO_MEMORY. Locks: none; boot CPU only.
 */
enum status fixmap_map(const struct fixmap_request *request,
			const volatile void **out);

/* Empties the slot. Fails: as table_unmap. */
enum status fixmap_unmap(enum fixmap_slot slot);

#endif
