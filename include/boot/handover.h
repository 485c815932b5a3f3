/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * handover.h - the data that the loader passes to the kernel at the jump.
 *
 * Physical addresses only. Everything that it points to lies in pages that
 * `owned` names, so none of it is allocated by mistake. The layout is fixed: a
 * new field may use spare words, no field may move.
 *
 * Invariants, checked by handover_refusal:
 *   (H1) magic, version, size and checksum are right;
 *   (H2) every array and text lies inside the direct map, on 8 bytes and not
 *        in page 0, and has its item size and a possible count;
 *   (H3) the free list ascends, is disjoint, and no run is empty;
 *   (H4) owned runs ascend and are disjoint, also from the free list, none
 *        is empty and each has an owner;
 *   (H5) kernel segments are whole pages inside the kernel area, ascending
 *        and disjoint there, and no segment is writable and executable;
 *   (H6) everything that the kernel reads here, its stack, its root table and
 *        the used bytes of its segments lie in owned runs, each in one; module
 *        names and the option text end in NUL.
 */
#ifndef BOOT_HANDOVER_H
#define BOOT_HANDOVER_H

#include <base/address.h>
#include <base/range.h>
#include <base/status.h>
#include <boot/owner.h>

#define HANDOVER_MAGIC		0x31474f444c4c5542UL	/* "BULLDOG1" */
#define HANDOVER_VERSION	1

#define HANDOVER_ITEMS_LIMIT	(1U << 20)	/* of one array              */
#define HANDOVER_TEXT_LIMIT	(64 * MIB)	/* of raw map, options, logs */
#define HANDOVER_STRIDE_MIN	40		/* EFI_MEMORY_DESCRIPTOR     */
#define HANDOVER_STRIDE_LIMIT	4096

/* `count` items of `item_bytes` each, at a physical address. */
struct handover_array {
	paddr_t address;
	uint32_t count;
	uint32_t item_bytes;
};

/* Pages that the loader keeps for the kernel. */
struct owned_run {
	pfn_t first;
	uint64_t frames;
	uint32_t owner;			/* enum owner                        */
	uint32_t zero;
};

enum segment_rights {
	SEGMENT_EXECUTE = 1,
	SEGMENT_WRITE = 2,
	SEGMENT_READ = 4,
};

/*
 * A part of the kernel image, in address order: text, rodata, data. `bytes`
 * are mapped at `virt`; the pages from `used_bytes` on are unused.
 */
struct handover_segment {
	paddr_t phys;
	vaddr_t virt;
	uint64_t bytes;
	uint64_t used_bytes;
	uint32_t rights;		/* enum segment_rights               */
	uint32_t zero;
};

struct handover_module {
	paddr_t phys;
	uint64_t bytes;
	char name[48];			/* ends in NUL                       */
};

/* A linear framebuffer; `base` 0 means that there is none. */
struct handover_framebuffer {
	paddr_t base;
	uint64_t bytes;
	uint32_t width, height;		/* pixels                            */
	uint32_t pitch_bytes;		/* from one line to the next         */
	uint32_t red_mask, green_mask, blue_mask;
};

enum boot_stage {
	STAGE_EFI_MAIN,
	STAGE_MAP_FINAL,
	STAGE_EXIT_DONE,
	STAGE_KERNEL_ENTRY,
	STAGE_READY,
	STAGE_COUNT,
};

enum handover_flags {
	HANDOVER_SECURE_BOOT = 1,
	HANDOVER_KERNEL_OVERRIDE = 2,	/* kernel came from KERNEL.ELF       */
	HANDOVER_UNDER_QEMU = 4,	/* fw_cfg was found                  */
};

enum cpu_feature {
	CPU_NX = 1 << 0,
	CPU_PAGE_1G = 1 << 1,
	CPU_PGE = 1 << 2,
	CPU_PAT = 1 << 3,
	CPU_MTRR = 1 << 4,
	CPU_SMEP = 1 << 5,
	CPU_SMAP = 1 << 6,
	CPU_UMIP = 1 << 7,
	CPU_PCID = 1 << 8,
	CPU_LA57 = 1 << 9,
	CPU_X2APIC = 1 << 10,
	CPU_MCE = 1 << 11,
	CPU_HYPERVISOR = 1 << 12,
	CPU_CET = 1 << 13,
	CPU_PKU = 1 << 14,
};

/* The processor's state at entry, and its features. */
struct handover_cpu {
	uint64_t cr0, cr3, cr4, efer, pat;	/* at efi_main           */
	uint32_t features;			/* enum cpu_feature      */
	uint32_t physical_bits;
};

struct handover {
	uint64_t magic;
	uint32_t version;
	uint32_t bytes;			/* of this structure                 */
	uint32_t checksum;		/* CRC-32 with this field zero       */
	uint32_t flags;			/* enum handover_flags               */

	paddr_t root_table;
	vaddr_t direct_map_base;
	paddr_t switch_page;		/* identity-mapped until dropped     */
	paddr_t boot_stack;		/* STACK_BYTES, mapped at its slot   */

	struct handover_segment segments[3];

	paddr_t raw_map;		/* the firmware's map, as accepted   */
	uint64_t raw_map_bytes;
	uint32_t raw_map_stride;	/* DescriptorSize                    */
	uint32_t raw_map_version;
	uint64_t usable_limit;		/* mem=; 0 = all that is supported   */

	struct handover_array regions;	/* struct region                     */
	struct handover_array free_list; /* struct frame_run                 */
	struct handover_array owned;	/* struct owned_run                  */
	struct handover_array modules;	/* struct handover_module            */

	struct handover_framebuffer framebuffer;
	paddr_t rsdp;			/* 0 = none                          */
	uint64_t rsdp_version;		/* 1 = ACPI 1.0 GUID, 2 = 2.0        */
	paddr_t smbios;			/* 32-bit entry point, 0 = none      */
	paddr_t smbios3;		/* 64-bit entry point, 0 = none      */
	paddr_t system_table;

	paddr_t options;		/* text of all layers, NUL at end    */
	uint64_t options_bytes;		/* without the NUL                   */
	paddr_t log;			/* the loader's lines                */
	uint64_t log_bytes;
	paddr_t crash_log;		/* survives a warm reset             */
	uint64_t crash_log_bytes;

	struct handover_cpu cpu;
	uint64_t stage_tsc[STAGE_COUNT]; /* loader fills the first three     */
	uint64_t get_map_ticks;		/* in the last GetMemoryMap          */
	uint64_t exit_ticks;		/* in the last ExitBootServices */
	uint32_t exit_tries;
	uint32_t zero;
	uint64_t tsc_ticks_per_us;

	uint64_t spare[31];		/* zero                              */
};

_Static_assert(sizeof(struct frame_run) == 16, "handover layout");
_Static_assert(sizeof(struct owned_run) == 24, "handover layout");
_Static_assert(sizeof(struct handover_segment) == 40, "handover layout");
_Static_assert(sizeof(struct handover_module) == 64, "handover layout");
_Static_assert(sizeof(struct handover) == 768, "handover layout");

/* The CRC-32 of the structure with its checksum field taken as zero. */
uint32_t handover_checksum(const struct handover *handover);

/*
 * Checks a handover: "" when H1..H6 hold, else one clause with the reason.
 * `window_offset` + a physical address is the pointer to it. Any bytes may be
 * in it: a pointer is followed only after its size and place were checked and,
 * except for the owned list itself, only into owned runs.
 */
const char *handover_refusal(const struct handover *handover,
			     uint64_t window_offset);

#endif
