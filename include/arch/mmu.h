/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * mmu.h - what the table walker asks of the processor.
 *
 * Supplied by the kernel with instructions, by the loader with nothing
 * (its tables are not in use yet) and by the tests with a model.
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <base/address.h>

/* Forgets the translation of the page at `address`, large or small. */
void mmu_flush_page(vaddr_t address);

/* Forgets [start..start + bytes); `step` is the smallest leaf in it. */
void mmu_flush_range(vaddr_t start, uint64_t bytes, uint64_t step);

/* Forgets everything, global entries too. */
void mmu_flush_all(void);

/* Makes `root` the table that this CPU translates with. */
void mmu_load_root(pfn_t root);

#endif
