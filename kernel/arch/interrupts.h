/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * interrupts.h - whether this CPU may be interrupted. NMIs do not ask.
 *
 *	uint64_t flags = interrupts_off();
 *	...
 *	interrupts_restore(flags);
 */
#ifndef KERNEL_ARCH_INTERRUPTS_H
#define KERNEL_ARCH_INTERRUPTS_H

#include <stdbool.h>
#include <stdint.h>

/* Returns what interrupts_restore wants; the pairs may nest. */
uint64_t interrupts_off(void);
void interrupts_restore(uint64_t flags);

void interrupts_on(void);
/*
 * Nothing comes between the two: what comes ends the halt, or has come
 * already and lets none begin.
 */
void interrupts_on_and_halt(void);
bool interrupts_are_on(void);

#endif
