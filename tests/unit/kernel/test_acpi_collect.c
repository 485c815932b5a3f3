// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Most tables are in a small memory. One large block is mapped repeatedly
 * above LARGE_AT, so dozens of tables of 16 MiB need the memory of one.
 */
#include <kernel/platform/acpi_collect.h>

#include <base/bits.h>

#include <stdlib.h>

#include "acpi_draft.h"
#include "check.h"

#define RSDP_AT		0x40
#define ROOT_AT		0x1000
#define TABLES_AT	0x8000
#define TABLE_BYTES	64
#define WORLD_BYTES	0x20000
#define FADT_BYTES	244
#define LARGE_AT	GIB
#define LARGE_STRIDE	(16 * MIB)
#define ENTRIES_MAX	1100

static struct {
	struct acpi_mapper memory;
	uint8_t bytes[WORLD_BYTES];
	uint8_t *large;
	uint64_t entries[ENTRIES_MAX];
	size_t entry_count;
	size_t table_count;
} world;

static struct acpi_found items[ACPI_COLLECT_MAX];
static struct acpi_collection list;
static struct acpi_draft draft;

static const void *look(struct acpi_mapper *memory, enum acpi_window window,
			paddr_t at, uint64_t bytes)
{
	(void)memory;
	(void)window;
	if (at.raw >= LARGE_AT && is_aligned(at.raw, LARGE_STRIDE) &&
	    bytes <= LARGE_STRIDE)
		return world.large;
	if (at.raw > WORLD_BYTES || bytes > WORLD_BYTES - at.raw)
		return NULL;
	return world.bytes + at.raw;
}

static void start(void)
{
	free(world.large);
	memset(&world, 0, sizeof(world));
	world.memory.map = look;
	list.items = items;
}

static void put_at(uint64_t at)
{
	draft_seal(&draft);
	memcpy(world.bytes + at, draft.data, draft.bytes);
}

/* A sound table somewhere, named by the root. */
static uint64_t add_table(const char *signature)
{
	uint64_t at = TABLES_AT + 0x100 * world.table_count++;

	draft_begin(&draft, signature, 1, TABLE_BYTES);
	put_at(at);
	world.entries[world.entry_count++] = at;
	return at;
}

static uint64_t add_fadt(uint64_t wide, uint64_t narrow)
{
	uint64_t at = add_table("FACP");

	draft_begin(&draft, "FACP", 6, FADT_BYTES);
	draft_put(draft.data + 40, narrow, 4);
	draft_put(draft.data + 140, wide, 8);
	put_at(at);
	return at;
}

static uint64_t large_at(uint64_t i)
{
	return LARGE_AT + i * LARGE_STRIDE;
}

/* Adds a table of LARGE_STRIDE bytes at `count` addresses. */
static void add_large(uint64_t count)
{
	world.large = calloc(1, LARGE_STRIDE);
	memcpy(world.large, "LIES", 4);
	draft_put(world.large + 4, LARGE_STRIDE, 4);
	draft_balance(world.large, LARGE_STRIDE, 9);
	for (uint64_t i = 0; i < count; i++)
		world.entries[world.entry_count++] = large_at(i);
}

static enum status collect(void)
{
	draft_begin(&draft, "XSDT", 1, ACPI_HEADER_BYTES);
	for (size_t i = 0; i < world.entry_count; i++) {
		draft_put(draft.data + draft.bytes, world.entries[i], 8);
		draft.bytes += 8;
	}
	put_at(ROOT_AT);
	draft_rsdp(world.bytes + RSDP_AT, 2, 0, ROOT_AT);
	return acpi_collect(&world.memory, (paddr_t){ RSDP_AT }, &list);
}

/* The status of the table there; ST_COUNT when it is not in the list. */
static enum status fate_of(uint64_t at, uint64_t bytes)
{
	enum status fate = ST_COUNT;

	for (size_t i = 0; i < list.count; i++) {
		if (items[i].at.raw != at)
			continue;
		CHECK(fate == ST_COUNT);
		CHECK(items[i].bytes == bytes);
		fate = items[i].status;
	}
	return fate;
}

/* --- what is sound --------------------------------------------------------*/

