/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * port.h - the two devices used without the firmware: COM1 and QEMU's own ones
 * (fw_cfg, the exit port).
 */
#ifndef FIRMWARE_PORT_H
#define FIRMWARE_PORT_H

#include <efi.h>
#include <efilib.h>

#define EXIT_RETURNED		0x20	/* 65: the application returned      */
#define EXIT_BROKEN		0x21	/* 67: the springboard cannot go on  */
#define EXIT_REFUSED		0x22	/* 69: the firmware did not load it  */

static inline void out8(UINT16 port, UINT8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void out32(UINT16 port, UINT32 value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline UINT8 in8(UINT16 port)
{
	UINT8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

void serial_text(const char *text);
void serial_number(UINT64 value);	/* decimal */
void serial_hex(UINT64 value);		/* 0x and sixteen digits */

/* "WHY status=0x..." on COM1, and the end of QEMU with this code. */
_Noreturn void leave(const char *why, EFI_STATUS status, UINT8 code);

/* `what` is the last word when status is an error. */
void must(EFI_STATUS status, const char *what);

struct fw_cfg_file {
	UINT32 bytes;
	UINT16 key;
};

/* Fails: EFI_NOT_FOUND, or an error of the device. */
EFI_STATUS fw_cfg_find(const char *name, struct fw_cfg_file *out);
EFI_STATUS fw_cfg_read(UINT16 key, void *to, UINT32 bytes);

#endif
