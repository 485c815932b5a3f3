// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Adds ACPI tables to the firmware's: a new XSDT lists the tables of the case
 * first, then those of the firmware. The RSDP is changed in place; the real
 * firmware does not read it any more.
 *
 * words: tables=dsdt_beyond   the FADT's 64-bit pointer is out of reach
 *        tables=dsdt_other    ... leads to another table
 *        tables=dsdt_spoilt   ... leads to a DSDT that does not sum up
 *        tables=dsdt_zero     ... is 0
 *        tables=dsdt_lost     neither pointer leads to a DSDT
 *        tables=reset_memory  the reset register is in reserved memory
 *        tables=endless       six tables more that claim 16 MiB each
 *        tables=spoilt        one more that does not sum up
 *        tables=crowd         sixty more of those
 *        tables=srat          two nodes, all of node 1 from 256 MiB on
 *        tables=srat_behind   the same, behind tables=endless
 *        tables=srat_spoilt   the same, and it does not sum up
 *        tables=srat_stripes  two nodes, 5000 stripes of 32 MiB
 *        tables=srat_crumbs   16 nodes in turn, 6400 stripes of 2 MiB
 *        tables=srat_splinters   ... 20000 of them
 *        tables=srat_shreds   256 nodes in turn, 4800 stripes of 128 MiB
 *        tables=srat_no_cpus   no processor is named
 *        tables=srat_sliver   the second node has the second MiB
 *        tables=srat_beyond   a range more, where no address reaches
 *        tables=srat_five     five nodes in turn, stripes of 64 MiB
 */
#include "acpi.h"

#define FADT_DSDT	40
#define FADT_X_DSDT	140
#define FADT_FLAGS	112
#define FADT_CAN_RESET	(1U << 10)
#define FADT_RESET	116		/* space, bits, ..., address         */
#define FADT_RESET_VALUE 128
#define RESET_WORD	0x5a
#define SRAT_HEADER	48
#define SRAT_CPU	16
#define SRAT_MEMORY	40
#define CPUS		4
#define ADDRESSES_END	(1ULL << 52)
#define LIE_BYTES	(16 * MIB)
#define LIES		6
#define CROWD		60
#define MORE_MAX	(CROWD + 1)

enum kind {
	AS_IT_IS, DSDT_BEYOND, DSDT_OTHER, DSDT_SPOILT, DSDT_ZERO, DSDT_LOST,
	RESET_MEMORY, ENDLESS, SPOILT, CROWDED, SRAT, SRAT_BEHIND, SRAT_SPOILT,
	SRAT_STRIPES, SRAT_CRUMBS, SRAT_SPLINTERS, SRAT_SHREDS,
	SRAT_NO_CPUS, SRAT_SLIVER, SRAT_BEYOND, SRAT_FIVE, KIND_COUNT,
};

static const char *const names[KIND_COUNT] = {
	"as_it_is", "dsdt_beyond", "dsdt_other", "dsdt_spoilt", "dsdt_zero",
	"dsdt_lost", "reset_memory", "endless", "spoilt", "crowd", "srat",
	"srat_behind", "srat_spoilt", "srat_stripes", "srat_crumbs",
	"srat_splinters", "srat_shreds", "srat_no_cpus", "srat_sliver",
	"srat_beyond", "srat_five",
};

static enum kind wanted;

/* The tables that are listed before the firmware's own. */
static UINT64 more[MORE_MAX];
static UINTN more_count;

static void seal(UINT8 *table, UINTN bytes)
{
	draft_put(table + TABLE_LENGTH, bytes, 4);
	draft_balance(table, bytes, TABLE_SUM);
}

static UINT8 *new_table(const char *signature, UINTN bytes)
{
	UINT8 *table = pages_of_our_own(bytes / PAGE_BYTES + 1);

	BS->CopyMem(table, (void *)signature, 4);
	table[TABLE_REVISION] = 3;
	return table;
}

static void add(const UINT8 *table)
{
	more[more_count++] = (UINT64)table;
}

/* --- DSDT -----------------------------------------------------------------*/

static UINT64 useless_dsdt(const UINT8 *dsdt, const UINT8 *fadt)
{
	UINT8 *copy;

	switch (wanted) {
	case DSDT_OTHER:
		return (UINT64)fadt;
	case DSDT_SPOILT:
		copy = acpi_copy(dsdt);
		copy[TABLE_SUM] ^= 1;
		return (UINT64)copy;
	case DSDT_ZERO:
		return 0;
	default:
		return BEYOND;
	}
}

