// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The tables may lie in memory that nothing else maps, so each is looked at
 * through a peek window, until there are copies of all.
 */
#include "acpi_look.h"

#include "acpi_copy.h"
#include "kernel.h"
#include "log.h"

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
