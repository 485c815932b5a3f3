/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * atomic_builtin.h, for count_frames.c: every access to a shared cell is told
 * to note_access first. Earlier in the include path than the real one.
 */
#ifndef BASE_ATOMIC_BUILTIN_H
#define BASE_ATOMIC_BUILTIN_H

void note_access(const volatile void *place, unsigned is_locked);

#define BUILTIN_LOAD(place, order)					\
	(note_access(place, 0), __atomic_load_n(place, order))
/* On x86-64 a sequentially consistent store is a locked exchange. */
#define BUILTIN_STORE(place, value, order)				\
	(note_access(place, (order) == __ATOMIC_SEQ_CST),		\
	 __atomic_store_n(place, value, order))
#define BUILTIN_LOCKED(place, call)					\
	(note_access(place, 1), call)
#define BUILTIN_EXCHANGE(place, value, order)				\
	BUILTIN_LOCKED(place, __atomic_exchange_n(place, value, order))
#define BUILTIN_COMPARE_EXCHANGE(place, expected, value, order, failed)	\
	BUILTIN_LOCKED(place, __atomic_compare_exchange_n(place, expected, \
					value, 0, order, failed))
#define BUILTIN_FETCH_ADD(place, value, order)				\
	BUILTIN_LOCKED(place, __atomic_fetch_add(place, value, order))
#define BUILTIN_FETCH_OR(place, value, order)				\
	BUILTIN_LOCKED(place, __atomic_fetch_or(place, value, order))
#define BUILTIN_FETCH_AND(place, value, order)				\
	BUILTIN_LOCKED(place, __atomic_fetch_and(place, value, order))
#define BUILTIN_FENCE(order) __atomic_thread_fence(order)
#define BUILTIN_PAUSE() __builtin_ia32_pause()

#endif
