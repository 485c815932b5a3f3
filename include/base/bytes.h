/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bytes.h - little-endian numbers at any offset, aligned or not. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdint.h>

static inline uint8_t get8(const void *from, uint64_t offset)
{
	return ((const uint8_t *)from)[offset];
}

static inline uint16_t get16(const void *from, uint64_t offset)
{
	return (uint16_t)(get8(from, offset) | get8(from, offset + 1) << 8);
}

static inline uint32_t get32(const void *from, uint64_t offset)
{
	return get16(from, offset) | (uint32_t)get16(from, offset + 2) << 16;
}

static inline uint64_t get64(const void *from, uint64_t offset)
{
	return get32(from, offset) | (uint64_t)get32(from, offset + 4) << 32;
}

#endif