static void spoil_dsdt(const UINT8 *fadt)
{
	UINT8 *copy = acpi_copy(fadt);
	UINT64 dsdt = draft_get(fadt + FADT_X_DSDT, 8);

	if (dsdt == 0)
		dsdt = draft_get(fadt + FADT_DSDT, 4);
	if (dsdt == 0 || dsdt >> 32 != 0)
		leave("NO_DSDT_TO_SPOIL", 0, EXIT_BROKEN);
	draft_put(copy + FADT_DSDT, wanted == DSDT_LOST ? (UINT64)fadt : dsdt,
		 4);
	draft_put(copy + FADT_X_DSDT,
		 useless_dsdt((const UINT8 *)dsdt, fadt), 8);
	seal(copy, acpi_length(copy));
	add(copy);
}

/* --- reset ----------------------------------------------------------------*/

static EFI_PHYSICAL_ADDRESS reset_register;

static void move_reset_register(const UINT8 *fadt)
{
	UINT8 *copy = acpi_copy(fadt);

	must(BS->AllocatePages(AllocateAnyPages, EfiReservedMemoryType, 1,
			       &reset_register), "NO_MEMORY_FOR_HOSTILE");
	BS->SetMem((void *)reset_register, PAGE_BYTES, 0);
	draft_put(copy + FADT_FLAGS,
		  draft_get(copy + FADT_FLAGS, 4) | FADT_CAN_RESET, 4);
	draft_put(copy + FADT_RESET, 8 << 8, 4);
	draft_put(copy + FADT_RESET + 4, reset_register, 8);
	copy[FADT_RESET_VALUE] = RESET_WORD;
	seal(copy, acpi_length(copy));
	add(copy);
}

static void after_exit(void)
{
	if (wanted != RESET_MEMORY)
		return;
	serial_text("# hostile: reset");
	say_fact("at", reset_register);
	serial_text("\r\n");
}

/* --- tables that lie ------------------------------------------------------*/

static void add_lies(UINTN count, UINT64 claimed)
{
	for (UINTN i = 0; i < count; i++) {
		UINT8 *table = new_table("LIE0", PAGE_BYTES);

		table[3] = (UINT8)('0' + i % 10);
		seal(table, HEADER_BYTES);
		draft_put(table + TABLE_LENGTH, claimed, 4);
		table[TABLE_MAKER] = 1;
		add(table);
	}
}

/* --- SRAT -----------------------------------------------------------------*/

struct srat_wish {
	UINTN nodes, stripes, cpus;
	UINT64 stripe_bytes;
	UINTN beyond;			/* ranges behind all addresses       */
};

static UINT8 *put_memory(UINT8 *at, UINT32 domain, UINT64 start, UINT64 bytes)
{
	at[0] = 1;
	at[1] = SRAT_MEMORY;
	draft_put(at + 2, domain, 4);
	draft_put(at + 8, start, 8);
	draft_put(at + 16, bytes, 8);
	at[28] = 1;
	return at + SRAT_MEMORY;
}

static void add_srat(const struct srat_wish *wish)
{
	UINTN bytes = SRAT_HEADER + wish->cpus * SRAT_CPU +
		      (wish->stripes + wish->beyond) * SRAT_MEMORY;
	UINT8 *table = new_table("SRAT", bytes), *at = table + SRAT_HEADER;

	table[HEADER_BYTES] = 1;
	for (UINTN i = 0; i < wish->cpus; i++) {
		at[1] = SRAT_CPU;
		at[2] = (UINT8)(i % wish->nodes);
		at[3] = (UINT8)i;
		at[4] = 1;
		at += SRAT_CPU;
	}
	for (UINTN i = 0; i < wish->stripes; i++)
		at = put_memory(at, (UINT32)(i % wish->nodes),
				i * wish->stripe_bytes, wish->stripe_bytes);
	for (UINTN i = 0; i < wish->beyond; i++)
		at = put_memory(at, 0, ADDRESSES_END + i * MIB, MIB);
	seal(table, bytes);
	if (wanted == SRAT_SPOILT)
		table[TABLE_SUM] ^= 1;
	add(table);
}

