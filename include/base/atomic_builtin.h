/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * atomic_builtin.h - the seam below atomic.h: the compiler's builtins.
 *
 * Only atomic.h includes this. The explorer's build has a header of this name
 * earlier in its include path; there another processor may run before each
 * access (docs/testing/interleavings.md).
 *
 * `place` points to an integer or a pointer; `order` is the compiler's
 * constant.
 */
#ifndef BASE_ATOMIC_BUILTIN_H
#define BASE_ATOMIC_BUILTIN_H

#define BUILTIN_LOAD(place, order) __atomic_load_n(place, order)
#define BUILTIN_STORE(place, value, order) __atomic_store_n(place, value, order)
#define BUILTIN_EXCHANGE(place, value, order)				\
	__atomic_exchange_n(place, value, order)
#define BUILTIN_COMPARE_EXCHANGE(place, expected, value, order, failed)	\
	__atomic_compare_exchange_n(place, expected, value, 0, order, failed)
#define BUILTIN_FETCH_ADD(place, value, order)				\
	__atomic_fetch_add(place, value, order)
#define BUILTIN_FETCH_OR(place, value, order)				\
	__atomic_fetch_or(place, value, order)
#define BUILTIN_FETCH_AND(place, value, order)				\
	__atomic_fetch_and(place, value, order)
#define BUILTIN_FENCE(order) __atomic_thread_fence(order)
#define BUILTIN_PAUSE() __builtin_ia32_pause()

#endif
