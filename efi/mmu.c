// SPDX-License-Identifier: MIT OR Apache-2.0
/* No CPU uses the loader's page tables while it writes them: no flush. */
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
