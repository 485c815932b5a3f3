// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A machine without odd properties, as OVMF describes one: some memory below 1
 * MiB, the main memory, ACPI tables, runtime services, a flash chip, memory
 * above 4 GiB.
 */
#include "fake_firmware.h"

#include <mm/region.h>

#include <string.h>

#include "check.h"
#include "elf_sample.h"

#define EVERY_CACHE	0xfUL		/* UC, WC, WT, WB                    */

_Static_assert(sizeof(((struct fake_pc *)0)->embedded) == SAMPLE_BYTES,
	       "the placeholder of the embedded kernel");

void fake_kernel_build(unsigned char *kernel, unsigned seed)
{
	static const struct {
		unsigned start, bytes;
	} contents[] = { { 0x1000, 0x600 }, { 0x2000, 0x200 },
			 { 0x3000, 0x100 } };

	sample_build(kernel);
	for (size_t i = 0; i < 3; i++)
		for (unsigned j = 0; j < contents[i].bytes; j++)
			kernel[contents[i].start + j] =
				(unsigned char)((j + i) * 31 + j / 256 + seed);
}

static void plain_memory(struct fake_memory *memory)
{
	static const struct {
		uint64_t start, end, attributes;
		uint32_t type, lendable;
	} rows[] = {
		{ 0, 0x10000, EVERY_CACHE, 7, false },
		{ BACKED_LOW, BACKED_LOW_END, EVERY_CACHE, 7, true },
		{ 0x100000, 0x800000, EVERY_CACHE, 7, false },
		{ 0x800000, 0x808000, EVERY_CACHE, 10, false },
		{ 0x808000, BACKED_MAIN, EVERY_CACHE, 4, false },
		{ BACKED_MAIN, BACKED_MAIN_END, EVERY_CACHE, 7, true },
		{ 0x9000000, 0x9200000, EVERY_CACHE, 3, false },
		{ 0x9200000, 0x9220000, EVERY_CACHE, 9, false },
		{ 0x9220000, 0x9230000, EVERY_CACHE, 10, false },
		{ 0x9230000, 0x9240000, EVERY_CACHE | EFI_ATTRIBUTE_RUNTIME,
		  5, false },
		{ 0x9240000, 0x9260000, EVERY_CACHE | EFI_ATTRIBUTE_RUNTIME,
		  6, false },
		{ 0x9260000, GROWTH_START, EVERY_CACHE, 4, false },
		{ GROWTH_START, GROWTH_END, EVERY_CACHE, 7, false },
		{ 0xffc00000, 0x100000000, 1 | EFI_ATTRIBUTE_RUNTIME, 11,
		  false },
		{ 0x100000000, 0x140000000, EVERY_CACHE, 7, false },
		{ BACKED_HIGH, BACKED_HIGH_END, EVERY_CACHE, 7, true },
		{ BACKED_HIGH_END, 0x180000000, EVERY_CACHE, 7, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fake_row_add(memory->rows, &memory->row_count,
			     (struct fake_row){
			.start = rows[i].start,
			.pages = (rows[i].end - rows[i].start) / PAGE_SIZE,
			.attributes = rows[i].attributes,
			.type = rows[i].type,
			.lendable = rows[i].lendable,
		});
	memory->stride = 48;
	memory->grow_type = EfiBootServicesData;
}

/* A processor with many features, which identifies QEMU. */
static void plain_processor(struct fake_processor *processor)
{
	static const uint32_t fixed[] = { 0x250, 0x258, 0x259, 0x268, 0x269,
					  0x26a, 0x26b, 0x26c, 0x26d, 0x26e,
					  0x26f };

	*processor = (struct fake_processor){
		.max_leaf = 0xd,
		.max_extended_leaf = 0x80000008,
		.vendor = 0x756e6547,
		.ecx_1 = 1u << 31 | 1 << 21 | 1 << 17,
		.edx_1 = 1 << 7 | 1 << 9 | 1 << 12 | 1 << 13 | 1 << 16,
		.ebx_7 = 1 << 7 | 1 << 20,
		.ecx_7 = 1 << 2 | 1 << 3 | 1 << 16,
		.edx_80000001 = 1 << 20 | 1 << 26,
		.physical_bits = 40,
		.lvts = FAKE_LVTS,
		.cr0 = 0x80010033,
		.cr3 = 0x8001000,
		.cr4 = 0x668,
	};
	fake_msr_set(processor, 0x1b, LAPIC_BASE | 1 << 11 | 1 << 8);
	fake_msr_set(processor, 0xc0000080, 0xd00);
	fake_msr_set(processor, 0x277, 0x0007040600070406);
	fake_msr_set(processor, 0xfe, 0x508);
	fake_msr_set(processor, 0x2ff, 0xc06);
	for (size_t i = 0; i < 16; i++)
		fake_msr_set(processor, 0x200 + (uint32_t)i, 0);
	/* Uncached from 2 GiB to 4 GiB. */
	fake_msr_set(processor, 0x200, 0x80000000);
	fake_msr_set(processor, 0x201, 0xff80000800);
	for (size_t i = 0; i < 11; i++)
		fake_msr_set(processor, fixed[i], i == 2 ? 0 :
			     0x0606060606060606);
}

void fake_pc_plain(struct fake_pc *pc)
{
	memset(pc, 0, sizeof(*pc));
	plain_memory(&pc->memory);
	plain_processor(&pc->processor);
	fake_kernel_build(pc->embedded, 1);
	pc->device = fake_volume_handle();
	pc->serial_port = 0x3f8;
	pc->has_pit = true;
	pc->has_fw_cfg = true;
	pc->screen = (struct fake_screen){
		.kind = SCREEN_PLAIN,
		.base = SCREEN_BASE,
		.bytes = 1280 * 800 * 4,
		.info = {
			.HorizontalResolution = 1280,
			.VerticalResolution = 800,
			.PixelFormat = PixelBlueGreenRedReserved8BitPerColor,
			.PixelsPerScanLine = 1280,
		},
	};
	pc->tables[pc->table_count++] = (struct fake_table){
		ACPI_20_TABLE_GUID, (void *)0x9200014 };
	pc->tables[pc->table_count++] = (struct fake_table){
		SMBIOS_TABLE_GUID, (void *)0x9240000 };
}
