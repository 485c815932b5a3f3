/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * switch.h - the page from which the CPU changes to the kernel's tables.
 *
 * The code is copied to a page of its own below 4 GiB that both the old and
 * the new tables map at its physical address; its parameters are at the end of
 * the same page. It uses no stack, since the new tables do not map the old
 * one.
 */
#ifndef EFI_SWITCH_H
#define EFI_SWITCH_H

#define SWITCH_PARAMETERS	0xf00	/* offset in the page                */
#define SWITCH_HANDOVER		0x00	/* offsets in the parameters         */
#define SWITCH_CR4		0x08
#define SWITCH_STACK		0x10
#define SWITCH_ENTRY		0x18
#define SWITCH_FLAGS		0x20
#define SWITCH_GDT_POINTER	0x28
#define SWITCH_FAR_32		0x38
#define SWITCH_FAR_64		0x40

#define SWITCH_SET_NXE		1	/* flags                             */
#define SWITCH_CLEAR_CET	2

#define SELECTOR_CODE64		0x08
#define SELECTOR_DATA		0x10
#define SELECTOR_CODE32		0x18

#define CR0_PG		0x80000000
#define CR0_KNOWN	0x80010033	/* PG WP NE ET MP PE                 */
#define CR4_DE		0x00000008
#define CR4_PAE		0x00000020
#define CR4_MCE		0x00000040
#define CR4_PGE		0x00000080
#define CR4_OSFXSR	0x00000200
#define CR4_LA57	0x00001000

#ifndef __ASSEMBLER__
#include <stdint.h>

struct switch_parameters {
	uint64_t handover;	/* virtual, first argument of the kernel     */
	uint64_t cr4;
	uint64_t stack;
	uint64_t entry;
	uint64_t flags;
	struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
		uint16_t pad[3];
	} gdt_pointer;
	struct __attribute__((packed)) {
		uint32_t offset;
		uint16_t selector;
		uint16_t pad;
	} far_32, far_64;
};
_Static_assert(sizeof(struct switch_parameters) == 0x48, "switch.S");

extern const char switch_start[], switch_end[];
extern const char switch_gdt[], switch_compat[], switch_long[];
#endif

#endif
