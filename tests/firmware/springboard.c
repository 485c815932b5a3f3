// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * springboard.c - starts the shipped BOOTX64.EFI at snapshot speed.
 *
 * A cold start of the firmware costs seconds; almost all of our tests care
 * only about what comes after it. So this application is what the firmware
 * boots, once per machine shape. It says SNAPPOINT on COM1 and watches the
 * size of the fw_cfg file `opt/org.bulldog.go`; there the driver takes a
 * snapshot of the whole machine. Each test then wakes the snapshot in a new
 * QEMU, whose fw_cfg files are new: the size has changed, and we load the
 * application that the test brought in `opt/org.bulldog.app` and start it
 * as the firmware itself would, on behalf of the volume that we came from.
 *
 * A snapshot may wake between any two instructions, with other fw_cfg keys
 * than those it slept with. That is why each poll reads the directory anew,
 * and whole, by one DMA transfer, which QEMU never stops in the middle.
 *
 * Nothing is printed through the firmware: it must look to the application
 * as if it had been started first.
 * Source: QEMU docs/specs/fw_cfg.txt; UEFI 2.10 section 7.4.
 */
#include <efi.h>
#include <efilib.h>

#define COM1			0x3f8
#define COM1_LINE_STATUS	(COM1 + 5)
#define LINE_STATUS_EMPTY	0x20
#define COM1_PATIENCE		100000

#define DEBUG_EXIT		0xf4	/* QEMU ends with (value << 1) | 1   */
#define EXIT_RETURNED		0x20	/* 65: the application came back     */
#define EXIT_BROKEN		0x21	/* 67: the springboard cannot go on  */
#define EXIT_REFUSED		0x22	/* 69: the firmware did not load it  */

#define FW_CFG_DMA		0x514
#define FW_CFG_DIRECTORY	0x19
#define FW_CFG_ERROR		0x01
#define FW_CFG_READ		0x02
#define FW_CFG_SELECT		0x08
#define FW_CFG_NAME_BYTES	56
#define FW_CFG_FILES		128	/* QEMU has about 20                 */

/* All numbers are big-endian. */
struct fw_cfg_dma {
	UINT32 control;
	UINT32 bytes;
	UINT64 address;
};

struct fw_cfg_file {
	UINT32 bytes;
	UINT16 key;
	UINT16 zero;
	char name[FW_CFG_NAME_BYTES];
};

struct fw_cfg_directory {
	UINT32 count;
	struct fw_cfg_file files[FW_CFG_FILES];
};

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

static void serial_put(char c)
{
	for (UINTN tries = 0; tries < COM1_PATIENCE; tries++)
		if (in8(COM1_LINE_STATUS) & LINE_STATUS_EMPTY)
			break;
	out8(COM1, (UINT8)c);
}

static void serial_text(const char *text)
{
	while (*text)
		serial_put(*text++);
}

static void serial_hex(UINT64 value)
{
	serial_text("0x");
	for (int shift = 60; shift >= 0; shift -= 4)
		serial_put("0123456789abcdef"[value >> shift & 15]);
}

_Noreturn static void leave(const char *why, EFI_STATUS status, UINT8 code)
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

static void must(EFI_STATUS status, const char *what)
{
	if (EFI_ERROR(status))
		leave(what, status, EXIT_BROKEN);
}

static EFI_STATUS fw_cfg_read(UINT16 key, void *to, UINT32 bytes)
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

static EFI_STATUS fw_cfg_find(const char *name, struct fw_cfg_file *out)
{
	static struct fw_cfg_directory directory;
	EFI_STATUS status;
	UINT32 count;

	status = fw_cfg_read(FW_CFG_DIRECTORY, &directory, sizeof(directory));
	if (EFI_ERROR(status))
		return status;
	count = __builtin_bswap32(directory.count);
	for (UINT32 i = 0; i < count && i < FW_CFG_FILES; i++) {
		const struct fw_cfg_file *file = &directory.files[i];

		if (!names_are_equal(file->name, name))
			continue;
		out->bytes = __builtin_bswap32(file->bytes);
		out->key = __builtin_bswap16(file->key);
		return EFI_SUCCESS;
	}
	return EFI_NOT_FOUND;
}

/* Comes back in another QEMU than the one that it was called in. */
static void wait_for_go(void)
{
	struct fw_cfg_file first, now;

	must(fw_cfg_find("opt/org.bulldog.go", &first), "NO_GO_FILE");
	serial_text("\r\nSNAPPOINT\r\n");
	do {
		must(fw_cfg_find("opt/org.bulldog.go", &now), "NO_GO_FILE");
	} while (now.bytes == first.bytes);
}

/* The application's image, loaded by the firmware and not yet started. */
static EFI_HANDLE load_application(EFI_HANDLE self)
{
	EFI_LOADED_IMAGE *own;
	EFI_DEVICE_PATH *path;
	struct fw_cfg_file file;
	EFI_HANDLE image = NULL;
	EFI_STATUS status;
	void *buffer;

	must(fw_cfg_find("opt/org.bulldog.app", &file), "NO_APPLICATION");
	must(BS->AllocatePool(EfiBootServicesData, file.bytes, &buffer),
	     "NO_MEMORY");
	must(fw_cfg_read(file.key, buffer, file.bytes), "NOT_READ");

	must(BS->HandleProtocol(self, &LoadedImageProtocol, (void **)&own),
	     "NO_LOADED_IMAGE");
	path = FileDevicePath(own->DeviceHandle,
			      L"\\EFI\\BULLDOG\\BOOTX64.EFI");
	status = BS->LoadImage(FALSE, self, path, buffer, file.bytes, &image);
	if (EFI_ERROR(status))
		leave("REFUSED", status, EXIT_REFUSED);
	FreePool(path);
	FreePool(buffer);
	return image;
}

/* Called by gnu-efi's start-up code, which does not declare it. */
EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *system);

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *system)
{
	EFI_HANDLE image;

	InitializeLib(self, system);
	wait_for_go();
	image = load_application(self);
	leave("RETURNED", BS->StartImage(image, NULL, NULL), EXIT_RETURNED);
}
