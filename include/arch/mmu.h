/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * mmu.h - the operations that page tables need from the processor.
 *
 * The kernel implements them with instructions, the tests with a model; in the
 * loader they do nothing, since its tables are not in use yet.
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <base/address.h>

/* Flushes the translation of the page at `address`, large or small. */
void mmu_flush_page(vaddr_t address);

/* Flushes [start..start + bytes); `step` is the smallest leaf in it. */
void mmu_flush_range(vaddr_t start, uint64_t bytes, uint64_t step);

/* Flushes all translations, global ones too. */
void mmu_flush_all(void);

/* Makes `root` the root table of this CPU. */
void mmu_load_root(pfn_t root);

#endif
