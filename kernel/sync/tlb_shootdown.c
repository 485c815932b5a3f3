// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Flushes the TLBs of all CPUs: every CPU that is online uses the same page
 * tables. The CPU that changed them goes on when the last CPU has flushed.
 */
#include <arch/mmu.h>

#include <base/bits.h>

#include <kernel/arch/tlb_local.h>

#include "ipi.h"

struct flush_range {
	vaddr_t start;
	uint64_t bytes, step;
};

static void flush_range(void *argument)
{
	const struct flush_range *range = argument;

	mmu_flush_range_this_cpu(range->start, range->bytes, range->step);
}

static void flush_all(void *argument)
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
	struct flush_range range = { start, bytes, step };

	if (bytes == 0)
		return;
	flush_range(&range);
	ipi_call_others(flush_range, &range);
}

void mmu_flush_all(void)
{
	mmu_flush_this_cpu();
	ipi_call_others(flush_all, NULL);
}
