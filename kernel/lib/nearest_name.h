/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* nearest_name.h - the name closest to a mistyped one. */
#ifndef KERNEL_LIB_NEAREST_NAME_H
#define KERNEL_LIB_NEAREST_NAME_H

#define NEAREST_NAME_BYTES 32	/* longer names are not compared           */

/* The index-th name; NULL when there are no more. */
typedef const char *nearest_names(unsigned index);

/*
 * The name that is at most two slips away (a letter too many, too few,
 * another one, or two neighbours swapped; capitals count for small letters),
 * and at most half of the longer word; the first of the nearest. NULL when
 * there is none.
 */
const char *nearest_name(const char *typed, nearest_names *names);

#endif
