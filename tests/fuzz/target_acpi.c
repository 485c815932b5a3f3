// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Any bytes as a physical memory in which an ACPI walk starts at 0x10. Sums
 * are made right on the way, or random bytes would never come far.
 */
#include <kernel/platform/acpi_collect.h>

#include "acpi_bytes.h"
#include "target.h"

#define MEMORY_BYTES	4096
#define RSDP_AT		0x10

struct fuzz_memory {
	struct acpi_mapper base;
	uint8_t *bytes;
	size_t size;
};

static void make_sum_right(uint8_t *table, size_t bytes, size_t checksum_at)
{
	if (checksum_at < bytes)
		draft_balance(table, bytes, checksum_at);
}

static const void *look(struct acpi_mapper *memory, enum acpi_window window,
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

/* Each address once, and nothing kept that is not there. */
static void collect(struct fuzz_memory *memory)
{
	static struct acpi_found items[ACPI_COLLECT_MAX];
	struct acpi_collection list = { .items = items };

	if (acpi_collect(&memory->base, (paddr_t){ RSDP_AT }, &list) != ST_OK)
		return;
	HOLDS(list.count >= 2 && list.count <= ACPI_COLLECT_MAX);
	for (size_t i = 0; i < list.count; i++) {
		const struct acpi_found *found = &items[i];

		HOLDS(found->bytes == 0 ||
		      found->at.raw + found->bytes <= memory->size);
		HOLDS(found->status != ST_OK || found->bytes >=
						ACPI_HEADER_BYTES);
		HOLDS(found->status == ST_OK ||
		      found->bytes <= ACPI_HEADER_BYTES);
		for (size_t j = 0; j < i; j++)
			HOLDS(items[j].at.raw != found->at.raw);
	}
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
	    acpi_walk_dsdt(&memory.base, &power, &table) == ST_OK &&
	    acpi_find_sleep_type(table.data, table.bytes, &power) == ST_OK)
		HOLDS(power.sleep_type_a <= 7 && power.sleep_type_b <= 7);
	collect(&memory);
	free(memory.bytes);
	return 0;
}
