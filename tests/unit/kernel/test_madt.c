// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Processors of real machines; odd entries; tables that are cut or have a
 * flipped bit anywhere; then random tables, against the list they were made
 * from.
 */
#include <kernel/platform/madt.h>

#include <base/bits.h>

#include "acpi_draft.h"
#include "check.h"

#define ENABLED		1
#define CAPABLE		2
#define MAX_CPUS	1200

static struct acpi_draft draft;
static struct madt_cpu cpus[MAX_CPUS];
static struct madt_ioapic ioapics[MAX_CPUS];

static enum status read_table(struct madt *out, const uint8_t *table,
			      size_t bytes)
{
	enum status status;

	*out = (struct madt){
		.cpus = cpus,
		.cpu_capacity = MAX_CPUS,
		.ioapics = ioapics,
		.ioapic_capacity = MAX_CPUS,
	};
	status = madt_read(out, table, bytes);
	CHECK(madt_audit(out));
	CHECK(status == ST_OK || out->cpu_count + out->ioapic_count == 0);
	return status;
}

static void begin(unsigned revision)
{
	draft_begin(&draft, "APIC", revision, DRAFT_MADT_HEADER);
	draft_put(draft.data + 36, 0xfee00000, 4);
}

/* The draft, in memory of exactly its size. */
static enum status read_draft(struct madt *out)
{
	enum status status;
	uint8_t *copy;

	draft_seal(&draft);
	copy = draft_copy(draft.data, draft.bytes);
	status = read_table(out, copy, draft.bytes);
	free(copy);
	return status;
}

static bool is_cpu(const struct madt *madt, size_t index, uint32_t apic,
		   const char *what)
{
	const struct madt_cpu *cpu = &madt->cpus[index];

	return index < madt->cpu_count && cpu->apic == apic &&
	       cpu->is_x2apic == (strchr(what, 'x') != NULL) &&
	       cpu->enabled == (strchr(what, 'e') != NULL) &&
	       cpu->online_capable == (strchr(what, 'c') != NULL);
}

/* --- real machines --------------------------------------------------------*/

/* Read from the tables by another program. */
static const struct machine {
	const char *name;
	size_t apic, x2apic;		/* entries                           */
	size_t enabled, ioapics;
	uint32_t first, last;		/* of the enabled                    */
} machines[] = {
	{ "acer-nitro-an515-54-3f20", 16, 0, 8, 1, 0, 7 },
	{ "asrock-k10n78d-3e54", 6, 0, 2, 1, 0, 1 },
	{ "asustek-m4a88td-v-evo-usb3-822e", 6, 0, 4, 1, 0, 3 },
	{ "asustek-m5a78l-m-plus-usb3-1429", 8, 0, 6, 1, 16, 21 },
	{ "asustek-prime-h310t-7c60", 12, 0, 12, 1, 0, 11 },
	{ "asustek-prime-z590m-plus-01cb", 20, 0, 12, 1, 0, 11 },
	{ "asustek-rog-zephyrus-g16-gu605mv-gu605mv-a791", 0, 48, 22, 1, 16,
	  66 },
	{ "asustek-tuf-gaming-z790-plus-wifi-d4-fcc2", 32, 0, 28, 1, 0, 94 },
	{ "dell-precision-workstation-t7500-428b", 64, 0, 12, 3, 0, 21 },
	{ "gigabyte-x299-ud4-ad9b", 56, 56, 16, 5, 0, 15 },
	{ "hewlett-packard-elitebook-6930p-d4ac", 4, 0, 2, 1, 0, 1 },
	{ "hewlett-packard-elitebook-8540p-55fb", 8, 0, 8, 1, 0, 7 },
	{ "hewlett-packard-laptop-15-db0xxx-532b", 16, 0, 8, 2, 0, 7 },
	{ "hewlett-packard-proliant-dl165-g7-1979", 32, 0, 16, 2, 16, 39 },
	{ "huanan-x99-qd4-v1-0-734c", 28, 0, 28, 2, 0, 29 },
	{ "intel-x99-0ad6", 20, 0, 20, 2, 0, 25 },
	{ "lenovo-thinkpad-t480-20l5000uus-4ccc", 16, 0, 8, 1, 0, 7 },
	{ "lenovo-thinkpad-x13-gen-4-21ex009fge-542e", 32, 0, 12, 1, 0, 30 },
	{ "lenovo-ziwb2-c65e", 8, 0, 4, 1, 0, 3 },
	{ "micro-venus-series-3905", 32, 0, 4, 1, 0, 6 },
	{ "msi-ms-7222-05b8", 4, 0, 1, 1, 0, 0 },
	{ "msi-ms-7817-fa71", 8, 0, 8, 1, 0, 7 },
	{ "msi-ms-7c37-8721", 32, 0, 12, 2, 0, 13 },
	{ "qemu-hotplug-64g", 8, 0, 2, 1, 0, 1 },
	{ "qemu-numa2-dist21", 4, 0, 4, 1, 0, 3 },
	{ "qemu-pc-1cpu", 1, 0, 1, 1, 0, 0 },
	{ "samsung-960qha-85ca", 0, 8, 8, 1, 0, 70 },
	{ "supermicro-h8qg6-58e8", 64, 0, 64, 3, 32, 143 },
	{ "supermicro-x10dai-4a64", 40, 0, 40, 3, 0, 57 },
	{ "supermicro-x8dtt-ce92", 24, 0, 16, 2, 0, 53 },
};

