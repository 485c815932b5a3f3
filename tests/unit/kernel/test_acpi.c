// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The ACPI parser: real tables word by word, every refusal, every
 * truncation and flip, and sleep packages in every encoding.
 */
#include <kernel/platform/acpi.h>

#include <base/bits.h>

#include "acpi_sample.h"
#include "check.h"

/* The firmware data of three machines, by the ends of their names. */
static const char *const machines[] = { "hotplug-64g", "numa2-dist21",
					"pc-1cpu" };

static size_t read_table(uint8_t *to, const char *table, const char *machine)
{
	char path[128];
	size_t bytes = 0;
	FILE *stream;

	snprintf(path, sizeof(path), "tests/data/acpi/%s-qemu-%s.bin", table,
		 machine);
	stream = fopen(path, "rb");
	CHECK(stream != NULL);
	if (stream != NULL) {
		bytes = fread(to, 1, SAMPLE_BYTES, stream);
		fclose(stream);
	}
	return bytes;
}

/* --- the root -------------------------------------------------------------*/

CASE(acpi_finds_the_tables_of_real_machines)
{
	static const uint64_t xsdt[] = { 0x7f77c0e8, 0x7f77c0e8, 0x1f77c0e8 };
	static const size_t tables[] = { 6, 7, 4 };

	for (size_t i = 0; i < ARRAY_LENGTH(machines); i++) {
		uint8_t rsdp[SAMPLE_BYTES], wide[SAMPLE_BYTES];
		uint8_t narrow[SAMPLE_BYTES];
		size_t bytes = read_table(rsdp, "rsdp", machines[i]);
		size_t wide_bytes = read_table(wide, "xsdt", machines[i]);
		size_t narrow_bytes = read_table(narrow, "rsdt", machines[i]);
		struct acpi_root root, old = { { 0 }, 4 };
		paddr_t one, other;
		size_t n = 0;

		CHECK(bytes == ACPI_RSDP_BYTES);
		CHECK(acpi_read_rsdp(rsdp, bytes, &root) == ST_OK);
		CHECK(root.table.raw == xsdt[i] && root.entry_bytes == 8);
		CHECK(acpi_table_is_good(wide, wide_bytes, "XSDT"));
		CHECK(acpi_table_is_good(narrow, narrow_bytes, "RSDT"));
		while (acpi_root_entry(wide, wide_bytes, &root, n, &one)) {
			CHECK(acpi_root_entry(narrow, narrow_bytes, &old, n,
					      &other));
			CHECK(one.raw == other.raw && one.raw < root.table.raw);
			n++;
		}
		CHECK(n == tables[i]);
		CHECK(!acpi_root_entry(narrow, narrow_bytes, &old, n, &other));
	}
}

static bool rsdp_leads_to(const uint8_t *rsdp, size_t bytes, uint64_t table,
		       unsigned entry_bytes)
{
	const void *edge = at_the_edge(rsdp, bytes);
	struct acpi_root root;

	return acpi_read_rsdp(edge, bytes, &root) == ST_OK &&
	       root.table.raw == table && root.entry_bytes == entry_bytes;
}

CASE(acpi_prefers_the_wide_root_where_it_is_sound)
{
	uint8_t rsdp[ACPI_RSDP_BYTES];
	struct acpi_root root;

	draft_rsdp(rsdp, 0, 0x1000, 0x123456789000);
	CHECK(rsdp_leads_to(rsdp, 36, 0x1000, 4));
	draft_rsdp(rsdp, 2, 0x1000, 0x123456789000);
	CHECK(rsdp_leads_to(rsdp, 36, 0x123456789000, 8));
	CHECK(rsdp_leads_to(rsdp, 35, 0x1000, 4));
	CHECK(rsdp_leads_to(rsdp, 20, 0x1000, 4));
	rsdp[30]++;
	CHECK(rsdp_leads_to(rsdp, 36, 0x1000, 4));
	draft_rsdp(rsdp, 2, 0x1000, 0);
	CHECK(rsdp_leads_to(rsdp, 36, 0x1000, 4));
	/* A length for which the checksum cannot be right. */
	for (unsigned length = 34; length < 40; length++) {
		draft_rsdp(rsdp, 2, 0x1000, 0x2000);
		rsdp[32] += rsdp[20] - length;
		rsdp[20] = (uint8_t)length;
		CHECK(rsdp_leads_to(rsdp, 36, length == 36 ? 0x2000 : 0x1000,
				 length == 36 ? 8 : 4));
	}
	draft_rsdp(rsdp, 2, 0, 0);
	CHECK(acpi_read_rsdp(rsdp, 36, &root) == ST_NOT_FOUND);
	draft_rsdp(rsdp, 0, 0, 0x2000);
	CHECK(acpi_read_rsdp(rsdp, 36, &root) == ST_NOT_FOUND);
}

