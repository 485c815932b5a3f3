/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_collect.h - all the tables that a root leads to, and which of them
 * are worth keeping.
 *
 * A table that is not sound costs itself and nothing else. Of such a one
 * the header is kept, so that a complaint can name it.
 */
#ifndef KERNEL_PLATFORM_ACPI_COLLECT_H
#define KERNEL_PLATFORM_ACPI_COLLECT_H

#include "acpi_walk.h"

/* The RSDP, a root, all that it names, and two that claim to be the DSDT. */
#define ACPI_COLLECT_MAX	(ACPI_TABLES_MAX + 4)

/* All that is kept together; a table beyond it is left out. */
#define ACPI_COLLECT_BYTES	(64 * MIB)
/*
 * A false length is found only by reading the whole table. Of tables above
 * the first size so many bytes are read, and then no more such tables.
 */
#define ACPI_LARGE_BYTES	MIB
#define ACPI_LARGE_BYTES_READ	(256 * MIB)

struct acpi_found {
	paddr_t at;
	uint64_t bytes;			/* to keep: all, its header, or 0    */
	char signature[4];		/* NULs when there was no header     */
	/*
	 * ST_OK: sound. ST_BAD_RANGE: not all of it can be looked at;
	 * ST_CORRUPT: its length or checksum is wrong; ST_FULL: there is
	 * too much of it.
	 */
	enum status status;
};

struct acpi_collection {
	struct acpi_found *items;	/* ACPI_COLLECT_MAX, the caller's    */
	size_t count;
	uint64_t large_bytes;		/* read of large tables              */
	uint64_t sound_bytes;
};

/*
 * The RSDP at `rsdp` and its root first, each address once, null entries of
 * the root never.
 * Fails: as acpi_walk_root; ST_CORRUPT, ST_BAD_RANGE when no root table is
 *        sound.
 * Cost:  O(n^2) for n tables, and each byte once.
 */
enum status acpi_collect(struct acpi_mapper *mapper, paddr_t rsdp,
			 struct acpi_collection *out);

#endif
