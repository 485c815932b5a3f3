/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bad.h - memory that memmap= or the firmware takes out of use.
 */
#ifndef BOOT_BAD_H
#define BOOT_BAD_H

#include <base/range.h>

/*
 * Ranges of physical memory: whole pages below PHYSICAL_LIMIT, which may
 * overlap. A map is read with so many of them at most.
 */
#define BAD_RANGES 32

/* The first range with a byte of [start..start + bytes), or NULL. */
const struct range *bad_find(const struct range *list, size_t count,
			     uint64_t start, uint64_t bytes);

/* The lowest address, from `start` on, of `bytes` bytes without a bad one. */
uint64_t bad_step_over(const struct range *list, size_t count, uint64_t start,
		       uint64_t bytes);

/* A run longer by this many bytes has such a place, wherever it begins. */
uint64_t bad_detour_bytes(const struct range *list, size_t count,
			  uint64_t bytes);

#endif
