// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * There is one set of tables and every CPU that is online translates with
 * it: what one CPU must forget, all must. The changer returns when all have.
 */
#include <arch/mmu.h>

#include <arch/instructions.h>
#include <base/bits.h>

#include <kernel/arch/tlb_local.h>

#include "ipi.h"

#define CR4_PGE 0x80

/* [at..end), in steps. `end` may be 0: the end of the address space. */
struct stretch {
	uint64_t at, end, step;
};

static void forget_stretch(void *argument)
{
	const struct stretch *what = argument;
	uint64_t at = what->at;

	do {
		__asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
		at += min_u64(what->step, what->end - at);
	} while (at != what->end);
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

static void forget_all(void *argument)
{
	(void)argument;
	mmu_flush_this_cpu();
}

void mmu_flush_page(vaddr_t address)
{
	mmu_flush_range(address, PAGE_SIZE, PAGE_SIZE);
}

void mmu_flush_range(vaddr_t start, uint64_t bytes, uint64_t step)
{
	struct stretch what = { start.raw, start.raw + bytes, step };

	if (bytes == 0)
		return;
	forget_stretch(&what);
	ipi_call_others(forget_stretch, &what);
}

void mmu_flush_all(void)
{
	mmu_flush_this_cpu();
	ipi_call_others(forget_all, NULL);
}

void mmu_load_root(pfn_t root)
{
	WRITE_CONTROL(3, root.raw << PAGE_SHIFT);
}
