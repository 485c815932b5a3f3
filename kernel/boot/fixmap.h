/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* fixmap.h - fixed slots for temporary mappings. */
#ifndef KERNEL_BOOT_FIXMAP_H
#define KERNEL_BOOT_FIXMAP_H

#include <mm/table.h>

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

#endif
