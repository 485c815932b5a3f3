/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * pixel_moves.h - copies pixels of four bytes, two at a time, without SSE.
 *
 * The kernel does not use vector registers, so one instruction moves at most
 * eight bytes. String instructions load and store in one instruction and never
 * read the destination, which may be memory that is slow to read. The
 * direction flag is clear, as the ABI requires.
 */
#ifndef KERNEL_CONSOLE_PIXEL_MOVES_H
#define KERNEL_CONSOLE_PIXEL_MOVES_H

#include <stdint.h>

/*
 * Copies `pixels` pixels. If the caller passes a constant, it compiles to
 * `pixels` / 2 instructions without a loop.
 */
static inline __attribute__((always_inline)) void
pixels_copy(void *to, const void *from, unsigned pixels)
{
#pragma GCC unroll 16
	for (unsigned i = 0; i < pixels / 2; i++)
		__asm__ volatile("movsq" : "+D"(to), "+S"(from) : : "memory");
	if (pixels % 2 != 0)
		__asm__ volatile("movsl" : "+D"(to), "+S"(from) : : "memory");
}

static inline void pixels_fill(void *to, uint32_t pixel, uint64_t pixels)
{
	uint64_t pair = (uint64_t)pixel << 32 | pixel;
	uint64_t count = pixels / 2;

	__asm__ volatile("rep stosq"
			 : "+D"(to), "+c"(count)
			 : "a"(pair)
			 : "memory");
	if (pixels % 2 != 0)
		__asm__ volatile("stosl" : "+D"(to) : "a"(pixel) : "memory");
}

#endif
