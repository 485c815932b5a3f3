/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_entries.h - the entries of a MADT or SRAT, one after the other. Each
 * begins with its type and its length, a byte each.
 *
 * An impossible entry (shorter than those two bytes, or reaching beyond the
 * table) ends the list, because the start of the next one is unknown then. The
 * entries before it are valid.
 *
 * Source: ACPI specification 6.5, sections 5.2.12 and 5.2.16.
 */
#ifndef KERNEL_PLATFORM_ACPI_ENTRIES_H
#define KERNEL_PLATFORM_ACPI_ENTRIES_H

#include <base/bytes.h>

#include <stdbool.h>
#include <stdint.h>

#define ACPI_ENTRY_BYTES	2	/* the least that an entry can have  */

struct acpi_entry {
	const uint8_t *at;
	uint8_t type;
	uint8_t bytes;			/* all readable, from `at` on        */
};

/* Zero: an empty list. */
struct acpi_entries {
	const uint8_t *next, *end;
	bool cut_short;			/* bytes were left that are no entry */
};

/* False at the end and in every later call. */
static inline bool acpi_entries_next(struct acpi_entries *list,
				     struct acpi_entry *out)
{
	uint64_t left;

	if (list->next == list->end)
		return false;
	left = (uint64_t)(list->end - list->next);
	if (left < ACPI_ENTRY_BYTES || list->next[1] < ACPI_ENTRY_BYTES ||
	    list->next[1] > left) {
		list->cut_short = true;
		list->next = list->end;
		return false;
	}
	*out = (struct acpi_entry){ list->next, list->next[0], list->next[1] };
	list->next += out->bytes;
	return true;
}

#endif
