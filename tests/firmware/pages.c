// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The pages that the application gets from AllocatePages.
 *
 * words: page0       the first single page is the one at address 0
 *        low=BYTES   all that fits comes from below BYTES first
 *        bottom_up   all comes from as far down as it fits
 *        largest=N   more than N pages in a row are not to be had
 *        above       all that may lie anywhere lies above 4 GiB
 *        beyond      so does all that must not
 */
#include "hostile.h"

static struct {
	BOOLEAN page0, above, beyond, bottom_up;
	UINT64 low, largest;
	UINT64 odd_pages;
	UINT64 next_above;
} wanted = { .next_above = 7 * GIB };

/* The requests so far, for the tests to check. */
static UINT64 asked_pages, asked_odd_types;

/* The address that a word asks for, if it is free; else NO_ADDRESS. */
static EFI_PHYSICAL_ADDRESS odd_place(EFI_ALLOCATE_TYPE how,
				      EFI_MEMORY_TYPE type, UINTN pages,
				      EFI_PHYSICAL_ADDRESS limit)
{
	EFI_PHYSICAL_ADDRESS place = 0;

	if (how == AllocateAddress)
		return NO_ADDRESS;
	if ((wanted.above && how == AllocateAnyPages) ||
	    (wanted.beyond && how == AllocateMaxAddress)) {
		place = wanted.next_above;
		wanted.next_above += pages * PAGE_BYTES;
		must(BS->AllocatePages(AllocateAddress, type, pages, &place),
		     "NOTHING_ABOVE");
		return place;
	}
	if (wanted.page0 && pages == 1) {
		must(BS->AllocatePages(AllocateAddress, type, 1, &place),
		     "PAGE_0_IS_NOT_FREE");
		wanted.page0 = FALSE;
		return place;
	}
	if (wanted.bottom_up) {
		place = map_lowest_free(pages, how == AllocateAnyPages ?
					NO_ADDRESS : limit + 1);
		if (place != NO_ADDRESS)
			must(BS->AllocatePages(AllocateAddress, type, pages,
					       &place), "NOT_THE_LOWEST");
		return place;
	}
	place = wanted.low - 1;
	if (wanted.low == 0 || (how == AllocateMaxAddress && limit < place) ||
	    EFI_ERROR(BS->AllocatePages(AllocateMaxAddress, type, pages,
					&place)))
		return NO_ADDRESS;
	return place;
}

/* Protects pages by type at once, as some firmware does. */
static void protect(EFI_MEMORY_TYPE type, UINT64 start, UINT64 pages)
{
	if (tables_are_ours())
		tables_set(start, start + pages * PAGE_BYTES,
			   tables_right_of(type));
}

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE how,
					EFI_MEMORY_TYPE type, UINTN pages,
					EFI_PHYSICAL_ADDRESS *memory)
{
	EFI_PHYSICAL_ADDRESS place;
	EFI_STATUS status;

	asked_pages += pages;
	asked_odd_types += type != EfiLoaderCode && type != EfiLoaderData;
	if (wanted.largest != 0 && pages > wanted.largest)
		return EFI_OUT_OF_RESOURCES;
	place = odd_place(how, type, pages, *memory);
	if (place != NO_ADDRESS) {
		wanted.odd_pages += pages;
		*memory = place;
		protect(type, place, pages);
		return EFI_SUCCESS;
	}
	status = BS->AllocatePages(how, type, pages, memory);
	if (!EFI_ERROR(status))
		protect(type, *memory, pages);
	return status;
}

static EFI_STATUS EFIAPI free_pages(EFI_PHYSICAL_ADDRESS start, UINTN pages)
{
	protect(EfiConventionalMemory, start, pages);
	return BS->FreePages(start, pages);
}

static void before_start(void)
{
	watch_redirect(SERVICE(AllocatePages), allocate_pages);
	watch_redirect(SERVICE(FreePages), free_pages);
	asked_pages = asked_odd_types = 0;
}

static void after_exit(void)
{
	serial_text("# hostile: pages");
	say_fact("odd", wanted.odd_pages);
	say_fact("asked", asked_pages);
	say_fact("odd_types", asked_odd_types);
	serial_text("\r\n");
}

static BOOLEAN word(const char *name, const char *value)
{
	if (text_equals(name, "page0"))
		wanted.page0 = TRUE;
	else if (text_equals(name, "above"))
		wanted.above = TRUE;
	else if (text_equals(name, "beyond"))
		wanted.beyond = TRUE;
	else if (text_equals(name, "bottom_up"))
		wanted.bottom_up = TRUE;
	else if (text_equals(name, "low"))
		wanted.low = text_number(value);
	else if (text_equals(name, "largest"))
		wanted.largest = text_number(value);
	else
		return FALSE;
	return TRUE;
}

const struct room pages_room = {
	.word = word,
	.before_start = before_start,
	.after_exit = after_exit,
};
