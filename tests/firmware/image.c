// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Moves the application's image, and sets the words with which it is started.
 * The image is moved before it runs, while it does not depend on its address,
 * and is then called as the firmware would call it.
 *
 * words: image=high   above 4 GiB
 *        image=low    below 1 MiB
 *        options=null     load options at 0, of a hundred bytes
 *        options=endless  ... of 4 GiB, all of them spaces
 *        options=binary   ... that are no text
 *        options=name     ... that are only the application's name
 *        options=words    ... that are a name and loglevel=7
 */
#include "hostile.h"

#define HIGH_PLACE	(6 * GIB)
#define LOW_LIMIT	0x9ffffULL
#define OPTIONAL_HEADER	24		/* PE/COFF: from the signature       */
#define ENTRY_POINT	(OPTIONAL_HEADER + 16)

typedef EFI_STATUS(EFIAPI *entry_point)(EFI_HANDLE image,
					EFI_SYSTEM_TABLE *system);

static enum { ANYWHERE, HIGH, LOW } wanted;

#define ENDLESS_UNITS	(64 * PAGE_BYTES / sizeof(CHAR16))

static const struct {
	const char *name;
	const CHAR16 *text;
	UINT32 bytes;
} options[] = {
	{ "null", NULL, 100 },
	{ "endless", NULL, 0xffffffff },
	{ "binary", L"\x4eac\x0881\x9f11\x4d59", 16 },
	{ "name", L"\\EFI\\Boot\\bootx64.efi", 50 },
	{ "words", L"fs0:BOOTX64.EFI loglevel=7", 54 },
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

static UINTN wanted_options = OPTIONS;

static struct {
	void *loaded_at;
	EFI_PHYSICAL_ADDRESS place;
	UINTN pages;
} moved;

static void give_options(void)
{
	CHAR16 *spaces;

	stage.image->LoadOptions = (void *)options[wanted_options].text;
	stage.image->LoadOptionsSize = options[wanted_options].bytes;
	if (options[wanted_options].bytes != 0xffffffff)
		return;
	spaces = pages_of_our_own(64);
	for (UINTN i = 0; i < ENDLESS_UNITS; i++)
		spaces[i] = ' ';
	stage.image->LoadOptions = spaces;
}

static void before_start(void)
{
	EFI_ALLOCATE_TYPE how = wanted == HIGH ? AllocateAddress :
						 AllocateMaxAddress;

	moved.pages = 0;
	if (wanted_options != OPTIONS)
		give_options();
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
	if (text_equals(name, "options")) {
		for (UINTN i = 0; i < OPTIONS; i++)
			if (text_equals(value, options[i].name))
				wanted_options = i;
		return wanted_options != OPTIONS;
	}
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
