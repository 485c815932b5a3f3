/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * acpi_sample.h - ACPI tables, damaged ones, and a reference parser.
 *
 * The reference checks the offset of each byte that it reads. A table ends at
 * a page without rights, so a read beyond it is a fault.
 */
#ifndef TESTS_ACPI_SAMPLE_H
#define TESTS_ACPI_SAMPLE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <kernel/platform/acpi.h>

#include "acpi_draft.h"
#include "prng.h"

#define SAMPLE_BYTES	1024
#define FADT_BYTES	244

static uint64_t sample_below(uint64_t *state, uint64_t limit)
{
	return (check_random(state) >> 20) % limit;
}

/* A copy of data[0..bytes) whose next byte cannot be read. */
static const void *at_the_edge(const void *data, size_t bytes)
{
	static uint8_t *edge;
	size_t room = 1 << 16;

	if (edge == NULL) {
		edge = mmap(NULL, room + PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		edge += room;
		mprotect(edge, PAGE_SIZE, PROT_NONE);
	}
	return memcpy(edge - bytes, data, bytes);
}

/* --- making ---------------------------------------------------------------*/

/* Makes the bytes a table with that name, length and a right checksum. */
static void seal_table(uint8_t *table, size_t bytes, const char *signature)
{
	memcpy(table, signature, 4);
	draft_put(table + 4, bytes, 4);
	draft_balance(table, bytes, 9);
}

/* The ways to encode the same package in a DSDT. */
struct sleep_words {
	uint64_t a, b;
	unsigned width_a, width_b;	/* bytes, 0 = ZeroOp or OneOp        */
	unsigned count;			/* elements, 1..4                    */
	unsigned following;		/* bytes of length behind the first  */
	unsigned root;			/* 1: \_S5_                          */
};

static size_t put_integer(uint8_t *to, uint64_t value, unsigned width)
{
	static const uint8_t prefix[] = { 0, 0x0a, 0x0b, 0, 0x0c, 0, 0, 0,
					  0x0e };

	if (width == 0) {
		to[0] = (uint8_t)value;
		return 1;
	}
	to[0] = prefix[width];
	draft_put(to + 1, value, width);
	return 1 + width;
}

static size_t put_sleep(uint8_t *to, const struct sleep_words *words)
{
	uint8_t body[64];
	size_t bytes = 0, used = 0, length;

	body[bytes++] = (uint8_t)words->count;
	bytes += put_integer(body + bytes, words->a, words->width_a);
	if (words->count > 1)
		bytes += put_integer(body + bytes, words->b, words->width_b);
	for (unsigned i = 2; i < words->count; i++)
		body[bytes++] = 0;
	to[used++] = 0x08;
	if (words->root)
		to[used++] = '\\';
	memcpy(to + used, "_S5_\x12", 5);
	used += 5;
	length = bytes + 1 + words->following;
	if (words->following == 0) {
		to[used++] = (uint8_t)length;
	} else {
		to[used++] = (uint8_t)(words->following << 6 | (length & 15));
		draft_put(to + used, length >> 4, words->following);
		used += words->following;
	}
	memcpy(to + used, body, bytes);
	return used + bytes;
}

static struct sleep_words some_words(uint64_t *state)
{
	static const unsigned widths[] = { 0, 1, 2, 4, 8 };
	struct sleep_words words = {
		.a = sample_below(state, 8),
		.b = sample_below(state, 8),
		.count = 1 + (unsigned)sample_below(state, 4),
		.following = (unsigned)sample_below(state, 4),
		.root = (unsigned)sample_below(state, 2),
	};

	words.width_a = widths[words.a > 1 ? 1 + sample_below(state, 4) :
					     sample_below(state, 5)];
	words.width_b = widths[words.b > 1 ? 1 + sample_below(state, 4) :
					     sample_below(state, 5)];
	return words;
}

/* Other code: any bytes, and words that only resemble ours. */
static size_t put_noise(uint8_t *to, uint64_t *state)
{
	static const char *const lookalikes[] = {
		"\x01_S5_\x12\x04\x02\x01\x01", "\x08_S4_\x12\x04\x02\x01\x01",
		"\x08_S5_", "\x08_S5_\x11\x04\x02\x01\x01",
		"\x14\x0b_S5_\x08\x01",
		"\x08\\\\_S5_\x12\x04\x02\x01\x01", "\x08_S5\x12",
		"\x08\\_S5_",
		"\x08^_S5_\x12\x04\x02\x01\x01",
		"\x08_S5_\x12\x02\x02\x01\x01",
		"\x08_S5_\x12\x06\x02PM1_\x01", "\x08_S5_\x12\xff\x02\x01\x01",
		"\x08\x08\x01", "\x08_S5_\x12\x03\x01\x0a\x05",
	};
	size_t bytes = sample_below(state, 40);

	if (sample_below(state, 2)) {
		const char *text = lookalikes[sample_below(
			state, sizeof(lookalikes) / sizeof(lookalikes[0]))];

		memcpy(to, text, strlen(text));
		return strlen(text);
	}
	for (size_t i = 0; i < bytes; i++) {
		to[i] = (uint8_t)check_random(state);
		to[i] = to[i] == '_' ? 0xff : to[i];
	}
	return bytes;
}

/* A DSDT of up to SAMPLE_BYTES; `words` = NULL: without the name. */
static size_t sample_dsdt(uint8_t *to, const struct sleep_words *words,
			  uint64_t *state)
{
	unsigned before = (unsigned)sample_below(state, 5);
	unsigned behind = (unsigned)sample_below(state, 5);
	size_t bytes = ACPI_HEADER_BYTES;

	memset(to, 0, SAMPLE_BYTES);
	while (before-- > 0)
		bytes += put_noise(to + bytes, state);
	if (words != NULL)
		bytes += put_sleep(to + bytes, words);
	while (behind-- > 0)
		bytes += put_noise(to + bytes, state);
	seal_table(to, bytes, "DSDT");
	return bytes;
}

/* --- judging --------------------------------------------------------------*/

struct table_bytes {
	const uint8_t *data;
	uint64_t bytes;
};

static uint8_t sum_of(const uint8_t *from, size_t bytes)
{
	uint8_t sum = 0;

	while (bytes-- > 0)
		sum += *from++;
	return sum;
}

/* The byte at `at`, or -1 outside. */
static int byte_at(const struct table_bytes *table, uint64_t at)
{
	return at < table->bytes ? table->data[at] : -1;
}

static uint64_t number_at(const struct table_bytes *table, uint64_t at,
			  unsigned bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | (uint8_t)byte_at(table, at + bytes);
	return value;
}

/* The integer at `*at`, which moves past it; -1 when there is none. */
static int reference_integer(const struct table_bytes *package, uint64_t *at)
{
	int op = byte_at(package, *at);
	unsigned width = op == 0x0a ? 1 : op == 0x0b ? 2 : op == 0x0c ? 4 :
			 op == 0x0e ? 8 : 0;
	uint64_t next = *at + 1 + width;

	if (op < 0 || next > package->bytes || (width == 0 && op > 1))
		return -1;
	op = width == 0 ? op : byte_at(package, *at + 1);
	*at = next;
	return op & 7;
}

/* The package whose op code is at `at`. False when it names no sleep type. */
static bool reference_package(const struct table_bytes *table, uint64_t at,
			      int *a, int *b)
{
	struct table_bytes package = *table;
	uint64_t length, first = at + 1;
	int lead = byte_at(table, first), count;

	if (byte_at(table, at) != 0x12 || lead < 0 ||
	    byte_at(table, first + (uint64_t)(lead >> 6)) < 0)
		return false;
	length = lead < 64 ? (uint64_t)lead :
		(uint64_t)(lead & 15) |
		number_at(table, first + 1, (unsigned)lead >> 6) << 4;
	if (length > table->bytes - first)
		return false;
	package.bytes = first + length;
	at = first + 1 + (uint64_t)(lead >> 6);
	count = byte_at(&package, at++);
	*a = count > 0 ? reference_integer(&package, &at) : -1;
	*b = count > 1 ? reference_integer(&package, &at) : 0;
	*b = *b < 0 ? 0 : *b;
	return *a >= 0;
}

/* Finds the name, then checks the bytes before and after it. */
static bool reference_sleep(const struct table_bytes *table, int *a, int *b)
{
	for (uint64_t at = ACPI_HEADER_BYTES + 1; at < table->bytes; at++) {
		uint64_t op = at - 1;

		if (at + 4 > table->bytes ||
		    memcmp(table->data + at, "_S5_", 4) != 0)
			continue;
		if (byte_at(table, op) == '\\' && op > ACPI_HEADER_BYTES)
			op--;
		if (byte_at(table, op) == 0x08 &&
		    reference_package(table, at + 4, a, b))
			return true;
	}
	return false;
}

static bool sleep_agrees(const uint8_t *dsdt, size_t bytes)
{
	struct table_bytes table = { dsdt, bytes };
	const void *edge = at_the_edge(dsdt, bytes);
	struct acpi_power power = { .sleep_type_a = 99 };
	int a = 99, b = 0;
	bool is_there = reference_sleep(&table, &a, &b);
	enum status status = acpi_find_sleep_type(edge, bytes, &power);

	if (!is_there)
		return status == ST_NOT_FOUND && power.sleep_type_a == 99 &&
		       power.sleep_type_b == 0 && !power.has_sleep;
	return status == ST_OK && power.has_sleep &&
	       power.sleep_type_a == a && power.sleep_type_b == b;
}

static bool rsdp_agrees(const uint8_t *rsdp, size_t bytes)
{
	struct table_bytes table = { rsdp, bytes };
	struct acpi_root root = { { 99 }, 99 };
	enum status status = acpi_read_rsdp(at_the_edge(rsdp, bytes), bytes,
					    &root);
	uint64_t claimed = number_at(&table, 20, 4);

	if (bytes < 20 || memcmp(rsdp, "RSD PTR ", 8) != 0 ||
	    sum_of(rsdp, 20) != 0)
		return status == ST_CORRUPT && root.table.raw == 99;
	if (rsdp[15] > 1 && claimed >= 36 && claimed <= bytes &&
	    sum_of(rsdp, claimed) == 0 && number_at(&table, 24, 8) != 0)
		return status == ST_OK && root.entry_bytes == 8 &&
		       root.table.raw == number_at(&table, 24, 8);
	if (number_at(&table, 16, 4) == 0)
		return status == ST_NOT_FOUND && root.table.raw == 99;
	return status == ST_OK && root.entry_bytes == 4 &&
	       root.table.raw == number_at(&table, 16, 4);
}

static uint64_t reference_control(const struct table_bytes *fadt,
				  uint64_t plain, uint64_t extended)
{
	uint64_t port = number_at(fadt, plain, 4);

	if (port > 0 && port < 0x10000)
		return port;
	if (extended + 12 > fadt->bytes || fadt->data[extended] != ACPI_IO)
		return 0;
	port = number_at(fadt, extended + 4, 8);
	return port < 0x10000 ? port : 0;
}

static bool fadt_agrees(const uint8_t *data, size_t bytes)
{
	struct table_bytes fadt = { data, bytes };
	struct acpi_power power;
	enum status status = acpi_read_fadt(at_the_edge(data, bytes), bytes,
					    &power);
	uint64_t dsdt = number_at(&fadt, 40, 4), narrow = 0;
	uint64_t smi = number_at(&fadt, 48, 4);
	uint64_t reset = number_at(&fadt, 120, 8);
	bool has_reset = bytes >= 129 && (data[113] & 4) != 0 && reset != 0 &&
			 !(data[116] == ACPI_IO && reset > 0xffff);

	if (bytes < 116)
		return status == ST_CORRUPT && !power.has_reset &&
		       power.pm1a_control == 0;
	if (bytes >= 148 && number_at(&fadt, 140, 8) != 0) {
		narrow = dsdt;
		dsdt = number_at(&fadt, 140, 8);
	}
	if (has_reset && (power.reset.address != reset ||
			  power.reset.space != data[116] ||
			  power.reset_value != data[128]))
		return false;
	return status == ST_OK && power.has_reset == has_reset &&
	       power.dsdt.raw == dsdt && power.dsdt_narrow.raw == narrow &&
	       !power.has_sleep && power.acpi_enable == data[52] &&
	       power.smi_command == (smi > 0xffff ? 0 : smi) &&
	       power.pm1a_control == reference_control(&fadt, 64, 172) &&
	       power.pm1b_control == reference_control(&fadt, 68, 184);
}

/* Counts the entries of a root table of `bytes`; -1 when one is wrong. */
static int count_entries(const uint8_t *data, size_t bytes, unsigned width)
{
	struct table_bytes table = { data, bytes };
	struct acpi_root root = { { 0 }, width };
	const void *edge = at_the_edge(data, bytes);
	paddr_t entry;
	int count = 0;

	while (acpi_root_entry(edge, bytes, &root, (size_t)count, &entry)) {
		if (entry.raw != number_at(&table, 36 + count * width, width))
			return -1;
		count++;
	}
	return count;
}

/* --- spoiling -------------------------------------------------------------*/

/* Changes a few bytes and perhaps the length. */
static size_t spoil(uint8_t *data, size_t bytes, uint64_t *state)
{
	static const uint8_t favourites[] = { 0, 1, 2, 8, 0x0a, 0x0e, 0x12,
					      0x40, 0xc0, 0xff };

	for (uint64_t i = sample_below(state, 4); i > 0; i--) {
		uint8_t *place = &data[sample_below(state, bytes)];

		if (sample_below(state, 2))
			*place ^= (uint8_t)(1u << sample_below(state, 8));
		else
			*place = favourites[sample_below(
				state, sizeof(favourites))];
	}
	return sample_below(state, 3) ? bytes : sample_below(state, bytes + 1);
}

/* Makes a damaged table; true when all readers agree about it. */
static bool acpi_round_agrees(uint64_t *state)
{
	uint8_t table[SAMPLE_BYTES] = { 0 };
	struct sleep_words words = some_words(state);
	const struct sleep_words *use;
	unsigned kind = (unsigned)sample_below(state, 4);
	size_t bytes = 36 + kind * 3;

	for (size_t i = 0; kind != 0 && i < FADT_BYTES; i++)
		table[i] = sample_below(state, 4) ?
				   0 : (uint8_t)check_random(state);
	switch (kind) {
	case 0:
		use = sample_below(state, 4) ? &words : NULL;
		bytes = sample_dsdt(table, use, state);
		return sleep_agrees(table, spoil(table, bytes, state));
	case 1:
		memcpy(table, "RSD PTR ", 8);
		table[15] = (uint8_t)sample_below(state, 4);
		draft_put(table + 20, sample_below(state, 4) ? 36 : 39, 4);
		draft_balance(table, 20, 8);
		draft_balance(table, table[20], 32);
		return rsdp_agrees(table, spoil(table, bytes, state));
	case 2:
		return fadt_agrees(table, spoil(table, FADT_BYTES, state));
	default:
		bytes = 36 + sample_below(state, 200);
		return count_entries(table, bytes, 8) ==
			       (int)(bytes - 36) / 8 &&
		       count_entries(table, bytes, 4) ==
			       (int)(bytes - 36) / 4;
	}
}

#endif