static uint8_t *read_machine(const char *name, size_t *bytes)
{
	char file[128];

	snprintf(file, sizeof(file), "madt-%s", name);
	return draft_read(file, bytes);
}

static void check_machine(const struct machine *machine)
{
	size_t bytes = 0, x2apic = 0, enabled = 0;
	uint8_t *table = read_machine(machine->name, &bytes);
	const struct madt_cpu *first = NULL, *last = NULL;
	struct madt madt;

	CHECK(table != NULL);
	if (table == NULL)
		return;
	CHECK(read_table(&madt, table, bytes) == ST_OK);
	free(table);
	for (size_t i = 0; i < madt.cpu_count; i++) {
		const struct madt_cpu *cpu = &madt.cpus[i];

		x2apic += cpu->is_x2apic;
		enabled += cpu->enabled;
		CHECK(!cpu->online_capable);
		if (!cpu->enabled)
			continue;
		first = first != NULL ? first : cpu;
		last = last == NULL || cpu->apic > last->apic ? cpu : last;
	}
	CHECK(madt.cpu_count == machine->apic + machine->x2apic);
	CHECK(x2apic == machine->x2apic && enabled == machine->enabled);
	CHECK(madt.ioapic_count == machine->ioapics);
	CHECK(first->apic == machine->first && last->apic == machine->last);
	CHECK(madt.local_apic.raw == 0xfee00000);
	CHECK(madt.has_8259 && !madt.cut_short);
}

CASE(madt_reads_every_real_machine)
{
	CHECK(ARRAY_LENGTH(machines) == 30);
	for (size_t i = 0; i < ARRAY_LENGTH(machines); i++)
		check_machine(&machines[i]);
}

CASE(madt_lists_ioapics)
{
	size_t bytes = 0;
	uint8_t *table = read_machine("gigabyte-x299-ud4-ad9b", &bytes);
	static const struct madt_ioapic want[] = {
		{ { 0xfec00000 }, 0, 8 },
		{ { 0xfec01000 }, 24, 9 },
		{ { 0xfec08000 }, 32, 10 },
		{ { 0xfec10000 }, 40, 11 },
		{ { 0xfec18000 }, 48, 12 },
	};
	struct madt madt;

	CHECK(read_table(&madt, table, bytes) == ST_OK);
	free(table);
	CHECK(madt.ioapic_count == ARRAY_LENGTH(want));
	for (size_t i = 0; i < ARRAY_LENGTH(want); i++)
		CHECK(madt.ioapics[i].id == want[i].id &&
		      madt.ioapics[i].address.raw == want[i].address.raw &&
		      madt.ioapics[i].first_interrupt ==
			      want[i].first_interrupt);
}

/* --- flags and ids --------------------------------------------------------*/

CASE(madt_believes_the_second_flag_from_revision_5_on)
{
	static const struct {
		unsigned revision;
		bool believed;
	} rows[] = {
		{ 0, false }, { 1, false }, { 4, false }, { 5, true },
		{ 6, true }, { 7, true }, { 44, true }, { 45, false },
		{ 46, true }, { 255, true },
	};
	struct madt madt;

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		begin(rows[i].revision);
		draft_cpu(&draft, 1, CAPABLE);
		draft_cpu_x2(&draft, 2, CAPABLE | 0xfffffff0);
		draft_cpu(&draft, 3, CAPABLE | ENABLED);
		CHECK(read_draft(&madt) == ST_OK && madt.cpu_count == 3);
		CHECK(is_cpu(&madt, 0, 1, rows[i].believed ? "c" : ""));
		CHECK(is_cpu(&madt, 1, 2, rows[i].believed ? "xc" : "x"));
		CHECK(is_cpu(&madt, 2, 3, "e"));
	}
}

