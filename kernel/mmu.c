// SPDX-License-Identifier: MIT OR Apache-2.0
#include <arch/mmu.h>

#include <arch/instructions.h>
#include <base/bits.h>

#define CR4_PGE 0x80

void mmu_flush_page(vaddr_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address.raw) : "memory");
}

void mmu_flush_range(vaddr_t start, uint64_t bytes, uint64_t step)
{
	uint64_t end = start.raw + bytes;

	for (uint64_t at = start.raw; at != end; at += min_u64(step, end - at))
		mmu_flush_page((vaddr_t){ at });
}

/* A CR3 load keeps global entries; turning PGE off and on drops them. */
void mmu_flush_all(void)
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
