/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * atomic_builtin.h - the seam below atomic.h, as the explorer wants it.
 *
 * Same name, same guard and same meaning as the header that ships, which it
 * hides by coming first in the include path: every access becomes a call.
 */
#ifndef BASE_ATOMIC_BUILTIN_H
#define BASE_ATOMIC_BUILTIN_H

#include <fake/explorer.h>

#endif
