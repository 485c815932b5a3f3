/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * descriptors.h - the few segments that long mode still asks for.
 *
 * One table per CPU: null, code, data, a descriptor that is never present,
 * and the task state, which says where the stacks of exceptions begin.
 * Source: Intel SDM vol. 3A sections 3.4.5, 8.2.3 and 8.7.
 */
#ifndef KERNEL_DESCRIPTORS_H
#define KERNEL_DESCRIPTORS_H

#define SELECTOR_CODE	0x08
#define SELECTOR_DATA	0x10
#define SELECTOR_ABSENT	0x18		/* for `crash np` and `crash ss`     */
#define SELECTOR_TASK	0x20
#define SELECTOR_LIMIT	0x30

#ifndef __ASSEMBLER__
#include <boot/layout.h>

/*
 * Loads the boot CPU's descriptors, all segment registers and the task
 * register; no exception has a stack of its own yet.
 */
void descriptors_load(void);

/*
 * From now on `cpu` enters exceptions of IST number `kind` at `top`.
 * `kind` is not STACK_MAIN.
 */
void descriptors_set_stack(unsigned cpu, enum stack_kind kind, vaddr_t top);
#endif

#endif
