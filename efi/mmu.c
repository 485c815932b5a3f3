// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mmu.h for the loader: no CPU uses the tables while it writes them, so a
 * flush does nothing.
 */
#include <arch/mmu.h>

void mmu_flush_page(vaddr_t)
{
}

void mmu_flush_range(vaddr_t, uint64_t, uint64_t)
{
}

void mmu_flush_all(void)
{
}
