// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The tables may lie in memory that is not mapped. So each is mapped in the
 * fixmap, until all are copied.
 *
 * No table reaches beyond the region in which it begins: a length that does is
 * wrong, and reading on could touch a device.
 *
 * The tables are read twice: once to list and check them, once to copy. A
 * device could change a table in between. That is harmless: the length comes
 * from the first pass, and each walk checks the checksum of the copy again.
 *
 * Of a table that is left out the header is copied, so that numa_nodes.c can
 * tell a bad table from a missing one. Nothing else of it is read later.
 *
 * A list has the physical address of each original, so a walk follows the same
 * addresses as before and gets the copies. The FACS is not copied: it is not
 * in reclaimable memory, and the firmware goes on writing to it.
 */
#include "acpi_tables.h"

#include <base/bits.h>
#include <base/string.h>

#include <kernel/arch/window.h>
#include <kernel/boot/boot_info.h>
#include <kernel/boot/boot_memory.h>
#include <kernel/boot/fixmap.h>
#include <kernel/log/log.h>

#include "acpi_collect.h"

/* At most this many tables get a warning each. */
#define LEFT_OUT_NAMED	8

struct copied {
	paddr_t at;
	uint64_t bytes;
	const void *data;
};

struct copies {
	struct copied *items;
	size_t count;
	uint64_t pages;
};

static struct copies copies;

bool acpi_is_copied(void)
{
	return copies.count != 0;
}

uint64_t acpi_copy_pages(void)
{
	return copies.pages;
}

const void *acpi_copy_of(paddr_t at, uint64_t bytes)
{
	for (size_t i = 0; i < copies.count; i++) {
		const struct copied *item = &copies.items[i];
		uint64_t offset = at.raw - item->at.raw;

		if (at.raw >= item->at.raw && offset <= item->bytes &&
		    bytes <= item->bytes - offset)
			return (const char *)item->data + offset;
	}
	return NULL;
}

bool acpi_copy_claims(const char signature[4])
{
	for (size_t i = 0; i < copies.count; i++)
		if (memcmp(copies.items[i].data, signature, 4) == 0)
			return true;
	return false;
}

/* --- finding --------------------------------------------------------------*/

/* An RSDP may be shorter than its request, so short requests pass. */
static bool is_in_one_region(paddr_t at, uint64_t bytes)
{
	return bytes <= ACPI_RSDP_BYTES ||
	       (at.raw < PHYSICAL_LIMIT &&
		bytes <= region_list_room(&boot_memory.map.regions, at));
}

/* One window is one fixmap slot. */
static const void *map(struct acpi_mapper *mapper, enum acpi_window window,
		       paddr_t at, uint64_t bytes)
{
	struct fixmap_request request = {
		.slot = window == ACPI_WINDOW_ROOT ? FIXMAP_FIRST :
						     FIXMAP_SECOND,
		.phys = at,
		.bytes = bytes,
	};
	const volatile void *seen;

	(void)mapper;
	/* Pages of tables that were not copied may have other owners now. */
	if (acpi_is_copied())
		return acpi_copy_of(at, bytes);
	if (!is_in_one_region(at, bytes))
		return NULL;
	return fixmap_map(&request, &seen) == ST_OK ? (const void *)seen :
						      NULL;
}

struct acpi_mapper *acpi_mapper(void)
{
	static struct acpi_mapper mapper = { .map = map };

	return &mapper;
}

enum status acpi_find(const char signature[4], struct acpi_table *out)
{
	struct acpi_root root;
	enum status status = acpi_walk_root(acpi_mapper(),
					    boot_info.handover->rsdp, &root);

	if (status == ST_OK)
		status = acpi_walk_find(acpi_mapper(), &root, signature, out);
	return status;
}

void acpi_release(void)
{
	if (fixmap_unmap(FIXMAP_FIRST) != ST_OK ||
	    fixmap_unmap(FIXMAP_SECOND) != ST_OK)
		log_line(LOG_WARNING, "acpi: a window stays open");
}

/* --- what is left out -----------------------------------------------------*/

/* Prints a signature; bytes that are no letters do not go into the log. */
static void print_name(char text[5], const char signature[4])
{
	for (unsigned i = 0; i < 4; i++) {
		char letter = signature[i];
		bool is_plain = (letter >= 'A' && letter <= 'Z') ||
				(letter >= '0' && letter <= '9') ||
				letter == '_';

		text[i] = is_plain ? letter : '?';
	}
	text[4] = '\0';
}

