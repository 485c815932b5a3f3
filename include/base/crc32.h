/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* crc32.h - the CRC-32 of Ethernet, zip and UEFI table headers. */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Start with 0; pass the result to continue over the next bytes. */
uint32_t crc32(uint32_t so_far, const void *data, size_t bytes);

#endif
