// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Reads QEMU's fw_cfg through its two ports, only when CPUID reports a
 * hypervisor: on a bare machine another device may have these ports.
 * Source: QEMU, docs/specs/fw_cfg.
 */
#include "loader.h"

#include <arch/instructions.h>
#include <base/string.h>

#define PORT_SELECT	0x510
#define PORT_DATA	0x511
#define KEY_SIGNATURE	0x0000
#define KEY_DIRECTORY	0x0019
#define NAME_BYTES	56
/* A bound for a broken device: far more files than QEMU has. */
#define FILES_MAX	4096

static void read_bytes(void *to, size_t bytes)
{
	uint8_t *byte = to;

	for (size_t i = 0; i < bytes; i++)
		byte[i] = in8(PORT_DATA);
}

static uint32_t read_big_endian(void)
{
	uint32_t value;

	read_bytes(&value, sizeof(value));
	return __builtin_bswap32(value);
}

bool fw_cfg_present(void)
{
	char signature[4];

	if ((read_cpuid(1, 0).ecx & 1u << 31) == 0)
		return false;
	out16(PORT_SELECT, KEY_SIGNATURE);
	read_bytes(signature, sizeof(signature));
	return memcmp(signature, "QEMU", sizeof(signature)) == 0;
}

size_t fw_cfg_read_file(const char *name, char *to, size_t bytes)
{
	uint32_t count;

	out16(PORT_SELECT, KEY_DIRECTORY);
	count = read_big_endian();
	for (uint32_t i = 0; i < count && i < FILES_MAX; i++) {
		uint32_t size = read_big_endian();
		uint32_t key = read_big_endian() >> 16;
		char found[NAME_BYTES];

		read_bytes(found, sizeof(found));
		if (strncmp(found, name, sizeof(found)) != 0)
			continue;
		if (size > bytes) {
			log_warning("options: %s ignored bytes=%u why=\"too "
				      "long\"", name, size);
			return 0;
		}
		out16(PORT_SELECT, (uint16_t)key);
		read_bytes(to, size);
		return size;
	}
	return 0;
}
