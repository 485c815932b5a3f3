/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* tlb_local.h - what a CPU does to its own translations only. */
#ifndef KERNEL_ARCH_TLB_LOCAL_H
#define KERNEL_ARCH_TLB_LOCAL_H

/* As mmu_flush_all, but the other CPUs keep what they know. */
void mmu_flush_this_cpu(void);

#endif