CASE(madt_counts_an_id_once)
{
	struct madt madt;

	begin(5);
	draft_cpu(&draft, 0, ENABLED);
	draft_cpu(&draft, 1, CAPABLE);
	draft_cpu_x2(&draft, 2, CAPABLE);
	draft_cpu_x2(&draft, 300, ENABLED);
	draft_cpu_x2(&draft, 0, ENABLED);
	draft_cpu_x2(&draft, 1, ENABLED);
	draft_cpu(&draft, 2, CAPABLE);
	draft_cpu_x2(&draft, 300, CAPABLE);
	draft_cpu(&draft, 44, ENABLED);
	CHECK(read_draft(&madt) == ST_OK && madt.cpu_count == 5);
	CHECK(is_cpu(&madt, 0, 0, "e"));
	CHECK(is_cpu(&madt, 1, 1, "e"));
	CHECK(is_cpu(&madt, 2, 2, "xc"));
	CHECK(is_cpu(&madt, 3, 300, "xe"));
	CHECK(is_cpu(&madt, 4, 44, "e"));
}

CASE(madt_lets_an_empty_slot_have_any_id)
{
	struct madt madt;

	begin(1);
	draft_cpu(&draft, 7, 0);
	draft_cpu(&draft, 7, ENABLED);
	draft_cpu(&draft, 7, 0);
	draft_cpu_x2(&draft, 7, 0);
	CHECK(read_draft(&madt) == ST_OK && madt.cpu_count == 4);
	CHECK(is_cpu(&madt, 0, 7, ""));
	CHECK(is_cpu(&madt, 1, 7, "e"));
	CHECK(is_cpu(&madt, 2, 7, ""));
	CHECK(is_cpu(&madt, 3, 7, "x"));
}

CASE(madt_starts_no_cpu_at_an_id_for_all)
{
	struct madt madt;

	begin(5);
	draft_cpu(&draft, 255, ENABLED);
	draft_cpu(&draft, 255, CAPABLE);
	draft_cpu_x2(&draft, 0xffffffff, ENABLED);
	/* Among x2APICs 255 is a number like another. */
	draft_cpu_x2(&draft, 255, ENABLED);
	draft_cpu_x2(&draft, 0xfffffffe, ENABLED);
	CHECK(read_draft(&madt) == ST_OK && madt.cpu_count == 5);
	CHECK(is_cpu(&madt, 0, 255, ""));
	CHECK(is_cpu(&madt, 1, 255, ""));
	CHECK(is_cpu(&madt, 2, 0xffffffff, "x"));
	CHECK(is_cpu(&madt, 3, 255, "xe"));
	CHECK(is_cpu(&madt, 4, 0xfffffffe, "xe"));
}

/* --- other entries --------------------------------------------------------*/

CASE(madt_takes_the_wide_address_of_the_local_apic)
{
	struct madt madt;

	begin(3);
	CHECK(read_draft(&madt) == ST_OK);
	CHECK(madt.local_apic.raw == 0xfee00000 && !madt.has_8259);
	draft_put(draft_entry(&draft, 5, 12) + 4, 0x123456789000, 8);
	draft.data[40] = 0xff;
	CHECK(read_draft(&madt) == ST_OK && madt.has_8259);
	CHECK(madt.local_apic.raw == 0x123456789000);
	/* Empty ones, and one that is too short for the address. */
	draft_entry(&draft, 5, 12);
	memset(draft_entry(&draft, 5, 11) + 2, 0x55, 9);
	CHECK(read_draft(&madt) == ST_OK);
	CHECK(madt.local_apic.raw == 0x123456789000);
}

CASE(madt_skips_by_length_what_it_does_not_read)
{
	struct madt madt;

	begin(5);
	for (unsigned type = 0; type < 256; type++) {
		bool known = type == 0 || type == 1 || type == 5 || type == 9;

		for (size_t bytes = 2; bytes < 256; bytes += 61)
			if (!known)
				memset(draft_entry(&draft, type, bytes) + 2,
				       1, bytes - 2);
	}
	draft_cpu(&draft, 3, ENABLED);
	CHECK(read_draft(&madt) == ST_OK && !madt.cut_short);
	CHECK(madt.cpu_count == 1 && is_cpu(&madt, 0, 3, "e"));
	CHECK(madt.ioapic_count == 0 && madt.local_apic.raw == 0xfee00000);
}

