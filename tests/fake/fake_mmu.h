/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * fake_mmu.h - arch/mmu.h for the host: records each flush.
 */
#ifndef TESTS_FAKE_MMU_H
#define TESTS_FAKE_MMU_H

#include <arch/mmu.h>

/* A flush of everything is { 0, UINT64_MAX, 0 }; of one page { at, 0, 0 }. */
struct fake_flush {
	vaddr_t start;
	uint64_t bytes;
	uint64_t step;
};

struct fake_mmu {
	unsigned page_flushes, range_flushes, all_flushes;
	struct fake_flush last;
	pfn_t root;			/* last loaded                       */

	/* Called in the middle of each flush, if not NULL. */
	void (*on_flush)(void *context, const struct fake_flush *flush);
	void *context;
};

extern struct fake_mmu fake_mmu;

void fake_mmu_reset(void);
unsigned fake_mmu_flushes(void);

#endif