static void warn_of_left_out(const struct acpi_collection *list)
{
	unsigned count = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct acpi_found *found = &list->items[i];
		char name[5];

		if (found->status == ST_OK || count++ >= LEFT_OUT_NAMED)
			continue;
		print_name(name, found->signature);
		log_line(LOG_WARNING, "acpi: left out table=%s at=0x%lx "
				      "why=\"%s\"", name, found->at.raw,
			 status_text(found->status));
	}
	if (count > LEFT_OUT_NAMED)
		log_line(LOG_WARNING, "acpi: left out more tables=%u",
			 count - LEFT_OUT_NAMED);
}

/* --- copying --------------------------------------------------------------*/

static uint64_t room_of(const struct acpi_found *found)
{
	return align_up(found->bytes, 16);
}

static void copy_one(const struct acpi_found *found, struct copies *into,
		     char **next)
{
	struct acpi_mapper *mapper = acpi_mapper();
	const void *data = mapper->map(mapper, ACPI_WINDOW_TABLE, found->at,
					found->bytes);

	if (data == NULL)
		return;
	memcpy(*next, data, found->bytes);
	into->items[into->count++] = (struct copied){
		found->at, found->bytes, *next
	};
	*next += room_of(found);
}

/* Copies each table that has bytes to keep, behind the list of copies. */
static enum status copy_all(const struct acpi_collection *list)
{
	struct frame_run run = { .frames = 0 };
	struct copies copying = { .count = 0 };
	uint64_t kept = 0, bytes = 0, sound = 0;
	enum status status;
	char *next;

	for (size_t i = 0; i < list->count; i++) {
		kept += list->items[i].bytes != 0;
		bytes += room_of(&list->items[i]);
		sound += list->items[i].status == ST_OK;
	}
	kept = align_up(kept * sizeof(struct copied), 16);
	run.frames = align_up(kept + bytes, PAGE_SIZE) / PAGE_SIZE;
	status = boot_alloc(&run, OWNER_HANDOVER);
	if (status != ST_OK)
		return status;
	copying.pages = run.frames;
	copying.items = pfn_to_pointer(run.first);
	next = (char *)copying.items + kept;
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].bytes != 0)
			copy_one(&list->items[i], &copying, &next);
	/* Set last: from here on `map` returns only copies. */
	copies = copying;
	log_line(LOG_INFO, "acpi: copied tables=%lu bytes=%lu", sound, bytes);
	return ST_OK;
}

enum status acpi_copy(void)
{
	struct frame_run run = {
		.frames = align_up(ACPI_COLLECT_MAX *
					   sizeof(struct acpi_found),
				   PAGE_SIZE) / PAGE_SIZE,
	};
	struct acpi_collection list;
	enum status status = boot_alloc(&run, OWNER_BOOT_LIST);

	if (status != ST_OK)
		return status;
	list.items = pfn_to_pointer(run.first);
	status = acpi_collect(acpi_mapper(), boot_info.handover->rsdp, &list);
	if (status == ST_OK) {
		warn_of_left_out(&list);
		status = copy_all(&list);
	}
	acpi_release();
	boot_free(run, OWNER_BOOT_LIST);
	return status;
}

/* --- power ----------------------------------------------------------------*/

static struct acpi_power power;

const struct acpi_power *acpi_power(void)
{
	return &power;
}

/* When it fails, `*name` is the table that was bad. */
static enum status read_tables(const char **name)
{
	struct acpi_mapper *mapper = acpi_mapper();
	struct acpi_table table;
	struct acpi_root root;
	enum status status;

	*name = "RSDP";
	status = acpi_walk_root(mapper, boot_info.handover->rsdp, &root);
	if (status != ST_OK)
		return status;
	/* The signature of the FADT is FACP. */
	*name = "FADT";
	status = acpi_walk_find(mapper, &root, "FACP", &table);
	if (status == ST_OK)
		status = acpi_read_fadt(table.data, table.bytes, &power);
	if (status != ST_OK)
		return status;
	*name = "DSDT";
	status = acpi_walk_dsdt(mapper, &power, &table);
	if (status != ST_OK)
		return status;
	return acpi_find_sleep_type(table.data, table.bytes, &power);
}

void acpi_start(void)
{
	const char *name;
	enum status status = read_tables(&name);

	acpi_release();
	if (status != ST_OK)
		log_line(LOG_WARNING, "acpi: unusable table=%s why=\"%s\"",
			 name, status_text(status));
	log_line(LOG_INFO, "acpi: power reset_register=%d sleep=%d",
		 power.has_reset, power.has_sleep);
}
