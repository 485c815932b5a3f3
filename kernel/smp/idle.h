/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* idle.h - the idle loop: halts until there is work. */
#ifndef KERNEL_SMP_IDLE_H
#define KERNEL_SMP_IDLE_H

/* Halts until there is work, does it, and halts again. Interrupts go on. */
_Noreturn void idle_loop(void);

#endif