CASE(acpi_collect_keeps_every_sound_table_once)
{
	uint64_t one, other;

	start();
	one = add_table("APIC");
	other = add_table("SRAT");
	world.entries[world.entry_count++] = one;
	world.entries[world.entry_count++] = 0;
	world.entries[world.entry_count++] = ROOT_AT;
	CHECK(collect() == ST_OK);
	CHECK(list.count == 4);
	CHECK(items[0].at.raw == RSDP_AT && items[1].at.raw == ROOT_AT);
	CHECK(fate_of(RSDP_AT, ACPI_RSDP_BYTES) == ST_OK);
	CHECK(fate_of(ROOT_AT, ACPI_HEADER_BYTES + 5 * 8) == ST_OK);
	CHECK(fate_of(one, TABLE_BYTES) == ST_OK);
	CHECK(fate_of(other, TABLE_BYTES) == ST_OK);
	CHECK(list.sound_bytes == 36 + 36 + 5 * 8 + 2 * TABLE_BYTES);
}

CASE(acpi_collect_wants_a_root)
{
	start();
	add_table("APIC");
	CHECK(acpi_collect(&world.memory, (paddr_t){ 0 }, &list) ==
	      ST_NOT_FOUND);
	CHECK(acpi_collect(&world.memory, (paddr_t){ RSDP_AT }, &list) ==
	      ST_CORRUPT);
	CHECK(collect() == ST_OK && list.count == 3);
	world.bytes[ROOT_AT + 40]++;
	CHECK(acpi_collect(&world.memory, (paddr_t){ RSDP_AT }, &list) ==
	      ST_CORRUPT);
	CHECK(list.count == 0);
}

CASE(acpi_collect_has_room_for_the_longest_root)
{
	start();
	add_fadt(TABLES_AT + 0x4000, TABLES_AT + 0x4100);
	while (world.entry_count < ENTRIES_MAX) {
		world.entries[world.entry_count] =
			WORLD_BYTES + world.entry_count;
		world.entry_count++;
	}
	CHECK(collect() == ST_OK);
	CHECK(list.count == ACPI_COLLECT_MAX);
	CHECK(fate_of(TABLES_AT + 0x4100, ACPI_HEADER_BYTES) == ST_CORRUPT);
}

/* --- what is not ----------------------------------------------------------*/

CASE(acpi_collect_leaves_out_what_is_not_sound_and_nothing_else)
{
	static const struct {
		uint64_t length;
		enum status status;
	} lies[] = {
		{ 0, ST_CORRUPT }, { 35, ST_CORRUPT }, { 36, ST_CORRUPT },
		{ 63, ST_CORRUPT }, { 65, ST_CORRUPT },
		{ WORLD_BYTES, ST_BAD_RANGE }, { 16 * MIB, ST_BAD_RANGE },
		{ 16 * MIB + 1, ST_CORRUPT }, { UINT32_MAX, ST_CORRUPT },
	};
	uint64_t lie, before, behind;

	start();
	before = add_table("APIC");
	lie = add_table("SRAT");
	behind = add_table("SLIT");
	for (size_t i = 0; i < ARRAY_LENGTH(lies); i++) {
		draft_put(world.bytes + lie + 4, lies[i].length, 4);
		CHECK(collect() == ST_OK);
		CHECK(fate_of(lie, ACPI_HEADER_BYTES) == lies[i].status);
		CHECK(memcmp(items[3].signature, "SRAT", 4) == 0);
		CHECK(fate_of(before, TABLE_BYTES) == ST_OK);
		CHECK(fate_of(behind, TABLE_BYTES) == ST_OK);
	}
	draft_put(world.bytes + lie + 4, TABLE_BYTES, 4);
	for (size_t i = 0; i < TABLE_BYTES * 8; i++) {
		world.bytes[lie + i / 8] ^= 1 << i % 8;
		CHECK(collect() == ST_OK && list.count == 5);
		CHECK(items[3].status != ST_OK);
		CHECK(items[3].bytes == ACPI_HEADER_BYTES);
		world.bytes[lie + i / 8] ^= 1 << i % 8;
	}
}