CASE(madt_reads_no_entry_that_is_too_short)
{
	static const struct {
		unsigned type;
		size_t bytes;
	} needs[] = { { 0, 8 }, { 1, 12 }, { 9, 16 } };
	struct madt madt;

	for (size_t i = 0; i < ARRAY_LENGTH(needs); i++) {
		for (size_t bytes = 2; bytes < 30; bytes++) {
			begin(5);
			memset(draft_entry(&draft, needs[i].type, bytes) + 2,
			       1, bytes - 2);
			CHECK(read_draft(&madt) == ST_OK && !madt.cut_short);
			CHECK(madt.cpu_count + madt.ioapic_count ==
			      (bytes >= needs[i].bytes));
		}
	}
}

CASE(madt_ends_at_what_cannot_be_an_entry)
{
	static const uint8_t ends[][4] = {
		{ 0 }, { 0, 0 }, { 0, 1 }, { 9, 0, 1, 1 }, { 0, 5, 0, 1 },
		{ 127, 255 },
	};
	static const size_t bytes[] = { 1, 2, 2, 4, 4, 2 };
	struct madt madt;

	for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
		begin(5);
		draft_cpu(&draft, 1, ENABLED);
		memcpy(draft.data + draft.bytes, ends[i], bytes[i]);
		draft.bytes += bytes[i];
		CHECK(read_draft(&madt) == ST_OK && madt.cut_short);
		CHECK(madt.cpu_count == 1 && is_cpu(&madt, 0, 1, "e"));
	}
	/* Entries behind such a place are not found. */
	begin(5);
	draft_cpu(&draft, 1, ENABLED);
	draft_put(draft_entry(&draft, 0, 8), 0, 2);
	draft_cpu(&draft, 2, ENABLED);
	CHECK(read_draft(&madt) == ST_OK && madt.cut_short);
	CHECK(madt.cpu_count == 1);
	/* Nor at its second byte, where an I/O APIC seems to begin. */
	begin(5);
	draft_put(draft_entry(&draft, 0, 13) + 1, 0x0c01, 2);
	CHECK(read_draft(&madt) == ST_OK && madt.cut_short);
	CHECK(madt.ioapic_count == 0);
}

/* --- limits and damage ----------------------------------------------------*/

CASE(madt_says_when_there_is_no_room)
{
	struct madt madt = { .cpus = cpus, .ioapics = ioapics };
	const unsigned counts[] = { 0, 1, 2 };

	begin(5);
	draft_cpu(&draft, 1, ENABLED);
	draft_cpu(&draft, 1, ENABLED);
	draft_cpu(&draft, 1, 0);
	draft_entry(&draft, 1, 12);
	draft_entry(&draft, 1, 12);
	draft_seal(&draft);
	for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
		madt.cpu_capacity = counts[i];
		madt.ioapic_capacity = 2;
		CHECK(madt_read(&madt, draft.data, draft.bytes) ==
		      (counts[i] < 2 ? ST_FULL : ST_OK));
		CHECK(madt.cpu_count == (counts[i] < 2 ? 0 : 2));
		madt.cpu_capacity = 2;
		madt.ioapic_capacity = counts[i];
		CHECK(madt_read(&madt, draft.data, draft.bytes) ==
		      (counts[i] < 2 ? ST_FULL : ST_OK));
		CHECK(madt.ioapic_count == (counts[i] < 2 ? 0 : 2));
	}
}

CASE(madt_knows_how_much_room_a_table_may_need)
{
	CHECK(madt_capacity(0) == 0 && madt_capacity(44) == 0);
	CHECK(madt_capacity(51) == 0 && madt_capacity(52) == 1);
	CHECK(madt_capacity(44 + 8 * 1024) == 1024);
	CHECK(madt_capacity(16 * MIB) == MADT_CPUS);
}

CASE(madt_reads_a_thousand_processors)
{
	struct madt madt;

	begin(5);
	for (uint32_t i = 0; i < 1024; i++)
		draft_cpu_x2(&draft, 3 * i, ENABLED);
	CHECK(read_draft(&madt) == ST_OK && madt.cpu_count == 1024);
	for (uint32_t i = 0; i < 1024; i++)
		CHECK(is_cpu(&madt, i, 3 * i, "xe"));
}

