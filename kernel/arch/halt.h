/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* halt.h - stops the CPU that calls, for ever. */
#ifndef KERNEL_ARCH_HALT_H
#define KERNEL_ARCH_HALT_H

/* Stops this CPU for ever: interrupts off, and an NMI does not restart it. */
_Noreturn void power_halt(void);

#endif