CASE(acpi_refuses_every_damaged_root_pointer)
{
	uint8_t rsdp[SAMPLE_BYTES];
	size_t bytes = read_table(rsdp, "rsdp", "pc-1cpu");
	struct acpi_root root;

	for (size_t n = 0; n < 20; n++)
		CHECK(acpi_read_rsdp(at_the_edge(rsdp, n), n, &root) ==
		      ST_CORRUPT);
	for (size_t i = 0; i < bytes * 8; i++) {
		rsdp[i / 8] ^= 1 << i % 8;
		if (i / 8 < 20)
			CHECK(acpi_read_rsdp(rsdp, bytes, &root) == ST_CORRUPT);
		else
			CHECK(rsdp_leads_to(rsdp, bytes, 0x1f77c074, 4));
		rsdp[i / 8] ^= 1 << i % 8;
	}
	/* With the right checksum but another signature. */
	rsdp[0]++;
	rsdp[1]--;
	CHECK(acpi_read_rsdp(rsdp, bytes, &root) == ST_CORRUPT);
}

/* --- any table ------------------------------------------------------------*/

CASE(acpi_bounds_the_length_of_a_table)
{
	static const struct {
		uint64_t length;
		enum status status;
	} lengths[] = {
		{ 0, ST_CORRUPT }, { 35, ST_CORRUPT }, { 36, ST_OK },
		{ MIB, ST_OK }, { 16 * MIB, ST_OK },
		{ 16 * MIB + 1, ST_CORRUPT }, { UINT32_MAX, ST_CORRUPT },
	};
	uint8_t header[ACPI_HEADER_BYTES] = { 0 };
	uint64_t length;

	for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
		draft_put(header + 4, lengths[i].length, 4);
		CHECK(acpi_table_length(header, &length) == lengths[i].status);
		CHECK(lengths[i].status != ST_OK ||
		      length == lengths[i].length);
	}
}

CASE(acpi_refuses_every_damaged_table)
{
	uint8_t table[SAMPLE_BYTES];
	size_t bytes = read_table(table, "facp", "hotplug-64g");

	CHECK(acpi_table_is_good(table, bytes, "FACP"));
	CHECK(!acpi_table_is_good(table, bytes, "FACS"));
	for (size_t n = 0; n < bytes; n++)
		CHECK(!acpi_table_is_good(at_the_edge(table, n), n, "FACP"));
	CHECK(!acpi_table_is_good(table, bytes + 1, "FACP"));
	for (size_t i = 0; i < bytes * 8; i++) {
		table[i / 8] ^= 1 << i % 8;
		CHECK(!acpi_table_is_good(table, bytes, "FACP"));
		table[i / 8] ^= 1 << i % 8;
	}
	/* A table that is only a header, and a shorter one. */
	memset(table, 0, sizeof(table));
	seal_table(table, 36, "FACP");
	CHECK(acpi_table_is_good(table, 36, "FACP"));
	seal_table(table, 35, "FACP");
	CHECK(!acpi_table_is_good(table, 35, "FACP"));
}

CASE(acpi_counts_only_whole_entries)
{
	uint8_t table[SAMPLE_BYTES];

	for (size_t i = 0; i < sizeof(table); i++)
		table[i] = (uint8_t)(i * 37);
	for (size_t bytes = 36; bytes < 80; bytes++) {
		CHECK(count_entries(table, bytes, 8) == (int)(bytes - 36) / 8);
		CHECK(count_entries(table, bytes, 4) == (int)(bytes - 36) / 4);
	}
}

/* --- the FADT -------------------------------------------------------------*/

CASE(acpi_reads_the_power_words_of_real_machines)
{
	uint8_t table[SAMPLE_BYTES];
	struct acpi_power power;

	for (size_t i = 0; i < 2; i++) {
		size_t bytes = read_table(table, "facp", machines[i]);

		CHECK(acpi_read_fadt(table, bytes, &power) == ST_OK);
		CHECK(power.has_reset && power.reset.space == ACPI_IO);
		CHECK(power.reset.address == 0xcf9);
		CHECK(power.reset_value == 0x0f);
		CHECK(power.pm1a_control == 0x604 && power.pm1b_control == 0);
		CHECK(power.smi_command == 0xb2 && power.acpi_enable == 2);
		CHECK(power.dsdt.raw == 0x7f779000 && !power.has_sleep);
	}
	CHECK(acpi_read_fadt(table, read_table(table, "facp", "pc-1cpu"),
			     &power) == ST_OK);
	CHECK(!power.has_reset && power.pm1a_control == 0xb004);
	CHECK(power.smi_command == 0xb2 && power.acpi_enable == 0xf1);
	CHECK(power.dsdt.raw == 0x1f77a000 && !power.has_sleep);
}

