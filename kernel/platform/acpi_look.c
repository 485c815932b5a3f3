// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The tables may lie in memory that nothing else maps, so each is looked at
 * through a peek window, until there are copies of all.
 *
 * No table reaches beyond the region that it begins in: a length that says
 * so is a lie, and reading on could touch a device.
 */
#include "acpi_look.h"

#include <kernel/boot/fixmap.h>
#include <kernel/boot/kernel.h>
#include <kernel/log/log.h>

#include "acpi_tables.h"

/* Of a RSDP we ask for more than it may have: such short looks are free. */
static bool is_in_one_region(paddr_t at, uint64_t bytes)
{
	return bytes <= ACPI_RSDP_BYTES ||
	       (at.raw < PHYSICAL_LIMIT &&
		bytes <= region_list_room(&kernel.map.regions, at));
}

/* One window is one peek slot. */
static const void *look(struct acpi_memory *memory, enum acpi_window window,
			paddr_t at, uint64_t bytes)
{
	struct peek_request request = {
		.slot = window == ACPI_WINDOW_ROOT ? PEEK_FIRST : PEEK_SECOND,
		.phys = at,
		.bytes = bytes,
	};
	const volatile void *seen;

	(void)memory;
	/* What has not been copied may be anybody's by now. */
	if (acpi_is_copied())
		return acpi_copy_of(at, bytes);
	if (!is_in_one_region(at, bytes))
		return NULL;
	return memory_peek(&request, &seen) == ST_OK ? (const void *)seen :
						       NULL;
}

struct acpi_memory *acpi_windows(void)
{
	static struct acpi_memory memory = { .look = look };

	return &memory;
}

enum status acpi_look_for(const char signature[4], struct acpi_table *out)
{
	struct acpi_root root;
	enum status status = acpi_walk_root(acpi_windows(),
					    kernel.handover->rsdp, &root);

	if (status == ST_OK)
		status = acpi_walk_find(acpi_windows(), &root, signature, out);
	return status;
}

void acpi_look_away(void)
{
	if (memory_unpeek(PEEK_FIRST) != ST_OK ||
	    memory_unpeek(PEEK_SECOND) != ST_OK)
		log_line(LOG_WARNING, "acpi: a window stays open");
}
