/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * interrupts.h - switches interrupts on and off on this CPU; NMIs ignore it.
 *
 *	uint64_t flags = interrupts_off();
 *	...
 *	interrupts_restore(flags);
 */
#ifndef KERNEL_ARCH_INTERRUPTS_H
#define KERNEL_ARCH_INTERRUPTS_H

#include <stdbool.h>
#include <stdint.h>

/* Returns the flags for interrupts_restore; the pairs may nest. */
uint64_t interrupts_off(void);
void interrupts_restore(uint64_t flags);

void interrupts_on(void);
/*
 * No interrupt is taken between the two instructions: one that is pending, or
 * that comes later, ends the halt.
 */
void interrupts_on_and_halt(void);
bool interrupts_are_on(void);

#endif
