/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ap_start.h - the page in which another CPU starts, for C and assembler.
 *
 * The code is at its beginning, the parameters follow. The page is below 1 MiB
 * and is mapped at its own address while it is used.
 */
#ifndef KERNEL_SMP_AP_START_H
#define KERNEL_SMP_AP_START_H

/* Offset of struct ap_parameters in the page, and of its fields in there. */
#define AP_PARAMETERS	0x800
#define AP_GDT		0x00
#define AP_GDT_POINTER	0x20
#define AP_FAR_32	0x28
#define AP_FAR_64	0x30
#define AP_ROOT		0x38
#define AP_CR4		0x3c
#define AP_EFER		0x40
#define AP_ENTRY	0x48

#define AP_SELECTOR_CODE	0x08	/* the kernel's own numbers          */
#define AP_SELECTOR_DATA	0x10
#define AP_SELECTOR_CODE_32	0x18

#ifndef __ASSEMBLER__
#include <stdint.h>

struct __attribute__((packed)) ap_far {
	uint32_t offset;
	uint16_t selector;
	uint16_t zero;
};

struct __attribute__((packed)) ap_parameters {
	uint64_t gdt[4];
	uint16_t gdt_limit;
	uint32_t gdt_base;		/* physical                          */
	uint16_t zero;
	struct ap_far to_32, to_64;
	uint32_t root;			/* root table, physical              */
	uint32_t cr4;
	uint32_t efer;
	uint32_t zero_2;
	uint64_t entry;			/* ap_enter, virtual                 */
};

/* ap_start.S: what is copied into the page, and points in it. */
extern const char ap_start[], ap_start_32[], ap_start_64[], ap_start_end[];

/* ap_start.S: where a CPU goes on, in the kernel's own text. */
extern const char ap_enter[];

struct cpu_local;

/* smp.c: on the CPU's own stack, with interrupts off. */
_Noreturn void ap_main(struct cpu_local *me);
#endif

#endif
