// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * From the RSDP to a table, through windows: mapping a window again makes its
 * last content unreadable. The tables are drafts.
 */
#include <kernel/platform/acpi_walk.h>

#include <base/bits.h>

#include <stdlib.h>

#include "acpi_draft.h"
#include "check.h"

#define RSDP_AT		0x40
#define WIDE_AT		0x1000
#define NARROW_AT	0x2000
#define TABLE_AT	0x3000
#define OTHER_AT	0x4000
#define WORLD_BYTES	0x5000
#define TABLE_BYTES	64

/* The physical memory; nothing else can be mapped. */
struct world {
	struct acpi_mapper memory;
	uint8_t bytes[WORLD_BYTES];
	void *seen[ACPI_WINDOWS];
};

static struct world world;
static struct acpi_draft draft;

static const void *look(struct acpi_mapper *memory, enum acpi_window window,
			paddr_t at, uint64_t bytes)
{
	struct world *self = (struct world *)memory;

	free(self->seen[window]);
	self->seen[window] = NULL;
	if (at.raw > WORLD_BYTES || bytes > WORLD_BYTES - at.raw)
		return NULL;
	self->seen[window] = draft_copy(self->bytes + at.raw, bytes);
	return self->seen[window];
}

static void close_windows(void)
{
	for (size_t i = 0; i < ACPI_WINDOWS; i++) {
		free(world.seen[i]);
		world.seen[i] = NULL;
	}
}

/* --- drafts ---------------------------------------------------------------*/

static void put_draft(uint64_t at)
{
	draft_seal(&draft);
	memcpy(world.bytes + at, draft.data, draft.bytes);
}

static void put_table(uint64_t at, const char *signature)
{
	draft_begin(&draft, signature, 1, TABLE_BYTES);
	put_draft(at);
}

/* A root of two entries; the second is the one to be found. */
static void put_root(uint64_t at, unsigned entry_bytes)
{
	static const uint64_t entries[] = { OTHER_AT, TABLE_AT };

	draft_begin(&draft, entry_bytes == 8 ? "XSDT" : "RSDT", 1,
		    ACPI_HEADER_BYTES);
	for (size_t i = 0; i < ARRAY_LENGTH(entries); i++) {
		draft_put(draft.data + draft.bytes, entries[i], entry_bytes);
		draft.bytes += entry_bytes;
	}
	put_draft(at);
}

static void put_rsdp(uint32_t narrow, uint64_t wide)
{
	draft_rsdp(world.bytes + RSDP_AT, 2, narrow, wide);
}

static void start(void)
{
	memset(&world, 0, sizeof(world));
	world.memory.map = look;
	put_rsdp(NARROW_AT, WIDE_AT);
	put_root(WIDE_AT, 8);
	put_root(NARROW_AT, 4);
	put_table(OTHER_AT, "SSDT");
	put_table(TABLE_AT, "APIC");
}

/* --- walks ----------------------------------------------------------------*/

/* The entry width of the root that led to the table; 0: not found. */
static unsigned width_of_way(void)
{
	struct acpi_root root = { { 0 }, 0 };
	struct acpi_table table;
	enum status status = acpi_walk_root(&world.memory,
					    (paddr_t){ RSDP_AT }, &root);

	if (status == ST_OK)
		status = acpi_walk_find(&world.memory, &root, "APIC", &table);
	if (status == ST_OK) {
		CHECK(table.at.raw == TABLE_AT && table.bytes == TABLE_BYTES);
		CHECK(memcmp(table.data, world.bytes + TABLE_AT,
			     TABLE_BYTES) == 0);
	}
	close_windows();
	return status == ST_OK ? root.entry_bytes : 0;
}

/* The status of the walk to the root, and then to the table. */
static enum status trouble(enum status *of_root)
{
	struct acpi_root root;
	struct acpi_table table;
	enum status status = acpi_walk_root(&world.memory,
					    (paddr_t){ RSDP_AT }, &root);

	*of_root = status;
	if (status == ST_OK)
		status = acpi_walk_find(&world.memory, &root, "APIC", &table);
	close_windows();
	return status;
}

CASE(acpi_walk_goes_over_the_wide_root)
{
	start();
	CHECK(width_of_way() == 8);
	memset(world.bytes + NARROW_AT, 0xff, 64);
	CHECK(width_of_way() == 8);
	put_rsdp(0, WIDE_AT);
	CHECK(width_of_way() == 8);
	put_rsdp(0xfffffff0, WIDE_AT);
	CHECK(width_of_way() == 8);
}

