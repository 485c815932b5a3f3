// SPDX-License-Identifier: MIT OR Apache-2.0
/* A table of 16 entries: half a byte in each step, fast enough for pages. */
#include <base/crc32.h>

uint32_t crc32(uint32_t so_far, const void *data, size_t bytes)
{
	static const uint32_t step[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const unsigned char *byte = data;
	uint32_t crc = ~so_far;

	for (size_t i = 0; i < bytes; i++) {
		crc = step[(crc ^ byte[i]) & 15] ^ (crc >> 4);
		crc = step[(crc ^ (byte[i] >> 4)) & 15] ^ (crc >> 4);
	}
	return ~crc;
}
