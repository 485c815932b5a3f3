/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * window.h - from a physical address to a pointer.
 *
 * Base plus offset: 0 under the firmware's identity map, DIRECT_MAP_OFFSET
 * in the kernel, the distance to an array in a test.
 */
#ifndef MM_WINDOW_H
#define MM_WINDOW_H

#include <base/address.h>

struct window {
	uint64_t offset;	/* pointer - physical address, modulo 2^64   */
};

static inline void *window_at(const struct window *window, paddr_t address)
{
	return (void *)(uintptr_t)(address.raw + window->offset);
}

static inline void *window_at_frame(const struct window *window, pfn_t frame)
{
	return window_at(window, pfn_to_paddr(frame));
}

#endif
