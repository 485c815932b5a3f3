// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Reads the words, and calls each room at its moments. The application gets a
 * system table and a boot services table of ours through its loaded-image
 * protocol, from which the firmware takes them when it starts an image. So
 * only the application sees them, never the firmware's own code.
 */
#include "hostile.h"

#define WORDS_BYTES	512
#define ROUNDS_MAX	200

struct stage stage;

static const struct room *const rooms[] = {
	&watch_room, &map_room, &pages_room, &image_room, &tables_room,
	&processor_room, &screen_room, &acpi_tables_room, &acpi_room,
	&clock_room, &map_amount_room,
};
#define ROOMS (sizeof(rooms) / sizeof(rooms[0]))

BOOLEAN text_equals(const char *a, const char *b)
{
	while (*a != 0 && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

UINT64 text_number(const char *text)
{
	UINT64 base = 10, value = 0;

	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	}
	do {
		char low = *text | 0x20;
		UINT64 digit = 99;

		if (*text >= '0' && *text <= '9')
			digit = (UINT64)(*text - '0');
		else if (low >= 'a' && low <= 'f')
			digit = (UINT64)(low - 'a' + 10);
		if (digit >= base)
			leave("NO_NUMBER_IN_HOSTILE_WORD", 0, EXIT_BROKEN);
		value = value * base + digit;
	} while (*++text != 0);
	return value;
}

void say_fact(const char *name, UINT64 value)
{
	serial_text(" ");
	serial_text(name);
	serial_text("=");
	serial_number(value);
}

void *pages_of_our_own(UINTN pages)
{
	EFI_PHYSICAL_ADDRESS start = 0;

	must(BS->AllocatePages(AllocateAnyPages, EfiBootServicesData, pages,
			       &start), "NO_MEMORY_FOR_HOSTILE");
	BS->SetMem((void *)start, pages * PAGE_BYTES, 0);
	return (void *)start;
}

/* Refuses an unknown word: the test would test nothing. */
static void take_word(const char *name, const char *value)
{
	for (UINTN i = 0; i < ROOMS; i++)
		if (rooms[i]->word != NULL && rooms[i]->word(name, value))
			return;
	serial_text("\r\n# hostile: no such word: ");
	serial_text(name);
	leave("", 0, EXIT_BROKEN);
}

BOOLEAN hostile_read_words(void)
{
	static char text[WORDS_BYTES + 1];
	struct fw_cfg_file file;
	char *at = text;

	if (EFI_ERROR(fw_cfg_find("opt/org.bulldog.hostile", &file)))
		return FALSE;
	if (file.bytes > WORDS_BYTES)
		leave("TOO_MANY_HOSTILE_WORDS", file.bytes, EXIT_BROKEN);
	must(fw_cfg_read(file.key, text, file.bytes), "NOT_READ");
	while (*at != 0) {
		char *name = at, *value = NULL;

		for (; *at != 0 && *at != ' '; at++) {
			if (*at == '=' && value == NULL) {
				*at = 0;
				value = at + 1;
			}
		}
		if (*at != 0)
			*at++ = 0;
		if (*name != 0)
			take_word(name, value == NULL ? "" : value);
	}
	return TRUE;
}

static EFI_STATUS EFIAPI refuse_to_move(UINTN bytes, UINTN stride,
					UINT32 version,
					EFI_MEMORY_DESCRIPTOR *map)
{
	(void)bytes;
	(void)stride;
	(void)version;
	(void)map;
	leave("SET_VIRTUAL_ADDRESS_MAP_CALLED", 0, EXIT_BROKEN);
}

/* The system table and all that it points to outlive the boot services. */
static void make_tables(void)
{
	EFI_PHYSICAL_ADDRESS start = 0;

	must(BS->AllocatePages(AllocateAnyPages, EfiRuntimeServicesData, 1,
			       &start), "NO_MEMORY_FOR_HOSTILE");
	stage.system = (EFI_SYSTEM_TABLE *)start;
	stage.runtime = (EFI_RUNTIME_SERVICES *)(start + PAGE_BYTES / 2);
}

void hostile_before_load(void)
{
	if (stage.system == NULL)
		make_tables();
	for (UINTN i = 0; i < ROOMS; i++)
		if (rooms[i]->before_load != NULL)
			rooms[i]->before_load();
}

static void copy_table(void *to, void *from, UINTN room)
{
	EFI_TABLE_HEADER *header = from;
	UINTN bytes = header->HeaderSize < room ? header->HeaderSize : room;

	BS->CopyMem(to, from, bytes);
	((EFI_TABLE_HEADER *)to)->HeaderSize = (UINT32)bytes;
}

static void seal(EFI_TABLE_HEADER *header)
{
	header->CRC32 = 0;
	BS->CalculateCrc32(header, header->HeaderSize, &header->CRC32);
}

void hostile_before_start(EFI_HANDLE image)
{
	must(BS->HandleProtocol(image, &LoadedImageProtocol,
				(void **)&stage.image), "NO_LOADED_IMAGE");
	copy_table(stage.system, ST, sizeof(*stage.system));
	copy_table(stage.runtime, RT, sizeof(*stage.runtime));
	copy_table(&stage.boot, BS, sizeof(stage.boot));
	stage.system->BootServices = &stage.boot;
	stage.system->RuntimeServices = stage.runtime;
	stage.runtime->SetVirtualAddressMap = refuse_to_move;
	for (UINTN i = 0; i < ROOMS; i++)
		if (rooms[i]->before_start != NULL)
			rooms[i]->before_start();
	seal(&stage.boot.Hdr);
	seal(&stage.runtime->Hdr);
	seal(&stage.system->Hdr);
	stage.image->SystemTable = stage.system;
}

void hostile_after_exit(void)
{
	for (UINTN i = 0; i < ROOMS; i++)
		if (rooms[i]->after_exit != NULL)
			rooms[i]->after_exit();
}

/* True to start it again; watch.c decides if there is another round. */
BOOLEAN hostile_again(EFI_STATUS status)
{
	UINT64 round = watch_round();

	serial_text("\r\n# hostile: returned");
	say_fact("round", round);
	serial_text(" status=");
	serial_hex(status);
	for (UINTN i = 0; i < ROOMS; i++)
		if (rooms[i]->after_return != NULL)
			rooms[i]->after_return();
	serial_text("\r\n");
	return round != watch_round() && round < ROUNDS_MAX;
}
