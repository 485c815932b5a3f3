// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Tables are read byte by byte at offsets from the specification, never
 * through a structure: they are unaligned, of many revisions, and their
 * lengths lie. No AML is run: the one package that power-off needs has had
 * the same few encodings since 1996, so it is looked for as bytes.
 */
#include <boot/acpi.h>

#include <base/string.h>

#define RSDP_BYTES_1	20

/* Offsets in the FADT. */
#define FADT_DSDT		40
#define FADT_SMI_COMMAND	48
#define FADT_ACPI_ENABLE	52
#define FADT_PM1A_CONTROL	64
#define FADT_PM1B_CONTROL	68
#define FADT_FLAGS		112
#define FADT_RESET_REGISTER	116
#define FADT_RESET_VALUE	128
#define FADT_X_DSDT		140
#define FADT_BYTES_1		116
#define FLAG_RESET_SUPPORTED	(1u << 10)

/* AML op codes (ACPI 6.5 section 20.3). */
#define AML_ZERO	0x00
#define AML_ONE		0x01
#define AML_NAME	0x08
#define AML_BYTE	0x0a
#define AML_WORD	0x0b
#define AML_DWORD	0x0c
#define AML_PACKAGE	0x12

static uint8_t get8(const void *from, uint64_t offset)
{
	return ((const uint8_t *)from)[offset];
}

static uint16_t get16(const void *from, uint64_t offset)
{
	return (uint16_t)(get8(from, offset) | get8(from, offset + 1) << 8);
}

static uint32_t get32(const void *from, uint64_t offset)
{
	return get16(from, offset) | (uint32_t)get16(from, offset + 2) << 16;
}

static uint64_t get64(const void *from, uint64_t offset)
{
	return get32(from, offset) | (uint64_t)get32(from, offset + 4) << 32;
}

static bool sums_to_zero(const void *from, uint64_t bytes)
{
	uint8_t sum = 0;

	for (uint64_t i = 0; i < bytes; i++)
		sum += get8(from, i);
	return sum == 0;
}

enum status acpi_read_rsdp(const void *rsdp, size_t bytes,
			   struct acpi_root *out)
{
	if (bytes < RSDP_BYTES_1 || memcmp(rsdp, "RSD PTR ", 8) != 0 ||
	    !sums_to_zero(rsdp, RSDP_BYTES_1))
		return ST_CORRUPT;
	if (get8(rsdp, 15) >= 2 && bytes >= ACPI_RSDP_BYTES &&
	    get32(rsdp, 20) >= ACPI_RSDP_BYTES &&
	    sums_to_zero(rsdp, ACPI_RSDP_BYTES) && get64(rsdp, 24) != 0) {
		*out = (struct acpi_root){ { get64(rsdp, 24) }, 8 };
		return ST_OK;
	}
	if (get32(rsdp, 16) == 0)
		return ST_NOT_FOUND;
	*out = (struct acpi_root){ { get32(rsdp, 16) }, 4 };
	return ST_OK;
}

enum status acpi_table_length(const void *header, uint64_t *out)
{
	*out = get32(header, 4);
	if (*out < ACPI_HEADER_BYTES || *out > ACPI_TABLE_LIMIT)
		return ST_CORRUPT;
	return ST_OK;
}

bool acpi_table_is_good(const void *table, uint64_t bytes,
			const char signature[4])
{
	return bytes >= ACPI_HEADER_BYTES &&
	       memcmp(table, signature, 4) == 0 &&
	       get32(table, 4) == bytes && sums_to_zero(table, bytes);
}

bool acpi_root_entry(const void *table, uint64_t bytes,
		     const struct acpi_root *root, size_t index, paddr_t *out)
{
	if (index >= (bytes - ACPI_HEADER_BYTES) / root->entry_bytes)
		return false;
	table = (const uint8_t *)table + ACPI_HEADER_BYTES +
		index * root->entry_bytes;
	out->raw = root->entry_bytes == 8 ? get64(table, 0) : get32(table, 0);
	return true;
}

enum status acpi_read_fadt(const void *table, uint64_t bytes,
			   struct acpi_power *out)
{
	*out = (struct acpi_power){ 0 };
	if (bytes < FADT_BYTES_1)
		return ST_CORRUPT;
	out->dsdt.raw = get32(table, FADT_DSDT);
	out->smi_command = (uint16_t)get32(table, FADT_SMI_COMMAND);
	out->acpi_enable = get8(table, FADT_ACPI_ENABLE);
	out->pm1a_control = (uint16_t)get32(table, FADT_PM1A_CONTROL);
	out->pm1b_control = (uint16_t)get32(table, FADT_PM1B_CONTROL);
	if (bytes > FADT_RESET_VALUE &&
	    get32(table, FADT_FLAGS) & FLAG_RESET_SUPPORTED) {
		out->has_reset = true;
		out->reset.space = get8(table, FADT_RESET_REGISTER);
		out->reset.address = get64(table, FADT_RESET_REGISTER + 4);
		out->reset_value = get8(table, FADT_RESET_VALUE);
	}
	if (bytes >= FADT_X_DSDT + 8 && get64(table, FADT_X_DSDT) != 0)
		out->dsdt.raw = get64(table, FADT_X_DSDT);
	return ST_OK;
}

/* One small integer of a package. False when it is anything else. */
static bool read_integer(const uint8_t *at, const uint8_t *end,
			 const uint8_t **next, uint8_t *out)
{
	uint64_t width;

	if (at == end)
		return false;
	switch (*at) {
	case AML_ZERO:
	case AML_ONE:
		*out = *at;
		*next = at + 1;
		return true;
	case AML_BYTE:
		width = 1;
		break;
	case AML_WORD:
		width = 2;
		break;
	case AML_DWORD:
		width = 4;
		break;
	default:
		return false;
	}
	if ((uint64_t)(end - at) < 1 + width)
		return false;
	*out = at[1];
	*next = at + 1 + width;
	return true;
}

/* At the "_S5_" of a Name: package op, length, count, two integers. */
static bool read_package(const uint8_t *at, const uint8_t *end,
			 struct acpi_power *out)
{
	uint64_t length_bytes;

	if (end - at < 8 || at[4] != AML_PACKAGE)
		return false;
	at += 5;
	length_bytes = 1 + (at[0] >> 6);
	if ((uint64_t)(end - at) < length_bytes + 1)
		return false;
	at += length_bytes + 1;
	if (!read_integer(at, end, &at, &out->sleep_type_a))
		return false;
	/* Some tables name only one. */
	if (!read_integer(at, end, &at, &out->sleep_type_b))
		out->sleep_type_b = 0;
	out->sleep_type_a &= 7;
	out->sleep_type_b &= 7;
	return true;
}

enum status acpi_find_sleep_type(const void *dsdt, uint64_t bytes,
				 struct acpi_power *out)
{
	const uint8_t *start = dsdt;

	for (uint64_t i = ACPI_HEADER_BYTES + 2; i + 4 <= bytes; i++) {
		bool named;

		if (memcmp(start + i, "_S5_", 4) != 0)
			continue;
		named = start[i - 1] == AML_NAME ||
			(start[i - 1] == '\\' && start[i - 2] == AML_NAME);
		if (named && read_package(start + i, start + bytes, out)) {
			out->has_sleep = true;
			return ST_OK;
		}
	}
	return ST_NOT_FOUND;
}
