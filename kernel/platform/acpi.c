// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Tables are read byte by byte at offsets from the specification, never
 * through a structure: they are unaligned, of many revisions, and their
 * lengths may be wrong. No AML is run: the one package that power-off needs
 * has had the same few encodings since 1996, so it is searched for as bytes.
 */
#include "acpi.h"

#include <base/bytes.h>
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
#define FADT_X_PM1A_CONTROL	172
#define FADT_X_PM1B_CONTROL	184
#define FADT_BYTES_1		116
#define FLAG_RESET_SUPPORTED	(1u << 10)

/* A generic address structure: space, width, offset, access size, address. */
#define REGISTER_BYTES		12
#define REGISTER_ADDRESS	4

#define PORTS			0x10000

/* AML op codes (ACPI 6.5 section 20.3). */
#define AML_ZERO	0x00
#define AML_ONE		0x01
#define AML_NAME	0x08
#define AML_BYTE	0x0a
#define AML_WORD	0x0b
#define AML_DWORD	0x0c
#define AML_QWORD	0x0e
#define AML_PACKAGE	0x12
#define AML_ROOT	'\\'

/* Eight bytes at a time: four sums of one byte, each in 16 bits of a word. */
static bool sums_to_zero(const void *from, uint64_t bytes)
{
	const uint64_t even = 0x00ff00ff00ff00ff;
	uint64_t sum = 0, at = 0;

	for (; at + 8 <= bytes; at += 8) {
		uint64_t word = get64(from, at);

		sum = (sum + (word & even) + (word >> 8 & even)) & even;
	}
	for (; at < bytes; at++)
		sum += get8(from, at);
	sum += sum >> 32;
	sum += sum >> 16;
	return (sum & 0xff) == 0;
}

enum status acpi_read_rsdp_narrow(const void *rsdp, size_t bytes,
				  struct acpi_root *out)
{
	if (bytes < RSDP_BYTES_1 || memcmp(rsdp, "RSD PTR ", 8) != 0 ||
	    !sums_to_zero(rsdp, RSDP_BYTES_1))
		return ST_CORRUPT;
	if (get32(rsdp, 16) == 0)
		return ST_NOT_FOUND;
	*out = (struct acpi_root){ { get32(rsdp, 16) }, 4 };
	return ST_OK;
}

enum status acpi_read_rsdp(const void *rsdp, size_t bytes,
			   struct acpi_root *out)
{
	enum status status = acpi_read_rsdp_narrow(rsdp, bytes, out);

