// SPDX-License-Identifier: MIT OR Apache-2.0
#include "acpi_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_LENGTH	4
#define TABLE_REVISION	8
#define TABLE_CHECKSUM	9
#define RSDP_BYTES	36

void draft_rsdp(uint8_t *to, unsigned revision, uint32_t rsdt, uint64_t xsdt)
{
	memset(to, 0, RSDP_BYTES);
	memcpy(to, "RSD PTR ", 8);
	to[15] = (uint8_t)revision;
	draft_put(to + 16, rsdt, 4);
	draft_put(to + 20, RSDP_BYTES, 4);
	draft_put(to + 24, xsdt, 8);
	draft_balance(to, 20, 8);
	draft_balance(to, RSDP_BYTES, 32);
}

void draft_begin(struct acpi_draft *draft, const char *signature,
		 unsigned revision, size_t header_bytes)
{
	memset(draft->data, 0, header_bytes);
	memcpy(draft->data, signature, 4);
	draft->data[TABLE_REVISION] = (uint8_t)revision;
	draft->bytes = header_bytes;
}

uint8_t *draft_entry(struct acpi_draft *draft, unsigned type, size_t bytes)
{
	uint8_t *entry = draft->data + draft->bytes;

	if (draft->bytes + bytes > DRAFT_BYTES)
		abort();
	memset(entry, 0, bytes);
	entry[0] = (uint8_t)type;
	if (bytes > 1)
		entry[1] = (uint8_t)bytes;
	draft->bytes += bytes;
	return entry;
}

void draft_seal(struct acpi_draft *draft)
{
	draft_put(draft->data + TABLE_LENGTH, draft->bytes, 4);
	draft_balance(draft->data, draft->bytes, TABLE_CHECKSUM);
}

void draft_affinity(struct acpi_draft *draft, uint32_t domain, uint32_t apic,
		    uint32_t flags)
{
	uint8_t *entry = draft_entry(draft, 0, 16);

	entry[2] = (uint8_t)domain;
	entry[3] = (uint8_t)apic;
	draft_put(entry + 4, flags, 4);
	draft_put(entry + 9, domain >> 8, 3);
}

void draft_memory(struct acpi_draft *draft, struct draft_memory memory)
{
	uint8_t *entry = draft_entry(draft, 1, 40);

	draft_put(entry + 2, memory.domain, 4);
	draft_put(entry + 8, memory.start, 8);
	draft_put(entry + 16, memory.end - memory.start, 8);
	draft_put(entry + 28, memory.flags, 4);
}

void draft_affinity_x2(struct acpi_draft *draft, uint32_t domain,
		       uint32_t apic, uint32_t flags)
{
	uint8_t *entry = draft_entry(draft, 2, 24);

	draft_put(entry + 4, domain, 4);
	draft_put(entry + 8, apic, 4);
	draft_put(entry + 12, flags, 4);
}

void draft_slit(struct acpi_draft *draft, uint64_t rows, const uint8_t *cells)
{
	draft_begin(draft, "SLIT", 1, DRAFT_SLIT_HEADER);
	draft_put(draft->data + 36, rows, 8);
	memcpy(draft->data + draft->bytes, cells, rows * rows);
	draft->bytes += rows * rows;
	draft_seal(draft);
}

void draft_cpu(struct acpi_draft *draft, uint32_t apic, uint32_t flags)
{
	uint8_t *entry = draft_entry(draft, 0, 8);

	entry[3] = (uint8_t)apic;
	draft_put(entry + 4, flags, 4);
}

void draft_cpu_x2(struct acpi_draft *draft, uint32_t apic, uint32_t flags)
{
	uint8_t *entry = draft_entry(draft, 9, 16);

	draft_put(entry + 4, apic, 4);
	draft_put(entry + 8, flags, 4);
}

uint8_t *draft_copy(const uint8_t *from, size_t bytes)
{
	/* malloc(0) may be NULL, which would stand for no table. */
	uint8_t *copy = malloc(bytes > 0 ? bytes : 1);

	return memcpy(copy, from, bytes);
}

uint8_t *draft_read(const char *name, size_t *bytes)
{
	static uint8_t data[DRAFT_BYTES];
	char path[256];
	FILE *stream;

	snprintf(path, sizeof(path), "tests/data/acpi/%s.bin", name);
	stream = fopen(path, "rb");
	if (stream == NULL)
		return NULL;
	*bytes = fread(data, 1, sizeof(data), stream);
	fclose(stream);
	return draft_copy(data, *bytes);
}
