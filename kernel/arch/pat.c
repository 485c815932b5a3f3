// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * No page-table entry names PAT entry 4 before the first call, so it can
 * change without a flush. Entries 0..3 map the kernel itself; they are not
 * written when they have their power-on values, which every firmware that we
 * know of leaves there.
 *
 * Source: Intel SDM vol. 3A sections 12.11.8 (the MTRR change procedure, which
 * also applies to the PAT) and 12.12.
 */
#include "pat.h"

#include <arch/instructions.h>
#include <boot/handover.h>

#include "tlb_local.h"

#define MSR_PAT		0x277
#define PAT_POWER_ON	0x0007040600070406UL
#define PAT_LOW_FOUR	0x00000000ffffffffUL
#define PAT_WC		1UL

#define CR0_CD		(1UL << 30)

static uint64_t wanted_entries(void)
{
	unsigned shift = 8 * CACHE_WRITE_COMBINING;

	return (PAT_POWER_ON & ~(0xffUL << shift)) | PAT_WC << shift;
}

static void write_back_caches(void)
{
	__asm__ volatile("wbinvd" : : : "memory");
}

void pat_init_cpu(uint32_t features)
{
	uint64_t wanted = wanted_entries();
	uint64_t control = READ_CONTROL(0);
	uint64_t found;

	if ((features & CPU_PAT) == 0)
		return;
	found = read_msr(MSR_PAT);
	if (found == wanted)
		return;
	if ((found & PAT_LOW_FOUR) == (wanted & PAT_LOW_FOUR)) {
		write_msr(MSR_PAT, wanted);
		return;
	}
	WRITE_CONTROL(0, control | CR0_CD);
	write_back_caches();
	mmu_flush_this_cpu();
	write_msr(MSR_PAT, wanted);
	write_back_caches();
	mmu_flush_this_cpu();
	WRITE_CONTROL(0, control);
}

enum table_cache cache_type_for_pixels(uint32_t features)
{
	if ((features & CPU_PAT) == 0 || read_msr(MSR_PAT) != wanted_entries())
		return CACHE_UNCACHED;
	return CACHE_WRITE_COMBINING;
}