	if (status == ST_CORRUPT)
		return status;
	if (get8(rsdp, 15) >= 2 && bytes >= ACPI_RSDP_BYTES &&
	    get32(rsdp, 20) >= ACPI_RSDP_BYTES && get32(rsdp, 20) <= bytes &&
	    sums_to_zero(rsdp, get32(rsdp, 20)) && get64(rsdp, 24) != 0) {
		*out = (struct acpi_root){ { get64(rsdp, 24) }, 8 };
		return ST_OK;
	}
	return status;
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

static struct acpi_register get_register(const void *from, uint64_t offset)
{
	return (struct acpi_register){
		.space = get8(from, offset),
		.address = get64(from, offset + REGISTER_ADDRESS),
	};
}

/* A number that is no port becomes 0: no port. */
static uint16_t port_of(uint64_t number)
{
	return number < PORTS ? (uint16_t)number : 0;
}

/* Some firmware fills only one of the two fields for a control port. */
static uint16_t control_port(const void *table, uint64_t bytes,
			     uint64_t plain, uint64_t extended)
{
	uint16_t port = port_of(get32(table, plain));
	struct acpi_register wide;

	if (port != 0 || bytes < extended + REGISTER_BYTES)
		return port;
	wide = get_register(table, extended);
	return wide.space == ACPI_IO ? port_of(wide.address) : 0;
}

static bool has_reset(const struct acpi_power *power)
{
	return power->reset.address != 0 &&
	       (power->reset.space != ACPI_IO ||
		power->reset.address < PORTS);
}

enum status acpi_read_fadt(const void *table, uint64_t bytes,
			   struct acpi_power *out)
{
	*out = (struct acpi_power){ 0 };
	if (bytes < FADT_BYTES_1)
		return ST_CORRUPT;
	out->dsdt.raw = get32(table, FADT_DSDT);
	out->smi_command = port_of(get32(table, FADT_SMI_COMMAND));
	out->acpi_enable = get8(table, FADT_ACPI_ENABLE);
	out->pm1a_control = control_port(table, bytes, FADT_PM1A_CONTROL,
					 FADT_X_PM1A_CONTROL);
	out->pm1b_control = control_port(table, bytes, FADT_PM1B_CONTROL,
					 FADT_X_PM1B_CONTROL);
	if (bytes > FADT_RESET_VALUE &&
	    get32(table, FADT_FLAGS) & FLAG_RESET_SUPPORTED) {
		out->reset = get_register(table, FADT_RESET_REGISTER);
		out->reset_value = get8(table, FADT_RESET_VALUE);
		out->has_reset = has_reset(out);
	}
	if (bytes >= FADT_X_DSDT + 8 && get64(table, FADT_X_DSDT) != 0) {
		out->dsdt_narrow = out->dsdt;
		out->dsdt.raw = get64(table, FADT_X_DSDT);
	}
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
	case AML_QWORD:
		width = 8;
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

/*
 * The length of the package that begins at `at`, its own bytes included; 0
 * when it does not fit. The first byte's upper two bits are the number of
 * bytes that follow; if any follow, its lower four bits are the lowest of the
 * length.
 */
static uint64_t package_bytes(const uint8_t *at, const uint8_t *end)
{
	uint64_t length, following;

	if (at == end)
		return 0;
	following = at[0] >> 6;
	if ((uint64_t)(end - at) <= following)
		return 0;
	length = following == 0 ? at[0] : at[0] & 0x0f;
	for (uint64_t i = 1; i <= following; i++)
		length |= (uint64_t)at[i] << (8 * i - 4);
	return length <= (uint64_t)(end - at) ? length : 0;
}

/* Reads what follows Name (_S5_): package op, length, count, two integers. */
static bool read_package(const uint8_t *at, const uint8_t *end,
			 struct acpi_power *out)
{
	uint8_t a, b = 0, count;
	uint64_t length, header;

	if (at == end || *at++ != AML_PACKAGE)
		return false;
	length = package_bytes(at, end);
	if (length == 0)
		return false;
	header = 1 + (at[0] >> 6);
	if (length <= header)
		return false;
	count = at[header];
	end = at + length;
	at += header + 1;
	if (count < 1 || !read_integer(at, end, &at, &a))
		return false;
	/* Some tables have only one integer. */
	if (count < 2 || !read_integer(at, end, &at, &b))
		b = 0;
	out->sleep_type_a = a & 7;
	out->sleep_type_b = b & 7;
	return true;
}

/* True for Name (_S5_ or Name (\_S5_ at `at`; `*behind` is then its value. */
static bool names_sleep(const uint8_t *at, const uint8_t *end,
			const uint8_t **behind)
{
	if (*at++ != AML_NAME)
		return false;
	if (at < end && *at == AML_ROOT)
		at++;
	if (end - at < 4 || memcmp(at, "_S5_", 4) != 0)
		return false;
	*behind = at + 4;
	return true;
}

enum status acpi_find_sleep_type(const void *dsdt, uint64_t bytes,
				 struct acpi_power *out)
{
	const uint8_t *at = dsdt, *end = at + bytes, *behind;

	if (bytes < ACPI_HEADER_BYTES)
		return ST_NOT_FOUND;
	for (at += ACPI_HEADER_BYTES; at < end; at++) {
		if (names_sleep(at, end, &behind) &&
		    read_package(behind, end, out)) {
			out->has_sleep = true;
			return ST_OK;
		}
	}
	return ST_NOT_FOUND;
}
