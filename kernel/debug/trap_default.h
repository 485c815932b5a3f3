/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* trap_default.h - vectors for which no room has registered a handler. */
#ifndef KERNEL_DEBUG_TRAP_DEFAULT_H
#define KERNEL_DEBUG_TRAP_DEFAULT_H

#include <kernel/arch/trap.h>

/*
 * Reports an exception and stops the machine (panic.h). An unexpected
 * interrupt is counted and logged now and then, and the handler returns.
 */
void trap_default(struct trap_frame *frame);

#endif
