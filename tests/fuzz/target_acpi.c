// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Any bytes as a physical memory in which an ACPI walk starts at 0x10. Sums
 * are made right on the way, or random bytes would never come far.
 */
#include "target.h"

#include <boot/acpi_walk.h>

#define MEMORY_BYTES	4096
#define RSDP_AT		0x10

struct fuzz_memory {
	struct acpi_memory base;
	uint8_t *bytes;
	size_t size;
};

static void make_sum_right(uint8_t *table, size_t bytes, size_t checksum_at)
{
	uint8_t sum = 0;

	if (checksum_at >= bytes)
		return;
	table[checksum_at] = 0;
	for (size_t i = 0; i < bytes; i++)
		sum += table[i];
	table[checksum_at] = (uint8_t)-sum;
}

static const void *look(struct acpi_memory *memory, enum acpi_window window,
			paddr_t at, uint64_t bytes)
{
	struct fuzz_memory *self = (struct fuzz_memory *)memory;

	(void)window;
	if (bytes > self->size || at.raw > self->size - bytes)
		return NULL;
	if (bytes > ACPI_HEADER_BYTES)
		make_sum_right(self->bytes + at.raw, bytes, 9);
	return self->bytes + at.raw;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct fuzz_memory memory = { { look }, NULL, bytes };
	struct acpi_power power;
	struct acpi_table table;
	struct acpi_root root;

	if (bytes < RSDP_AT + ACPI_RSDP_BYTES || bytes > MEMORY_BYTES)
		return 0;
	memory.bytes = malloc(bytes);
	memcpy(memory.bytes, data, bytes);
	memcpy(memory.bytes + RSDP_AT, "RSD PTR ", 8);
	make_sum_right(memory.bytes + RSDP_AT, 20, 8);
	make_sum_right(memory.bytes + RSDP_AT, ACPI_RSDP_BYTES, 32);
	if (acpi_walk_root(&memory.base, (paddr_t){ RSDP_AT }, &root) ==
		    ST_OK &&
	    acpi_walk_find(&memory.base, &root, "FACP", &table) == ST_OK &&
	    acpi_read_fadt(table.data, table.bytes, &power) == ST_OK &&
	    acpi_walk_at(&memory.base, power.dsdt, "DSDT", &table) == ST_OK &&
	    acpi_find_sleep_type(table.data, table.bytes, &power) == ST_OK)
		HOLDS(power.sleep_type_a <= 7 && power.sleep_type_b <= 7);
	free(memory.bytes);
	return 0;
}
