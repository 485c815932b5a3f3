/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * memtype.h - the memory type of a physical range, computed from the MTRRs.
 *
 * A large page must cover only memory of one type, else the processor chooses
 * one. The caller reads the registers; this is the arithmetic.
 * Source: Intel SDM vol. 3A section 12.11 (MTRRs), AMD APM vol. 2 7.7.
 */
#ifndef MM_MEMTYPE_H
#define MM_MEMTYPE_H

#include <base/address.h>

enum memtype {
	MEMTYPE_UC = 0,
	MEMTYPE_WC = 1,
	MEMTYPE_WT = 4,
	MEMTYPE_WP = 5,
	MEMTYPE_WB = 6,
	MEMTYPE_MIXED = 255,	/* not one type over the whole range         */
};

#define MTRR_VARIABLE_MAX 32
#define MTRR_FIXED_COUNT 11

/* The registers, as read. All zero: no MTRRs, all memory write-back. */
struct mtrr_state {
	bool present;
	uint64_t capabilities;		/* IA32_MTRRCAP                      */
	uint64_t default_type;		/* IA32_MTRR_DEF_TYPE                */
	uint64_t fixed[MTRR_FIXED_COUNT]; /* 250, 258, 259, 268..26F         */
	struct {
		uint64_t base, mask;
	} variable[MTRR_VARIABLE_MAX];
	/* AMD: WB is the default from 4 GiB to here (Tom2ForceMemTypeWB). */
	uint64_t top_mem2;		/* 0 = no such register, or not set  */
	unsigned physical_bits;		/* 0 = 52                            */
};

/*
 * The one type of [start..end), or MEMTYPE_MIXED. A reserved or undefined type
 * counts as MEMTYPE_UC.
 *
 * A range within one page is never MIXED. A longer one may be called MIXED
 * although it has one type, when the masks of its registers are not contiguous
 * and change too often for a walk: the caller then uses smaller pages, which
 * is safe.
 * Cost: O(registers) for each address in the range at which a register begins
 *       or ends, however long the range.
 */
enum memtype memtype_of_range(const struct mtrr_state *state, paddr_t start,
			      paddr_t end);

#endif
