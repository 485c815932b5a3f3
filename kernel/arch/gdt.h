/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * gdt.h - the few segments that long mode still asks for.
 *
 * One table per CPU: null, code, data, a descriptor that is never present,
 * and the task state, which says where the stacks of exceptions begin.
 * Source: Intel SDM vol. 3A sections 3.4.5, 8.2.3 and 8.7.
 */
#ifndef KERNEL_ARCH_GDT_H
#define KERNEL_ARCH_GDT_H

#define SELECTOR_CODE	0x08
#define SELECTOR_DATA	0x10
#define SELECTOR_ABSENT	0x18		/* for `crash np` and `crash ss`     */
#define SELECTOR_TASK	0x20
#define SELECTOR_LIMIT	0x30

#ifndef __ASSEMBLER__
#include <boot/layout.h>

#define TASK_STACKS	7

struct __attribute__((packed)) task_state {
	uint32_t reserved_0;
	uint64_t stack_of_ring[3];
	uint64_t reserved_1;
	uint64_t stack[TASK_STACKS];	/* IST 1 is the first                */
	uint64_t reserved_2;
	uint16_t reserved_3;
	uint16_t io_map;
};

/* One CPU's; zero before its first use. */
struct gdt {
	uint64_t segment[SELECTOR_LIMIT / 8];
	struct task_state task;
} __attribute__((aligned(16)));

/*
 * Loads `own` on the CPU that calls: the table, all segment registers and the
 * task register. GS base is 0 afterwards, or unchanged.
 */
void gdt_load(struct gdt *own);

/*
 * The CPU that uses `own` enters exceptions of IST number `kind` with the
 * stack pointer at `top` from now on. `kind` is not STACK_MAIN.
 */
void gdt_set_stack(struct gdt *own, enum stack_kind kind,
			   vaddr_t top);
#endif

#endif