CASE(madt_refuses_every_damaged_table)
{
	size_t bytes = 0;
	uint8_t *table = read_machine("gigabyte-x299-ud4-ad9b", &bytes);
	struct madt madt;

	for (size_t n = 0; n < bytes; n++) {
		uint8_t *copy = draft_copy(table, n);

		CHECK(read_table(&madt, copy, n) == ST_CORRUPT);
		free(copy);
	}
	for (size_t i = 0; i < bytes * 8; i++) {
		table[i / 8] ^= 1 << i % 8;
		CHECK(read_table(&madt, table, bytes) == ST_CORRUPT);
		table[i / 8] ^= 1 << i % 8;
	}
	table[0]++;
	table[1]--;
	CHECK(read_table(&madt, table, bytes) == ST_CORRUPT);
	free(table);
	/* Valid except for its length, which is too short for its fields. */
	draft_begin(&draft, "APIC", 1, 43);
	CHECK(read_draft(&madt) == ST_CORRUPT);
	begin(1);
	CHECK(read_draft(&madt) == ST_OK && madt.cpu_count == 0);
}

CASE(madt_survives_every_flip_under_a_right_checksum)
{
	size_t bytes = 0;
	uint8_t *table = read_machine("gigabyte-x299-ud4-ad9b", &bytes);
	struct madt madt;

	for (size_t i = 36 * 8; i < bytes * 8; i++) {
		memcpy(draft.data, table, bytes);
		draft.bytes = bytes;
		draft.data[i / 8] ^= 1 << i % 8;
		CHECK(read_draft(&madt) == ST_OK);
	}
	for (size_t n = 44; n < bytes; n++) {
		memcpy(draft.data, table, n);
		draft.bytes = n;
		CHECK(read_draft(&madt) == ST_OK);
	}
	free(table);
}

/* --- random tables --------------------------------------------------------*/

struct fact {
	uint32_t apic;
	bool x2, enabled, capable;
};

/* Adds an entry to the draft, and the expected one to the list. */
static size_t say(struct fact *facts, size_t count, struct fact fact)
{
	uint32_t flags = fact.enabled * ENABLED | fact.capable * CAPABLE;
	bool for_all = fact.apic == (fact.x2 ? 0xffffffff : 255);

	if (fact.x2)
		draft_cpu_x2(&draft, fact.apic, flags);
	else
		draft_cpu(&draft, fact.apic, flags);
	if (for_all)
		fact.enabled = fact.capable = false;
	for (size_t i = 0; i < count; i++) {
		struct fact *old = &facts[i];

		if (old->apic != fact.apic || !(old->enabled || old->capable) ||
		    !(fact.enabled || fact.capable))
			continue;
		old->enabled |= fact.enabled;
		old->capable |= fact.capable;
		return count;
	}
	facts[count] = fact;
	return count + 1;
}

CASE(madt_agrees_with_a_list_of_facts)
{
	static const uint32_t ids[] = { 0, 1, 2, 3, 254, 255, 256, 0xffffffff };
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 5000; round++) {
		struct fact facts[32];
		size_t count = 0, entries = check_random(&seed) % 32;
		struct madt madt;

		begin(5 + check_random(&seed) % 2);
		for (size_t i = 0; i < entries; i++) {
			uint64_t drawn = check_random(&seed);
			bool x2 = drawn >> 8 & 1;
			uint32_t id = ids[drawn % (x2 ? 8 : 6)];

			if ((drawn >> 12) % 8 == 0)
				draft_entry(&draft, 10 + drawn % 200,
					    2 + (drawn >> 16) % 200);
			count = say(facts, count,
				    (struct fact){ id, x2, drawn >> 24 & 1,
						   drawn >> 25 & 1 });
		}
		CHECK(read_draft(&madt) == ST_OK && madt.cpu_count == count);
		for (size_t i = 0; i < madt.cpu_count; i++)
			CHECK(cpus[i].apic == facts[i].apic &&
			      cpus[i].is_x2apic == facts[i].x2 &&
			      cpus[i].enabled == facts[i].enabled &&
			      cpus[i].online_capable ==
				      (facts[i].capable && !facts[i].enabled));
	}
}

CASE(madt_audit_sees_what_must_not_be)
{
	struct madt_cpu some[] = {
		{ 1, false, true, false },
		{ 2, false, false, true },
		{ 1, false, false, false },
	};
	struct madt madt = { .cpus = some, .cpu_count = 3, .cpu_capacity = 3 };

	CHECK(madt_audit(&madt));
	some[2].online_capable = true;
	CHECK(!madt_audit(&madt));
	some[2] = (struct madt_cpu){ 3, false, true, true };
	CHECK(!madt_audit(&madt));
	some[2] = (struct madt_cpu){ 255, false, true, false };
	CHECK(!madt_audit(&madt));
	some[2].is_x2apic = true;
	CHECK(madt_audit(&madt));
	madt.cpu_capacity = 2;
	CHECK(!madt_audit(&madt));
}
