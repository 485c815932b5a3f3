// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Source: Intel SDM vol. 3A section 4.10.4.
 */
#include "tlb_local.h"

#include <arch/instructions.h>
#include <arch/mmu.h>
#include <base/bits.h>

#define CR4_PGE 0x80

/* The range may end at the top of the address space: `end` wraps to 0. */
void mmu_flush_range_this_cpu(vaddr_t start, uint64_t bytes, uint64_t step)
{
	uint64_t at = start.raw, end = start.raw + bytes;

	do {
		__asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
		at += min_u64(step, end - at);
	} while (at != end);
}

/* A CR3 load keeps global entries; turning PGE off and on drops them. */
void mmu_flush_this_cpu(void)
{
	uint64_t control = READ_CONTROL(4);

	if (control & CR4_PGE) {
		WRITE_CONTROL(4, control & ~(uint64_t)CR4_PGE);
		WRITE_CONTROL(4, control);
	} else {
		WRITE_CONTROL(3, READ_CONTROL(3));
	}
}

void mmu_load_root(pfn_t root)
{
	WRITE_CONTROL(3, root.raw << PAGE_SHIFT);
}
