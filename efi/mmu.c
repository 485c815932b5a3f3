// SPDX-License-Identifier: MIT OR Apache-2.0
/* The loader's tables are not in use while it writes them: no flush. */
#include <arch/mmu.h>

void mmu_flush_page(vaddr_t address)
{
	(void)address;
}

void mmu_flush_range(vaddr_t start, uint64_t bytes, uint64_t step)
{
	(void)start;
	(void)bytes;
	(void)step;
}

void mmu_flush_all(void)
{
}
