/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* nearest_name.h - the name closest to a mistyped one. */
#ifndef KERNEL_LIB_NEAREST_NAME_H
#define KERNEL_LIB_NEAREST_NAME_H

#define NEAREST_NAME_BYTES 32	/* longer names are not compared           */

/* The index-th name; NULL when there are no more. */
typedef const char *nearest_names(unsigned index);

/*
 * The name with the fewest slips (a letter too many, a letter missing, a wrong
 * letter, or two neighbours swapped; case is ignored): at most two, and at
 * most half the letters of the longer word. Of equals the first; NULL: none.
 */
const char *nearest_name(const char *typed, nearest_names *names);

#endif
