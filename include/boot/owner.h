/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * owner.h - the owners that a page of physical address space can have.
 *
 * In the order in which the ledger prints them, with its names.
 */
#ifndef BOOT_OWNER_H
#define BOOT_OWNER_H

#define OWNERS(ROW)							\
	ROW(FREE, free)			/* none: may be allocated      */ \
	ROW(CACHED, cached)		/* free, in a CPU's cache      */ \
	ROW(LOW, low)			/* usable, 64 KiB ... 1 MiB    */ \
	ROW(KERNEL_IMAGE, kernel_image)					\
	ROW(PAGE_TABLE, page_table)					\
	ROW(FRAME_META, frame_meta)					\
	ROW(BOOT_LIST, boot_list)	/* early's and ledger's runs   */ \
	ROW(HANDOVER, handover)		/* handover, raw map, regions  */ \
	ROW(MODULE, module)						\
	ROW(LOG, log)							\
	ROW(STACK, stack)						\
	ROW(VMEM, vmem)							\
	ROW(HEAP, heap)							\
	ROW(FLUSH_PENDING, flush_pending)				\
	ROW(USER_ANON, user_anon)					\
	ROW(USER_FILE, user_file)					\
	ROW(SHARED, shared)						\
	ROW(BOOT_RECLAIMABLE, boot_reclaimable)	/* LATER, not yet free */ \
	ROW(ACPI, acpi)							\
	ROW(PERSISTENT, persistent)					\
	ROW(UNACCEPTED, unaccepted)					\
	ROW(FIRMWARE, firmware)		/* runtime services, NVS       */ \
	ROW(RESERVED, reserved)						\
	ROW(MMIO, mmio)							\
	ROW(BAD, bad)

enum owner {
#define ROW(constant, name) OWNER_##constant,
	OWNERS(ROW)
#undef ROW
	OWNER_COUNT,
};

#endif
