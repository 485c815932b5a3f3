// SPDX-License-Identifier: MIT OR Apache-2.0
#include "fake_mmu.h"

struct fake_mmu fake_mmu;

void fake_mmu_reset(void)
{
	fake_mmu = (struct fake_mmu){ 0 };
}

unsigned fake_mmu_flushes(void)
{
	return fake_mmu.page_flushes + fake_mmu.range_flushes +
	       fake_mmu.all_flushes;
}

static void note(struct fake_flush flush)
{
	fake_mmu.last = flush;
	if (fake_mmu.on_flush != NULL)
		fake_mmu.on_flush(fake_mmu.context, &flush);
}

void mmu_flush_page(vaddr_t address)
{
	fake_mmu.page_flushes++;
	note((struct fake_flush){ address, 0, 0 });
}

void mmu_flush_range(vaddr_t start, uint64_t bytes, uint64_t step)
{
	fake_mmu.range_flushes++;
	note((struct fake_flush){ start, bytes, step });
}

void mmu_flush_all(void)
{
	fake_mmu.all_flushes++;
	note((struct fake_flush){ { 0 }, UINT64_MAX, 0 });
}

void mmu_load_root(pfn_t root)
{
	fake_mmu.root = root;
}
