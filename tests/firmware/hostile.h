/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * hostile.h - the firmware between the real one and the application.
 *
 * It reads words in the fw_cfg file `opt/org.bulldog.hostile`: `name` or
 * `name=value`, separated by spaces. Without that file it does nothing.
 * docs/firmware.md lists the words.
 *
 * Each file is a room: it handles its own words, and is called at up to four
 * moments. Its lines on COM1 begin with "# hostile: ", for the tests.
 */
#ifndef FIRMWARE_HOSTILE_H
#define FIRMWARE_HOSTILE_H

#include <stddef.h>

#include "port.h"

#define PAGE_BYTES	4096ULL
#define MIB		(1ULL << 20)
#define GIB		(1ULL << 30)
#define NO_ADDRESS	(~0ULL)

/* The tables that the application is given instead of the firmware's. */
struct stage {
	EFI_SYSTEM_TABLE *system;	/* these two in runtime memory       */
	EFI_RUNTIME_SERVICES *runtime;
	EFI_BOOT_SERVICES boot;
	EFI_LOADED_IMAGE *image;
};
extern struct stage stage;

/* Any of these may be missing. */
struct room {
	BOOLEAN (*word)(const char *name, const char *value); /* mine? */
	void (*before_load)(void);
	void (*before_start)(void);
	void (*after_exit)(void);	/* of boot services, for good        */
	void (*after_return)(void);	/* of an application that refused    */
};
extern const struct room watch_room, map_room, pages_room, tables_room,
	processor_room, screen_room, acpi_room, acpi_tables_room, image_room,
	clock_room, map_amount_room;

/* hostile.c: for the springboard. */
BOOLEAN hostile_read_words(void);	/* FALSE: nothing to do              */
void hostile_before_load(void);
void hostile_before_start(EFI_HANDLE image);
BOOLEAN hostile_again(EFI_STATUS status); /* the application came back     */

/* hostile.c: for the rooms. */
BOOLEAN text_equals(const char *a, const char *b);
UINT64 text_number(const char *text);	/* decimal or 0x; else the end       */
void hostile_after_exit(void);
void say_fact(const char *name, UINT64 value);	/* " name=value"             */
void *pages_of_our_own(UINTN pages);	/* boot-services data, zeroed        */

/* watch.c: which service is which, by its place in the table. */
#define SERVICE(name)							\
	((offsetof(EFI_BOOT_SERVICES, name) -				\
	  offsetof(EFI_BOOT_SERVICES, RaiseTPL)) / sizeof(void *))
void watch_redirect(UINTN service, const void *function);
UINT64 watch_round(void);		/* 1 for the first start             */

/* image.c: starts what hostile_before_start was given. */
EFI_STATUS image_start(EFI_HANDLE image);

/* map.c: the pages that are allocated in the real map. */
UINT64 map_allocated_pages(void);
/* The address of so many free pages below `end`; NO_ADDRESS: none. */
UINT64 map_lowest_free(UINTN pages, UINT64 end);

/* tables.c: rights of pages, in tables that are ours. */
enum right {
	RIGHT_NONE,			/* not present                       */
	RIGHT_READ,
	RIGHT_WRITE,
	RIGHT_EXECUTE,			/* and read                          */
	RIGHT_ALL,
};
BOOLEAN tables_are_ours(void);
enum right tables_right_of(EFI_MEMORY_TYPE type);
void tables_set(UINT64 start, UINT64 end, enum right right);
UINT64 tables_entry(UINT64 address);	/* the leaf's, 0 = none              */

#endif
