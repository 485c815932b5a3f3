// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The screens and consoles that the application finds.
 *
 * words: console=none   ConOut, ConIn and StdErr are NULL
 *        screen=none    there is no graphics output
 *        screen=KIND    there is one, and it is odd: see `screens`
 *
 * A screen that can be drawn on is in RAM that the map calls reserved, filled
 * with CANARY; any other screen is at an address without memory.
 */
#include "hostile.h"

#define WIDTH		640
#define HEIGHT		480
#define PIXEL_BYTES	4
#define CANARY		0xa5
#define FAR_AWAY	0xfc10000000ULL	/* above 512 GiB, below 1 TiB        */
#define SHIFT		0x130		/* not even on a line of the cache   */

enum place {
	IN_RAM, INSIDE_A_PAGE, IN_HIGH_RAM, IN_FREE_RAM, AT_FAR_AWAY,
	AT_NO_PLACE, AT_THE_END,
};

struct screen {
	const char *name;
	enum place place;
	UINT32 width, height, pitch;	/* pixels                            */
	UINT64 bytes;			/* what it says that it has          */
	EFI_GRAPHICS_PIXEL_FORMAT format;
	EFI_PIXEL_BITMASK masks;
};

#define WHOLE(width, height) ((UINT64)PIXEL_BYTES * (width) * (height))
#define SCREEN_PAGES (WHOLE(648, HEIGHT) / PAGE_BYTES + 2)
#define BGRX PixelBlueGreenRedReserved8BitPerColor
#define RGBX PixelRedGreenBlueReserved8BitPerColor

static const struct screen screens[] = {
	{ "plain", IN_RAM, WIDTH, HEIGHT, WIDTH, WHOLE(WIDTH, HEIGHT), BGRX,
	  { 0 } },
	{ "shifted", INSIDE_A_PAGE, WIDTH, HEIGHT, WIDTH,
	  WHOLE(WIDTH, HEIGHT), BGRX, { 0 } },
	{ "high", IN_HIGH_RAM, WIDTH, HEIGHT, WIDTH, WHOLE(WIDTH, HEIGHT),
	  BGRX, { 0 } },
	{ "far", AT_FAR_AWAY, WIDTH, HEIGHT, WIDTH, WHOLE(WIDTH, HEIGHT),
	  RGBX, { 0 } },
	{ "pitch", IN_RAM, 600, HEIGHT, 648, WHOLE(648, HEIGHT), BGRX,
	  { 0 } },
	{ "short", IN_RAM, WIDTH, HEIGHT, WIDTH, WHOLE(WIDTH, 300) + 77,
	  BGRX, { 0 } },
	{ "low", IN_RAM, WIDTH, HEIGHT, WIDTH, WHOLE(WIDTH, 20), BGRX, { 0 } },
	{ "tiny", IN_RAM, WIDTH, HEIGHT, WIDTH, 100, BGRX, { 0 } },
	{ "narrow", IN_RAM, WIDTH, HEIGHT, 320, WHOLE(WIDTH, HEIGHT), BGRX,
	  { 0 } },
	{ "bltonly", AT_NO_PLACE, WIDTH, HEIGHT, WIDTH, 0, PixelBltOnly,
	  { 0 } },
	{ "masks", IN_RAM, WIDTH, HEIGHT, WIDTH, WHOLE(WIDTH, HEIGHT),
	  PixelBitMask, { 0x3ff00000, 0xffc00, 0x3ff, 0xc0000000 } },
	{ "16bit", IN_RAM, WIDTH, HEIGHT, WIDTH, WHOLE(WIDTH, HEIGHT),
	  PixelBitMask, { 0xf800, 0x7e0, 0x1f, 0 } },
	{ "flat", IN_RAM, WIDTH, 0, WIDTH, WHOLE(WIDTH, HEIGHT), BGRX,
	  { 0 } },
	{ "huge", IN_RAM, 0xffffffff, 0xffffffff, 0xffffffff,
	  WHOLE(WIDTH, HEIGHT), BGRX, { 0 } },
	{ "wrap", AT_THE_END, WIDTH, HEIGHT, WIDTH, WHOLE(WIDTH, HEIGHT),
	  BGRX, { 0 } },
	{ "endless", IN_RAM, WIDTH, HEIGHT, WIDTH, ~0ULL, BGRX, { 0 } },
	{ "strange", IN_RAM, WIDTH, HEIGHT, WIDTH, WHOLE(WIDTH, HEIGHT),
	  (EFI_GRAPHICS_PIXEL_FORMAT)77, { 0 } },
	{ "stolen", IN_FREE_RAM, WIDTH, HEIGHT, WIDTH, WHOLE(WIDTH, HEIGHT),
	  BGRX, { 0 } },
	{ "mute", AT_NO_PLACE, 0, 0, 0, 0, BGRX, { 0 } },
};
#define SCREENS (sizeof(screens) / sizeof(screens[0]))

