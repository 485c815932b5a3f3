/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * pat.h - the memory types of the PAT entries that page tables name.
 *
 * enum table_cache numbers PAT entries: 0..3 as at power-on, 4 is ours.
 */
#ifndef KERNEL_ARCH_PAT_H
#define KERNEL_ARCH_PAT_H

#include <stdint.h>

#include <mm/table.h>

/*
 * Makes PAT entry 4 write-combining on this CPU; each CPU needs it before it
 * uses a mapping of that type. `features` is enum cpu_feature.
 * Cost: a flush of all caches when the firmware had changed entries 0..3.
 */
void pat_init_cpu(uint32_t features);

/* The fastest type on this CPU, now, for memory that is only written. */
enum table_cache cache_type_for_pixels(uint32_t features);

#endif
