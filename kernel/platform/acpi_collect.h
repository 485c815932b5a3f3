/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_collect.h - lists all tables that a root names, and checks each.
 *
 * A table that fails its checks does not affect the others. Its header is
 * kept, so that a warning can name it.
 */
#ifndef KERNEL_PLATFORM_ACPI_COLLECT_H
#define KERNEL_PLATFORM_ACPI_COLLECT_H

#include "acpi_walk.h"

/* The RSDP, a root, all tables that it names, and two possible DSDTs. */
#define ACPI_COLLECT_MAX	(ACPI_TABLES_MAX + 4)

/* All that is kept together; a table beyond it is left out. */
#define ACPI_COLLECT_BYTES	(64 * MIB)
/*
 * A wrong length is found only by reading the whole table. So only this many
 * bytes are read of tables larger than ACPI_LARGE_BYTES; further large tables
 * are left out.
 */
#define ACPI_LARGE_BYTES	MIB
#define ACPI_LARGE_BYTES_READ	(256 * MIB)

struct acpi_found {
	paddr_t at;
	uint64_t bytes;			/* to keep: all, its header, or 0    */
	char signature[4];		/* NULs when there was no header     */
	/*
	 * ST_OK: sound. ST_BAD_RANGE: not all of it can be read; ST_CORRUPT:
	 * its length or checksum is wrong; ST_FULL: it is beyond a limit
	 * above.
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
 * Lists the RSDP at `rsdp`, its root, then the tables: each address once, null
 * entries of the root never.
 * Fails: as acpi_walk_root; ST_CORRUPT, ST_BAD_RANGE when no root table is
 *        sound.
 * Cost:  O(n^2) for n tables, and each byte once.
 */
enum status acpi_collect(struct acpi_mapper *mapper, paddr_t rsdp,
			 struct acpi_collection *out);

#endif