static const struct screen *wanted;
static BOOLEAN no_screen, no_console;

static EFI_GRAPHICS_OUTPUT_MODE_INFORMATION info;
static EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE mode;
static EFI_GRAPHICS_OUTPUT_PROTOCOL output;

static EFI_STATUS EFIAPI refuse_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *self,
				     UINT32 number, UINTN *bytes,
				     EFI_GRAPHICS_OUTPUT_MODE_INFORMATION **to)
{
	(void)self;
	(void)number;
	(void)bytes;
	(void)to;
	return EFI_DEVICE_ERROR;
}

static EFI_STATUS EFIAPI keep_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *self,
				   UINT32 number)
{
	(void)self;
	(void)number;
	return EFI_DEVICE_ERROR;
}

static EFI_PHYSICAL_ADDRESS find_place(void)
{
	UINTN pages = SCREEN_PAGES;
	EFI_PHYSICAL_ADDRESS place = 4 * GIB - 1;
	EFI_ALLOCATE_TYPE how = AllocateMaxAddress;

	switch (wanted->place) {
	case AT_FAR_AWAY:
		return FAR_AWAY;
	case AT_NO_PLACE:
		return 0;
	case AT_THE_END:
		return ~0ULL << 12;
	case IN_HIGH_RAM:
		how = AllocateAddress;
		place = 5 * GIB;
		break;
	default:
		break;
	}
	must(BS->AllocatePages(how, EfiReservedMemoryType, pages, &place),
	     "NO_PLACE_FOR_THE_SCREEN");
	BS->SetMem((void *)place, pages * PAGE_BYTES, CANARY);
	if (wanted->place == IN_FREE_RAM)
		BS->FreePages(place, pages);
	return wanted->place == INSIDE_A_PAGE ? place + SHIFT : place;
}

static void make_screen(void)
{
	info = (EFI_GRAPHICS_OUTPUT_MODE_INFORMATION){
		.HorizontalResolution = wanted->width,
		.VerticalResolution = wanted->height,
		.PixelFormat = wanted->format,
		.PixelInformation = wanted->masks,
		.PixelsPerScanLine = wanted->pitch,
	};
	mode = (EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE){
		.MaxMode = 1,
		.Info = &info,
		.SizeOfInfo = sizeof(info),
		.FrameBufferBase = find_place(),
		.FrameBufferSize = wanted->bytes,
	};
	output.QueryMode = refuse_mode;
	output.SetMode = keep_mode;
	output.Mode = text_equals(wanted->name, "mute") ? NULL : &mode;
	serial_text("\r\n# hostile: screen base=");
	serial_hex(mode.FrameBufferBase);
	say_fact("room", (SCREEN_PAGES - 1) * PAGE_BYTES);
	serial_text("\r\n");
}

static EFI_STATUS answer(void **interface)
{
	if (no_screen)
		return EFI_NOT_FOUND;
	*interface = &output;
	return EFI_SUCCESS;
}

static BOOLEAN is_output(const EFI_GUID *guid)
{
	static EFI_GUID output_guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;

	return CompareGuid((EFI_GUID *)guid, &output_guid) == 0;
}

static EFI_STATUS EFIAPI locate_protocol(EFI_GUID *guid, void *registration,
					 void **interface)
{
	if (is_output(guid))
		return answer(interface);
	return BS->LocateProtocol(guid, registration, interface);
}

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *guid,
					 void **interface)
{
	if (is_output(guid))
		return answer(interface);
	return BS->HandleProtocol(handle, guid, interface);
}

static void before_start(void)
{
	if (no_console) {
		stage.system->ConOut = NULL;
		stage.system->ConIn = NULL;
		stage.system->StdErr = NULL;
		stage.system->ConsoleOutHandle = NULL;
		stage.system->ConsoleInHandle = NULL;
		stage.system->StandardErrorHandle = NULL;
	}
	if (wanted == NULL && !no_screen)
		return;
	if (wanted != NULL)
		make_screen();
	watch_redirect(SERVICE(LocateProtocol), locate_protocol);
	watch_redirect(SERVICE(HandleProtocol), handle_protocol);
}

static BOOLEAN word(const char *name, const char *value)
{
	if (text_equals(name, "console") && text_equals(value, "none"))
		no_console = TRUE;
	else if (text_equals(name, "screen") && text_equals(value, "none"))
		no_screen = TRUE;
	else if (!text_equals(name, "screen"))
		return FALSE;
	for (UINTN i = 0; i < SCREENS; i++)
		if (text_equals(value, screens[i].name))
			wanted = &screens[i];
	return no_console || no_screen || wanted != NULL;
}

const struct room screen_room = {
	.word = word,
	.before_start = before_start,
};