CASE(acpi_walk_goes_over_the_narrow_root_where_the_wide_is_spoilt)
{
	size_t bytes;

	start();
	put_root(WIDE_AT, 8);
	bytes = draft.bytes;
	for (size_t i = 0; i < bytes * 8; i++) {
		world.bytes[WIDE_AT + i / 8] ^= 1 << i % 8;
		CHECK(width_of_way() == 4);
		world.bytes[WIDE_AT + i / 8] ^= 1 << i % 8;
	}
	CHECK(width_of_way() == 8);
	/* Not there at all, half there, or an RSDT in its place. */
	put_rsdp(NARROW_AT, 1UL << 51);
	CHECK(width_of_way() == 4);
	put_rsdp(NARROW_AT, UINT64_MAX);
	CHECK(width_of_way() == 4);
	put_rsdp(NARROW_AT, WORLD_BYTES - ACPI_HEADER_BYTES);
	CHECK(width_of_way() == 4);
	put_rsdp(NARROW_AT, NARROW_AT);
	CHECK(width_of_way() == 4);
}

/* The status is that of the table that should have been used. */
CASE(acpi_walk_says_what_is_wrong_with_the_wide_root)
{
	enum status of_root;

	start();
	world.bytes[WIDE_AT + 40]++;
	world.bytes[NARROW_AT + 40]++;
	CHECK(trouble(&of_root) == ST_CORRUPT && of_root == ST_OK);
	put_rsdp(0, WIDE_AT);
	CHECK(trouble(&of_root) == ST_CORRUPT && of_root == ST_OK);
	put_rsdp(NARROW_AT, 1UL << 51);
	CHECK(trouble(&of_root) == ST_BAD_RANGE && of_root == ST_OK);
	put_rsdp(0xfffffff0, 1UL << 51);
	CHECK(trouble(&of_root) == ST_BAD_RANGE && of_root == ST_OK);
	put_rsdp(0, 0);
	CHECK(trouble(&of_root) == ST_NOT_FOUND && of_root == ST_NOT_FOUND);
	world.bytes[RSDP_AT + 3]++;
	CHECK(trouble(&of_root) == ST_CORRUPT && of_root == ST_CORRUPT);
}

CASE(acpi_walk_passes_tables_that_are_spoilt)
{
	enum status of_root;

	start();
	put_table(OTHER_AT, "APIC");
	world.bytes[OTHER_AT + 50]++;
	CHECK(width_of_way() == 8);
	world.bytes[TABLE_AT + 50]++;
	CHECK(trouble(&of_root) == ST_NOT_FOUND && of_root == ST_OK);
}

/* --- the two ways to a DSDT -----------------------------------------------*/

/* The address at which the DSDT was found; 0: not found. */
static uint64_t dsdt_behind(uint64_t wide, uint64_t narrow)
{
	struct acpi_power fadt = {
		.dsdt = { wide }, .dsdt_narrow = { narrow },
	};
	struct acpi_table table = { .at = { 0 } };
	enum status status = acpi_walk_dsdt(&world.memory, &fadt, &table);

	if (status == ST_OK)
		CHECK(acpi_table_is_good(table.data, table.bytes, "DSDT"));
	close_windows();
	return status == ST_OK ? table.at.raw : 0;
}

CASE(acpi_walk_takes_the_narrow_dsdt_where_the_wide_is_of_no_use)
{
	start();
	put_table(OTHER_AT, "DSDT");
	put_table(TABLE_AT, "DSDT");
	CHECK(dsdt_behind(OTHER_AT, TABLE_AT) == OTHER_AT);
	CHECK(dsdt_behind(OTHER_AT, 0) == OTHER_AT);
	for (size_t i = 0; i < TABLE_BYTES * 8; i++) {
		world.bytes[OTHER_AT + i / 8] ^= 1 << i % 8;
		CHECK(dsdt_behind(OTHER_AT, TABLE_AT) == TABLE_AT);
		CHECK(dsdt_behind(OTHER_AT, 0) == 0);
		world.bytes[OTHER_AT + i / 8] ^= 1 << i % 8;
	}
	/* Not there at all, half there, or another table. */
	CHECK(dsdt_behind(1UL << 51, TABLE_AT) == TABLE_AT);
	CHECK(dsdt_behind(UINT64_MAX, TABLE_AT) == TABLE_AT);
	CHECK(dsdt_behind(WORLD_BYTES - 8, TABLE_AT) == TABLE_AT);
	CHECK(dsdt_behind(WIDE_AT, TABLE_AT) == TABLE_AT);
	CHECK(dsdt_behind(OTHER_AT, WIDE_AT) == OTHER_AT);
}

CASE(acpi_walk_says_what_is_wrong_with_the_wide_dsdt)
{
	struct acpi_power none = { 0 }, fadt = { .dsdt = { OTHER_AT } };
	struct acpi_table table;

	start();
	CHECK(acpi_walk_dsdt(&world.memory, &none, &table) == ST_NOT_FOUND);
	CHECK(acpi_walk_dsdt(&world.memory, &fadt, &table) == ST_CORRUPT);
	fadt.dsdt_narrow.raw = 1UL << 51;
	CHECK(acpi_walk_dsdt(&world.memory, &fadt, &table) == ST_CORRUPT);
	fadt.dsdt.raw = 1UL << 50;
	fadt.dsdt_narrow.raw = OTHER_AT;
	CHECK(acpi_walk_dsdt(&world.memory, &fadt, &table) == ST_BAD_RANGE);
	close_windows();
}
