// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Twice over the same tables: once to know how much there is, once to copy.
 * Between the two nothing can change them but a device, and a table that
 * has grown is then not copied: what is copied never exceeds what was
 * counted.
 *
 * The copies keep their physical addresses in a list, so that a walk finds
 * them as it would have found the tables. FACS stays where it is: it is not
 * in reclaimable memory, and the firmware goes on writing to it.
 */
#include "acpi_copy.h"

#include <base/bits.h>
#include <base/string.h>

#include "acpi_look.h"
#include "kernel.h"
#include "log.h"

#define COPY_LIMIT	(64 * MIB)

struct copied {
	paddr_t at;
	uint64_t bytes;
	const void *data;
};

static struct {
	struct copied *items;
	size_t count;
} copies;

/* Counts when `items` is NULL. */
struct copying {
	struct copied *items;
	size_t count, capacity;
	char *next;
	uint64_t bytes, room;
};

bool acpi_is_copied(void)
{
	return copies.count != 0;
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

static void add(struct copying *copying, paddr_t at, const void *data,
		uint64_t bytes)
{
	uint64_t room = align_up(bytes, 16);

	if (copying->items != NULL) {
		if (copying->count == copying->capacity ||
		    copying->room - copying->bytes < room)
			return;
		memcpy(copying->next + copying->bytes, data, bytes);
		copying->items[copying->count] = (struct copied){
			at, bytes, copying->next + copying->bytes
		};
	}
	copying->bytes += room;
	copying->count++;
}

/* The whole table, and its length in `*bytes`; NULL: there is no reading. */
static const void *look_at(enum acpi_window window, paddr_t at,
			   uint64_t *bytes)
{
	struct acpi_memory *memory = acpi_windows();
	const void *header = memory->look(memory, window, at,
					  ACPI_HEADER_BYTES);

	if (header == NULL || acpi_table_length(header, bytes) != ST_OK)
		return NULL;
	return memory->look(memory, window, at, *bytes);
}

static void add_table(struct copying *copying, paddr_t at)
{
	struct acpi_power fadt;
	uint64_t bytes;
	const void *table = look_at(ACPI_WINDOW_TABLE, at, &bytes);

	if (table == NULL)
		return;
	add(copying, at, table, bytes);
	if (!acpi_table_is_good(table, bytes, "FACP") ||
	    acpi_read_fadt(table, bytes, &fadt) != ST_OK)
		return;
	table = look_at(ACPI_WINDOW_TABLE, fadt.dsdt, &bytes);
	if (table != NULL)
		add(copying, fadt.dsdt, table, bytes);
}

static enum status add_all(struct copying *copying)
{
	struct acpi_memory *memory = acpi_windows();
	paddr_t rsdp = kernel.handover->rsdp, at;
	struct acpi_root root;
	uint64_t bytes;
	const void *table;
	enum status status = acpi_walk_root(memory, rsdp, &root);

	if (status != ST_OK)
		return status;
	/* Of revision 1 there are 20 bytes, and the rest is somebody's. */
	table = memory->look(memory, ACPI_WINDOW_ROOT, rsdp, ACPI_RSDP_BYTES);
	if (table == NULL)
		return ST_BAD_RANGE;
	add(copying, rsdp, table, ACPI_RSDP_BYTES);
	table = look_at(ACPI_WINDOW_ROOT, root.table, &bytes);
	if (table == NULL)
		return ST_BAD_RANGE;
	add(copying, root.table, table, bytes);
	for (size_t i = 0; i < ACPI_TABLES_MAX; i++) {
		if (!acpi_root_entry(table, bytes, &root, i, &at))
			break;
		add_table(copying, at);
	}
	return ST_OK;
}

enum status acpi_copy(void)
{
	struct copying counted = { 0 }, copying;
	struct frame_run run = { .frames = 0 };
	enum status status = add_all(&counted);
	uint64_t list;

	if (status != ST_OK)
		return status;
	if (counted.bytes > COPY_LIMIT)
		return ST_FULL;
	list = align_up(counted.count * sizeof(struct copied), 16);
	run.frames = align_up(list + counted.bytes, PAGE_SIZE) / PAGE_SIZE;
	status = memory_take_run(&run, OWNER_HANDOVER);
	if (status != ST_OK)
		return status;
	copying = (struct copying){
		.items = window_at_frame(&kernel.window, run.first),
		.capacity = counted.count,
		.room = counted.bytes,
	};
	copying.next = (char *)copying.items + list;
	status = add_all(&copying);
	acpi_look_away();
	if (status != ST_OK) {
		memory_give_run(run, OWNER_HANDOVER);
		return status;
	}
	copies.items = copying.items;
	copies.count = copying.count;
	log_line(LOG_INFO, "acpi: copied tables=%lu bytes=%lu", copies.count,
		 copying.bytes);
	return ST_OK;
}