CASE(acpi_reads_no_word_that_a_short_fadt_lacks)
{
	uint8_t table[SAMPLE_BYTES];
	size_t whole = read_table(table, "facp", "hotplug-64g");
	struct acpi_power power;

	draft_put(table + 64, 0, 4);
	draft_put(table + 140, 0x123456789, 8);
	for (size_t n = 0; n <= whole; n++) {
		enum status status = acpi_read_fadt(at_the_edge(table, n), n,
						    &power);

		CHECK(status == (n < 116 ? ST_CORRUPT : ST_OK));
		CHECK(power.has_reset == (n >= 129));
		CHECK(power.dsdt.raw == (n < 116 ? 0 : n < 148 ? 0x7f779000 :
						       0x123456789));
		CHECK(power.dsdt_narrow.raw == (n < 148 ? 0 : 0x7f779000));
		CHECK(power.pm1a_control == (n < 184 ? 0 : 0x604));
	}
}

CASE(acpi_believes_no_port_beyond_the_last)
{
	uint8_t table[SAMPLE_BYTES];
	size_t bytes = read_table(table, "facp", "hotplug-64g");
	struct acpi_power power;

	draft_put(table + 48, 0x100b2, 4);
	draft_put(table + 64, 0x10604, 4);
	draft_put(table + 176, 0x1000000604, 8);
	draft_put(table + 68, 0, 4);
	table[184] = ACPI_MEMORY;
	draft_put(table + 188, 0x608, 8);
	draft_put(table + 120, 0x10cf9, 8);
	CHECK(acpi_read_fadt(table, bytes, &power) == ST_OK);
	CHECK(power.smi_command == 0 && power.pm1a_control == 0);
	CHECK(power.pm1b_control == 0 && !power.has_reset);
	/* In memory space the address is valid. */
	table[116] = ACPI_MEMORY;
	table[184] = ACPI_IO;
	CHECK(acpi_read_fadt(table, bytes, &power) == ST_OK);
	CHECK(power.has_reset && power.reset.address == 0x10cf9);
	CHECK(power.pm1b_control == 0x608);
	draft_put(table + 120, 0, 8);
	CHECK(acpi_read_fadt(table, bytes, &power) == ST_OK);
	CHECK(!power.has_reset);
	/* A register without the flag for it. */
	draft_put(table + 120, 0xcf9, 8);
	table[113] &= ~4;
	CHECK(acpi_read_fadt(table, bytes, &power) == ST_OK);
	CHECK(!power.has_reset);
}

/* --- the sleep package ----------------------------------------------------*/

/* The bytes of a DSDT's body, as a text that may hold NULs. */
static bool body_yields(const char *body, size_t bytes, int a, int b)
{
	uint8_t table[SAMPLE_BYTES] = { 0 };
	struct acpi_power power = { .sleep_type_a = 99 };
	enum status status;

	memcpy(table + ACPI_HEADER_BYTES, body, bytes);
	bytes += ACPI_HEADER_BYTES;
	status = acpi_find_sleep_type(at_the_edge(table, bytes), bytes, &power);
	if (a < 0)
		return status == ST_NOT_FOUND && !power.has_sleep &&
		       power.sleep_type_a == 99;
	return status == ST_OK && power.has_sleep && power.sleep_type_a == a &&
	       power.sleep_type_b == b;
}

#define YIELDS(body, a, b) CHECK(body_yields(body, sizeof(body) - 1, a, b))
#define YIELDS_NOTHING(body) CHECK(body_yields(body, sizeof(body) - 1, -1, 0))

CASE(acpi_reads_sleep_packages)
{
	/* As QEMU writes it, as a desktop, and with the root's name. */
	YIELDS("\x08_S5_\x12\x06\x04\x00\x00\x00\x00", 0, 0);
	YIELDS("\x08_S5_\x12\x08\x04\x0a\x07\x0a\x07\x00\x00", 7, 7);
	YIELDS("\x08\\_S5_\x12\x07\x04\x0a\x05\x01\x00\x00", 5, 1);
	YIELDS("\x08_S5_\x12\x03\x01\x01", 1, 0);
	/* The second is no number, or is not counted. */
	YIELDS("\x08_S5_\x12\x07\x02\x01PM1_", 1, 0);
	YIELDS("\x08_S5_\x12\x04\x01\x01\x01", 1, 0);
	/* The first valid one counts. */
	YIELDS("\x08_S5_\x11\x03\x01\x01\x08_S5_\x12\x04\x02\x01\x01"
	      "\x08_S5_\x12\x04\x02\x00\x00", 1, 1);
	YIELDS("\x08\x08_S5_\x12\x04\x02\x01\x01", 1, 1);
}

