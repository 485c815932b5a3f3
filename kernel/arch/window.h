/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * window.h - the direct map, through which the kernel reaches any frame of
 * RAM: mm/window.h with a constant offset.
 */
#ifndef KERNEL_ARCH_WINDOW_H
#define KERNEL_ARCH_WINDOW_H

#include <boot/layout.h>
#include <mm/window.h>

static inline struct window kernel_window(void)
{
	return (struct window){ .offset = DIRECT_MAP_OFFSET };
}

static inline void *paddr_to_pointer(paddr_t address)
{
	return (void *)direct_map(address).raw;
}

static inline void *pfn_to_pointer(pfn_t frame)
{
	return paddr_to_pointer(pfn_to_paddr(frame));
}

#endif
