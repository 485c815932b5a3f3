/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * layout.h - the virtual address map, in address order.
 *
 * No other file has these addresses. The assembler and the linker script read
 * it too, so it has plain numbers only. docs/layout.md and the `layout`
 * command are made from LAYOUT_AREAS. Only the top-level entries for these
 * areas are ever present.
 */
#ifndef BOOT_LAYOUT_H
#define BOOT_LAYOUT_H

#define USER_START		0x0000000000010000
#define USER_END		0x00007ffffffff000

/* Direct map: virt = phys + DIRECT_MAP_OFFSET, for every byte of RAM. */
#define DIRECT_MAP_OFFSET	0xffff800000000000
#define DIRECT_MAP_BYTES	0x0000400000000000
#define DIRECT_MAP_END		0xffffc00000000000

/* Fixed slots: each has one purpose and the same address on every machine. */
#define SLOTS_START		0xffffc00000000000
#define SLOTS_END		0xffffc01000000000
#define FRAMEBUFFER_SLOT	0xffffc00000000000
#define FRAMEBUFFER_SLOT_BYTES	0x0000000040000000
#define LAPIC_SLOT		0xffffc00080000000
#define IOAPIC_SLOT		0xffffc00080010000
#define HPET_SLOT		0xffffc00080100000
/* Temporary mappings: ACPI tables, registers of a device. */
#define FIXMAP_SLOT		0xffffc00090000000
#define FIXMAP_SLOT_BYTES	0x0000000010000000
/* stacks[cpu][kind]: one slot each, the stack at its end, guards around it. */
#define STACKS_START		0xffffc00800000000
#define STACKS_END		0xffffc00900000000
#define STACK_SLOT_BYTES	0x0000000000010000
#define STACK_BYTES		0x0000000000004000
#define STACK_KINDS		8
#define STACK_CPUS		256

#define VMEM_START		0xffffc01000000000
#define VMEM_END		0xffffe00000000000

#define FRAME_META_START	0xffffe00000000000
#define FRAME_META_END		0xfffff00000000000

#define ENTRY_AREA_START	0xfffff00000000000
#define ENTRY_AREA_END		0xfffff08000000000

#define KERNEL_BASE		0xffffffff80000000
#define KERNEL_END		0xffffffffc0000000

/* LAYOUT_AREAS(ROW): ROW(name, start, end, use), ascending and disjoint. */
#define LAYOUT_AREAS(ROW)						\
	ROW(user, USER_START, USER_END,					\
	    "user programs, one set of tables per process")		\
	ROW(direct_map, DIRECT_MAP_OFFSET, DIRECT_MAP_END,		\
	    "all RAM, virt = phys + DIRECT_MAP_OFFSET, never executable") \
	ROW(slots, SLOTS_START, SLOTS_END,				\
	    "framebuffer, APICs, HPET, fixmap, stacks with guards") \
	ROW(vmem, VMEM_START, VMEM_END,					\
	    "large kernel allocations between unmapped guard pages")	\
	ROW(frame_meta, FRAME_META_START, FRAME_META_END,		\
	    "per-frame metadata, backed only where there is RAM")	\
	ROW(entry, ENTRY_AREA_START, ENTRY_AREA_END,			\
	    "descriptor tables and entry stacks, the slot users share")	\
	ROW(kernel, KERNEL_BASE, KERNEL_END,				\
	    "kernel image in 2 MiB pages")

#ifndef __ASSEMBLER__
#include <base/address.h>

/* The stacks that every CPU has, by slot. IST numbers are the same. */
enum stack_kind {
	STACK_MAIN,		/* ordinary kernel work                  */
	STACK_DOUBLE_FAULT,	/* IST 1                                 */
	STACK_NMI,		/* IST 2                                 */
	STACK_MACHINE_CHECK,	/* IST 3                                 */
	STACK_DEBUG,		/* IST 4                                 */
	STACK_KIND_COUNT,
};

/* One past the highest byte of the stack; the first push is below it. */
static inline vaddr_t stack_top(unsigned cpu, enum stack_kind kind)
{
	uint64_t slot = (uint64_t)cpu * STACK_KINDS + kind;

	return (vaddr_t){ STACKS_START + (slot + 1) * STACK_SLOT_BYTES -
			  PAGE_SIZE };
}

static inline vaddr_t direct_map(paddr_t address)
{
	return (vaddr_t){ address.raw + DIRECT_MAP_OFFSET };
}
#endif

#endif
