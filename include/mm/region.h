/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * region.h - physical memory as a short, sorted list of regions.
 *
 * Takes: firmware memory map entries, in any order, overlapping or not.
 * Gives: a list in which (R1) starts ascend, (R2) nothing overlaps,
 *        (R3) nothing is empty, (R4) touching neighbours differ in kind,
 *        (R5) all edges are page aligned and below PHYSICAL_LIMIT.
 */
#ifndef MM_REGION_H
#define MM_REGION_H

#include <base/address.h>
#include <base/status.h>
#include <base/text.h>
#include <boot/bad.h>

/* Ordered from mildest to strictest: where two overlap, the larger wins. */
enum region_kind {
	REGION_FREE,		/* usable now                                */
	REGION_LOW,		/* usable, 64 KiB ... 1 MiB: starts CPUs     */
	REGION_LATER,		/* usable after boot-services data were read */
	REGION_MMIO,		/* devices that the kernel adds              */
	REGION_ACPI,		/* usable once the tables are copied         */
	REGION_PERSISTENT,	/* reported, never allocated                 */
	REGION_UNACCEPTED,	/* not to be touched                         */
	REGION_BAD,		/* taken out of use                          */
	REGION_KEEP,		/* never usable: firmware, NVS, MMIO         */
	REGION_KIND_COUNT,
};

struct region {
	paddr_t start, end;	/* [start..end), bytes                       */
	uint64_t kind;		/* enum region_kind                          */
};

/* UEFI memory types (UEFI 2.10 section 7.2) and attributes that we read. */
enum efi_memory_type {
	EFI_TYPE_RESERVED = 0,
	EFI_TYPE_LOADER_CODE = 1,
	EFI_TYPE_LOADER_DATA = 2,
	EFI_TYPE_BOOT_CODE = 3,
	EFI_TYPE_BOOT_DATA = 4,
	EFI_TYPE_RUNTIME_CODE = 5,
	EFI_TYPE_RUNTIME_DATA = 6,
	EFI_TYPE_CONVENTIONAL = 7,
	EFI_TYPE_UNUSABLE = 8,
	EFI_TYPE_ACPI_RECLAIM = 9,
	EFI_TYPE_ACPI_NVS = 10,
	EFI_TYPE_MMIO = 11,
	EFI_TYPE_MMIO_PORT = 12,
	EFI_TYPE_PAL_CODE = 13,
	EFI_TYPE_PERSISTENT = 14,
	EFI_TYPE_UNACCEPTED = 15,
};
#define EFI_ATTRIBUTE_WB	0x8UL
#define EFI_ATTRIBUTE_SP	0x40000UL
#define EFI_ATTRIBUTE_RUNTIME	0x8000000000000000UL

/*
 * One line of a firmware map, in bytes. A length that does not fit (EFI
 * counts pages in 64 bits) is UINT64_MAX, which wraps from any start.
 */
struct map_entry {
	uint64_t start;
	uint64_t bytes;
	uint64_t attributes;
	uint32_t type;		/* enum efi_memory_type, or another number   */
};

struct region_totals {
	uint64_t pages[REGION_KIND_COUNT];
	uint64_t entries;	/* read, dropped ones included               */
	uint64_t dropped_entries; /* zero length                             */
	uint64_t lost_pages;	/* usable, named, in no region               */
	uint64_t beyond_pages;	/* usable, kept: above USABLE_LIMIT          */
};

/* `items` has room for `capacity`; region_list_capacity says how many. */
struct region_list {
	struct region *items;
	size_t count;
	size_t capacity;
	struct region_totals totals;
};

/*
 * The entries, and the memory to work in. Zero `usable_limit` is the plain
 * case: usable memory up to the supported 64 TiB (USABLE_LIMIT).
 */
struct region_request {
	const struct map_entry *entries;
	size_t count;
	uint64_t usable_limit;	/* bytes; usable memory from here on is KEEP */
	const struct range *bad;	/* milder kinds become BAD there     */
	size_t bad_count;		/* at most BAD_RANGES                */
	void *scratch;		/* region_scratch_bytes(count), 8-aligned    */
	size_t scratch_bytes;
};

/* The size of the direct map. */
#define USABLE_LIMIT	(64 * TIB)
#define LOW_START	(64 * KIB)
#define LOW_END		(1 * MIB)

/* A capacity and a scratch size that always suffice, BAD_RANGES included. */
size_t region_list_capacity(size_t entries);
size_t region_scratch_bytes(size_t entries);

/*
 * Rewrite the request's entries as a list that satisfies R1..R5, with its
 * totals. docs/memory/regions.md has the rules for odd entries.
 * Fails: ST_FULL when `out` or the scratch space is too small;
 *        ST_BAD_ARGUMENT for too many bad ranges, ST_BAD_RANGE for one that
 *        is not whole pages below PHYSICAL_LIMIT.
 * Cost:  O(n log n), no memory beyond `out` and scratch.
 */
enum status region_list_build(struct region_list *out,
			      const struct region_request *request);

/*
 * Makes of a map the one of memory that is ACPI's now, as if its tables had
 * been copied: such entries become usable, those that are usable are gone. The
 * free and low regions of its list are the ACPI memory that may be freed then,
 * by the same rules as all other memory. Returns how many entries are left.
 */
size_t map_entries_of_acpi(struct map_entry *entries, size_t count);

bool region_list_audit(const struct region_list *list);	/* R1..R5 */

/*
 * The index of the first region that ends beyond `at`; list->count when no
 * region does.
 * Cost: O(log n)
 */
size_t region_list_find(const struct region_list *list, paddr_t at);

/*
 * Bytes from `at`, below PHYSICAL_LIMIT, to the end of the region or gap that
 * it is in: an object that begins at `at` is not longer if the firmware's map
 * is right.
 * Cost: O(log n)
 */
uint64_t region_list_room(const struct region_list *list, paddr_t at);

/*
 * The kind of an entry by its type and attributes alone: REGION_FREE or
 * REGION_LATER when it is usable, else a stricter kind.
 */
enum region_kind map_entry_kind(const struct map_entry *entry);

/*
 * The pages with at least one byte of the entry, cut off at PHYSICAL_LIMIT,
 * which is the end of an entry that wraps.
 * Fails: ST_BAD_RANGE when there are none.
 */
enum status map_entry_named_range(const struct map_entry *entry,
				  struct range *out);

const char *region_kind_name(enum region_kind kind);

/* Prints @region and @total (docs/monitor.md); the caller adds @end. */
void region_list_print_records(const struct region_list *list,
			       struct sink *sink);

/* A firmware map in memory, `stride` bytes from one descriptor to the next. */
struct firmware_map {
	const void *data;
	uint64_t bytes;
	uint64_t stride;	/* at least FIRMWARE_DESCRIPTOR_BYTES        */
};
#define FIRMWARE_DESCRIPTOR_BYTES 40

size_t firmware_map_count(const struct firmware_map *map);
struct map_entry firmware_map_entry(const struct firmware_map *map,
				    size_t index);

#endif
