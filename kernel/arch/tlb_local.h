/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * tlb_local.h - flushes the TLB of the CPU that calls, and of no other CPU.
 * include/arch/mmu.h has the same for all CPUs.
 */
#ifndef KERNEL_ARCH_TLB_LOCAL_H
#define KERNEL_ARCH_TLB_LOCAL_H

#include <base/address.h>

/* Everything, global entries too. */
void mmu_flush_this_cpu(void);

/* `bytes` from `start`, one invlpg for each `step`; `bytes` is not 0. */
void mmu_flush_range_this_cpu(vaddr_t start, uint64_t bytes, uint64_t step);

#endif