CASE(acpi_refuses_what_is_no_sleep_package)
{
	YIELDS_NOTHING("");
	YIELDS_NOTHING("\x08_S5_");
	YIELDS_NOTHING("\x08_S5_\x12");
	YIELDS_NOTHING("_S5_\x12\x04\x02\x01\x01");
	YIELDS_NOTHING("\\_S5_\x12\x04\x02\x01\x01");
	YIELDS_NOTHING("\x14_S5_\x12\x04\x02\x01\x01");
	YIELDS_NOTHING("\x08^_S5_\x12\x04\x02\x01\x01");
	YIELDS_NOTHING("\x08\\\\_S5_\x12\x04\x02\x01\x01");
	YIELDS_NOTHING("\x08_S4_\x12\x04\x02\x01\x01");
	YIELDS_NOTHING("\x08_S5_\x13\x04\x02\x01\x01");
	/* An empty package, with numbers behind it. */
	YIELDS_NOTHING("\x08_S5_\x12\x02\x00\x01\x01");
	YIELDS_NOTHING("\x08_S5_\x12\x04\x00\x01\x01");
	YIELDS_NOTHING("\x08_S5_\x12\x02\x02\x01\x01");
	YIELDS_NOTHING("\x08_S5_\x12\x01\x02\x01\x01");
	YIELDS_NOTHING("\x08_S5_\x12\x00\x02\x01\x01");
	/* Not all there: the package, a number, the length itself. */
	YIELDS_NOTHING("\x08_S5_\x12\x05\x02\x01\x01");
	YIELDS_NOTHING("\x08_S5_\x12\x03\x01\x0a\x05");
	YIELDS_NOTHING("\x08_S5_\x12\x05\x01\x0c\x05\x00\x00\x00");
	YIELDS_NOTHING("\x08_S5_\x12\xc4\x00\x00");
	/* A name or a string is no number. */
	YIELDS_NOTHING("\x08_S5_\x12\x08\x02PM1_\x01\x01");
	YIELDS_NOTHING("\x08_S5_\x12\x06\x02\x0d" "5\x00\x01");
}

CASE(acpi_reads_sleep_words_of_every_encoding)
{
	static const unsigned widths[] = { 0, 1, 2, 4, 8 };

	for (unsigned n = 0; n < 8 * 8 * 5 * 5 * 4; n++) {
		struct sleep_words words = {
			.a = n % 8, .b = n / 8 % 8,
			.width_a = widths[n / 64 % 5],
			.width_b = widths[n / 320 % 5],
			.following = n / 1600,
			.count = 2 + n % 3, .root = n / 7 % 2,
		};
		uint8_t body[SAMPLE_BYTES];
		size_t bytes;

		if ((words.a > 1 && words.width_a == 0) ||
		    (words.b > 1 && words.width_b == 0))
			continue;
		bytes = put_sleep(body, &words);
		CHECK(body_yields((char *)body, bytes, (int)words.a,
				 (int)words.b));
		/* One byte less is too short for any last element. */
		CHECK(body_yields((char *)body, bytes - 1, -1, 0));
	}
}

CASE(acpi_finds_sleep_words_among_other_code)
{
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 3000; round++) {
		struct sleep_words words = some_words(&seed);
		uint8_t table[SAMPLE_BYTES];
		struct acpi_power power = { 0 };
		size_t bytes = sample_dsdt(table, &words, &seed);

		if (words.count == 1)
			words.b = 0;
		CHECK(acpi_table_is_good(table, bytes, "DSDT"));
		CHECK(acpi_find_sleep_type(table, bytes, &power) == ST_OK);
		CHECK(power.sleep_type_a == words.a);
		CHECK(power.sleep_type_b == words.b);
		bytes = sample_dsdt(table, NULL, &seed);
		CHECK(acpi_find_sleep_type(table, bytes, &power) ==
		      ST_NOT_FOUND);
	}
}

CASE(acpi_reads_a_dsdt_of_any_length)
{
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 20; round++) {
		struct sleep_words words = some_words(&seed);
		uint8_t table[SAMPLE_BYTES];
		size_t bytes = sample_dsdt(table, &words, &seed);

		for (size_t n = 0; n <= bytes; n++)
			CHECK(sleep_agrees(table, n));
	}
}

CASE(acpi_agrees_with_its_references_about_spoilt_tables)
{
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 50000; round++)
		CHECK(acpi_round_agrees(&seed));
}
