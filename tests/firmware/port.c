// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A snapshot may resume between any two instructions, with other fw_cfg keys
 * than it was saved with. So each search for a file reads the whole directory
 * anew by one DMA transfer, which QEMU never interrupts.
 * Source: QEMU docs/specs/fw_cfg.txt.
 */
#include "port.h"

#define COM1			0x3f8
#define COM1_LINE_STATUS	(COM1 + 5)
#define LINE_STATUS_EMPTY	0x20
#define COM1_PATIENCE		100000

#define DEBUG_EXIT		0xf4	/* QEMU ends with (value << 1) | 1   */

#define FW_CFG_DMA		0x514
#define FW_CFG_DIRECTORY	0x19
#define FW_CFG_ERROR		0x01
#define FW_CFG_READ		0x02
#define FW_CFG_SELECT		0x08
#define FW_CFG_NAME_BYTES	56
#define FW_CFG_FILES		128	/* QEMU has about 20                 */

/* All numbers of the device are big-endian. */
struct fw_cfg_dma {
	UINT32 control;
	UINT32 bytes;
	UINT64 address;
};

struct fw_cfg_entry {
	UINT32 bytes;
	UINT16 key;
	UINT16 zero;
	char name[FW_CFG_NAME_BYTES];
};

struct fw_cfg_directory {
	UINT32 count;
	struct fw_cfg_entry files[FW_CFG_FILES];
};

static void serial_put(char c)
{
	for (UINTN tries = 0; tries < COM1_PATIENCE; tries++)
		if (in8(COM1_LINE_STATUS) & LINE_STATUS_EMPTY)
			break;
	out8(COM1, (UINT8)c);
}

void serial_text(const char *text)
{
	while (*text)
		serial_put(*text++);
}

void serial_number(UINT64 value)
{
	char digits[21];
	UINTN at = sizeof(digits) - 1;

	digits[at] = 0;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	serial_text(digits + at);
}

void serial_hex(UINT64 value)
{
	serial_text("0x");
	for (int shift = 60; shift >= 0; shift -= 4)
		serial_put("0123456789abcdef"[value >> shift & 15]);
}

void leave(const char *why, EFI_STATUS status, UINT8 code)
{
	serial_text("\r\n");
	serial_text(why);
	serial_text(" status=");
	serial_hex(status);
	serial_text("\r\n");
	out8(DEBUG_EXIT, code);
	for (;;)
		__asm__ volatile("hlt");
}

void must(EFI_STATUS status, const char *what)
{
	if (EFI_ERROR(status))
		leave(what, status, EXIT_BROKEN);
}

EFI_STATUS fw_cfg_read(UINT16 key, void *to, UINT32 bytes)
{
	volatile struct fw_cfg_dma dma = {
		.control = __builtin_bswap32((UINT32)key << 16 |
					     FW_CFG_SELECT | FW_CFG_READ),
		.bytes = __builtin_bswap32(bytes),
		.address = __builtin_bswap64((UINT64)to),
	};
	UINT64 at = (UINT64)&dma;

	out32(FW_CFG_DMA, __builtin_bswap32((UINT32)(at >> 32)));
	out32(FW_CFG_DMA + 4, __builtin_bswap32((UINT32)at));
	while (dma.control & __builtin_bswap32(~FW_CFG_ERROR))
		__asm__ volatile("pause");
	return dma.control == 0 ? EFI_SUCCESS : EFI_DEVICE_ERROR;
}

static BOOLEAN names_are_equal(const char *a, const char *b)
{
	for (UINTN i = 0; i < FW_CFG_NAME_BYTES; i++) {
		if (a[i] != b[i])
			return FALSE;
		if (a[i] == 0)
			return TRUE;
	}
	return TRUE;
}

EFI_STATUS fw_cfg_find(const char *name, struct fw_cfg_file *out)
{
	static struct fw_cfg_directory directory;
	EFI_STATUS status;
	UINT32 count;

	status = fw_cfg_read(FW_CFG_DIRECTORY, &directory, sizeof(directory));
	if (EFI_ERROR(status))
		return status;
	count = __builtin_bswap32(directory.count);
	for (UINT32 i = 0; i < count && i < FW_CFG_FILES; i++) {
		const struct fw_cfg_entry *entry = &directory.files[i];

		if (!names_are_equal(entry->name, name))
			continue;
		out->bytes = __builtin_bswap32(entry->bytes);
		out->key = __builtin_bswap16(entry->key);
		return EFI_SUCCESS;
	}
	return EFI_NOT_FOUND;
}