static void add_wanted_srat(void)
{
	struct srat_wish wish = { 2, 2, CPUS, 256 * MIB, 0 };

	if (wanted == SRAT_STRIPES)
		wish = (struct srat_wish){ 2, 5000, CPUS, 32 * MIB, 0 };
	if (wanted == SRAT_CRUMBS)
		wish = (struct srat_wish){ 16, 6400, CPUS, 2 * MIB, 0 };
	if (wanted == SRAT_SPLINTERS)
		wish = (struct srat_wish){ 16, 20000, CPUS, 2 * MIB, 0 };
	if (wanted == SRAT_SHREDS)
		wish = (struct srat_wish){ 256, 4800, CPUS, 128 * MIB, 0 };
	if (wanted == SRAT_NO_CPUS)
		wish.cpus = 0;
	/* The second node's range is in the first 2 MiB of the first node's. */
	if (wanted == SRAT_SLIVER)
		wish.stripe_bytes = MIB;
	if (wanted == SRAT_BEYOND)
		wish.beyond = 3;
	if (wanted == SRAT_FIVE)
		wish = (struct srat_wish){ 5, 8, CPUS, 64 * MIB, 0 };
	add_srat(&wish);
}

/* --- the root -------------------------------------------------------------*/

static BOOLEAN is_named(const UINT8 *table, const char *signature)
{
	for (UINTN i = 0; i < 4; i++)
		if (table[i] != (UINT8)signature[i])
			return FALSE;
	return TRUE;
}

static UINTN entries_of(const UINT8 *xsdt)
{
	return (acpi_length(xsdt) - HEADER_BYTES) / 8;
}

static const UINT8 *entry_of(const UINT8 *xsdt, UINTN i)
{
	return (const UINT8 *)draft_get(xsdt + HEADER_BYTES + 8 * i, 8);
}

static void make_root(UINT8 *rsdp)
{
	const UINT8 *old = (const UINT8 *)draft_get(rsdp + RSDP_XSDT, 8);
	UINTN entries = entries_of(old);
	UINTN bytes = HEADER_BYTES + 8 * (more_count + entries);
	UINT8 *root = new_table("XSDT", bytes), *at = root + HEADER_BYTES;

	for (UINTN i = 0; i < more_count; i++, at += 8)
		draft_put(at, more[i], 8);
	for (UINTN i = 0; i < entries; i++, at += 8)
		draft_put(at, (UINT64)entry_of(old, i), 8);
	seal(root, bytes);
	draft_put(rsdp + RSDP_XSDT, (UINT64)root, 8);
	draft_put(rsdp + RSDP_RSDT, 0, 4);
	draft_balance(rsdp, RSDP_BYTES_1, RSDP_SUM_1);
	draft_balance(rsdp, RSDP_BYTES_2, RSDP_SUM_2);
}

static void add_more(const UINT8 *xsdt)
{
	UINTN entries = entries_of(xsdt);

	if (wanted == ENDLESS || wanted == SRAT_BEHIND)
		add_lies(LIES, LIE_BYTES);
	if (wanted == SPOILT || wanted == CROWDED)
		add_lies(wanted == SPOILT ? 1 : CROWD, HEADER_BYTES);
	if (wanted >= SRAT)
		add_wanted_srat();
	for (UINTN i = 0; i < entries && wanted <= RESET_MEMORY; i++) {
		if (!is_named(entry_of(xsdt, i), "FACP"))
			continue;
		if (wanted == RESET_MEMORY)
			move_reset_register(entry_of(xsdt, i));
		else
			spoil_dsdt(entry_of(xsdt, i));
	}
	if (more_count == 0)
		leave("NO_TABLE_TO_ADD", 0, EXIT_BROKEN);
}

static void before_start(void)
{
	UINT8 *rsdp;

	/* Once: a second start finds them there. */
	if (wanted == AS_IT_IS || more_count != 0)
		return;
	rsdp = acpi_rsdp();
	add_more((const UINT8 *)draft_get(rsdp + RSDP_XSDT, 8));
	make_root(rsdp);
}

static BOOLEAN word(const char *name, const char *value)
{
	if (!text_equals(name, "tables"))
		return FALSE;
	for (enum kind kind = 0; kind < KIND_COUNT; kind++)
		if (text_equals(value, names[kind]))
			wanted = kind;
	return wanted != AS_IT_IS;
}

const struct room acpi_tables_room = {
	.word = word,
	.before_start = before_start,
	.after_exit = after_exit,
};
