// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Where the application's image lies. The firmware puts it where it likes;
 * here it is moved before it runs, while it does not know yet where it is,
 * and then called as the firmware would have called it.
 *
 * words: image=high   above 4 GiB
 *        image=low    below 1 MiB
 */
#include "hostile.h"

#define HIGH_PLACE	(6 * GIB)
#define LOW_LIMIT	0x9ffffULL
#define OPTIONAL_HEADER	24		/* PE/COFF: from the signature       */
#define ENTRY_POINT	(OPTIONAL_HEADER + 16)

typedef EFI_STATUS(EFIAPI *entry_point)(EFI_HANDLE image,
					EFI_SYSTEM_TABLE *system);

static enum { ANYWHERE, HIGH, LOW } wanted;

static struct {
	void *loaded_at;
	EFI_PHYSICAL_ADDRESS place;
	UINTN pages;
} moved;

static void before_start(void)
{
	EFI_ALLOCATE_TYPE how = wanted == HIGH ? AllocateAddress :
						 AllocateMaxAddress;

	moved.pages = 0;
	if (wanted == ANYWHERE)
		return;
	moved.place = wanted == HIGH ? HIGH_PLACE : LOW_LIMIT;
	moved.pages = stage.image->ImageSize / PAGE_BYTES + 1;
	moved.loaded_at = stage.image->ImageBase;
	must(BS->AllocatePages(how, EfiLoaderCode, moved.pages, &moved.place),
	     "NO_PLACE_FOR_THE_IMAGE");
	BS->CopyMem((void *)moved.place, moved.loaded_at,
		    stage.image->ImageSize);
	stage.image->ImageBase = (void *)moved.place;
	serial_text("\r\n# hostile: image start=");
	serial_hex(moved.place);
	serial_text("\r\n");
}

EFI_STATUS image_start(EFI_HANDLE image)
{
	entry_point entry;
	const char *base = stage.image->ImageBase;
	EFI_STATUS status;

	if (moved.pages == 0)
		return BS->StartImage(image, NULL, NULL);
	base += *(const UINT32 *)(base + 0x3c);
	entry = (void *)(moved.place + *(const UINT32 *)(base + ENTRY_POINT));
	status = entry(image, stage.system);
	stage.image->ImageBase = moved.loaded_at;
	BS->FreePages(moved.place, moved.pages);
	BS->UnloadImage(image);
	return status;
}

static BOOLEAN word(const char *name, const char *value)
{
	if (!text_equals(name, "image"))
		return FALSE;
	if (text_equals(value, "high"))
		wanted = HIGH;
	else if (text_equals(value, "low"))
		wanted = LOW;
	else
		return FALSE;
	return TRUE;
}

const struct room image_room = {
	.word = word,
	.before_start = before_start,
};