CASE(acpi_collect_has_nothing_of_what_cannot_be_seen)
{
	uint64_t table;

	start();
	world.entries[world.entry_count++] = WORLD_BYTES - 8;
	world.entries[world.entry_count++] = UINT64_MAX;
	table = add_table("APIC");
	CHECK(collect() == ST_OK);
	CHECK(fate_of(WORLD_BYTES - 8, 0) == ST_BAD_RANGE);
	CHECK(fate_of(UINT64_MAX, 0) == ST_BAD_RANGE);
	CHECK(items[2].signature[0] == '\0');
	CHECK(fate_of(table, TABLE_BYTES) == ST_OK);
}

/* --- what is too much -----------------------------------------------------*/

CASE(acpi_collect_reads_only_so_much_for_lies)
{
	uint64_t table;

	start();
	add_large(40);
	world.large[100]++;
	table = add_table("SRAT");
	CHECK(collect() == ST_OK);
	for (uint64_t i = 0; i < 40; i++)
		CHECK(fate_of(large_at(i), ACPI_HEADER_BYTES) ==
		      (i < ACPI_LARGE_BYTES_READ / LARGE_STRIDE ?
			       ST_CORRUPT : ST_FULL));
	CHECK(list.large_bytes == ACPI_LARGE_BYTES_READ);
	CHECK(fate_of(table, TABLE_BYTES) == ST_OK);
}

CASE(acpi_collect_keeps_only_so_much)
{
	uint64_t table;

	start();
	add_large(6);
	table = add_table("SRAT");
	CHECK(collect() == ST_OK);
	for (uint64_t i = 0; i < 6; i++)
		CHECK(fate_of(large_at(i),
			      i < 3 ? LARGE_STRIDE : ACPI_HEADER_BYTES) ==
		      (i < 3 ? ST_OK : ST_FULL));
	CHECK(list.sound_bytes <= ACPI_COLLECT_BYTES);
	CHECK(fate_of(table, TABLE_BYTES) == ST_OK);
}

/* --- DSDT -----------------------------------------------------------------*/

CASE(acpi_collect_finds_the_dsdt_by_either_pointer)
{
	uint64_t one = TABLES_AT + 0x4000, other = TABLES_AT + 0x4100;

	start();
	draft_begin(&draft, "DSDT", 1, TABLE_BYTES);
	put_at(one);
	put_at(other);
	add_fadt(one, other);
	CHECK(collect() == ST_OK && list.count == 4);
	CHECK(fate_of(one, TABLE_BYTES) == ST_OK);
	world.bytes[one + 40]++;
	CHECK(collect() == ST_OK && list.count == 5);
	CHECK(fate_of(one, ACPI_HEADER_BYTES) == ST_CORRUPT);
	CHECK(fate_of(other, TABLE_BYTES) == ST_OK);
	world.bytes[other + 40]++;
	CHECK(collect() == ST_OK && list.count == 5);
	CHECK(fate_of(other, ACPI_HEADER_BYTES) == ST_CORRUPT);
}

CASE(acpi_collect_takes_no_other_table_for_the_dsdt)
{
	uint64_t narrow = TABLES_AT + 0x4000, table;

	start();
	draft_begin(&draft, "DSDT", 1, TABLE_BYTES);
	put_at(narrow);
	table = add_table("SSDT");
	add_fadt(table, narrow);
	CHECK(collect() == ST_OK && list.count == 5);
	CHECK(fate_of(table, TABLE_BYTES) == ST_OK);
	CHECK(fate_of(narrow, TABLE_BYTES) == ST_OK);
}

CASE(acpi_collect_asks_the_first_sound_fadt)
{
	uint64_t one = TABLES_AT + 0x4000, other = TABLES_AT + 0x4100, first;

	start();
	draft_begin(&draft, "DSDT", 1, TABLE_BYTES);
	put_at(one);
	put_at(other);
	first = add_fadt(one, 0);
	add_fadt(other, 0);
	CHECK(collect() == ST_OK && fate_of(other, 0) == ST_COUNT);
	CHECK(fate_of(one, TABLE_BYTES) == ST_OK);
	world.bytes[first + 60]++;
	CHECK(collect() == ST_OK && fate_of(one, 0) == ST_COUNT);
	CHECK(fate_of(other, TABLE_BYTES) == ST_OK);
}
