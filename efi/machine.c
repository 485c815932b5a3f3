// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Reads the processor's features and its state at entry, the MTRRs, ACPI,
 * SMBIOS, and the graphics mode with its framebuffer. Sets nothing.
 */
#include "loader.h"

#include <arch/instructions.h>
#include <base/bits.h>
#include <base/string.h>

#define MSR_MTRR_CAP		0xfe
#define MSR_PAT			0x277
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MSR_MTRR_VARIABLE	0x200
#define MSR_EFER		0xc0000080
#define MSR_AMD_SYSCFG		0xc0010010
#define MSR_AMD_TOP_MEM2	0xc001001d

/* Intel SDM vol. 2A, CPUID; AMD APM vol. 3 appendix E. */
enum cpuid_word { EBX = 1, ECX, EDX };

static const struct feature_bit {
	enum cpu_feature feature;
	uint32_t leaf;			/* subleaf 0                         */
	enum cpuid_word word;
	unsigned bit;
} feature_bits[] = {
	{ CPU_MCE, 1, EDX, 7 },		{ CPU_MTRR, 1, EDX, 12 },
	{ CPU_PGE, 1, EDX, 13 },	{ CPU_PAT, 1, EDX, 16 },
	{ CPU_PCID, 1, ECX, 17 },	{ CPU_X2APIC, 1, ECX, 21 },
	{ CPU_HYPERVISOR, 1, ECX, 31 },	{ CPU_SMEP, 7, EBX, 7 },
	{ CPU_SMAP, 7, EBX, 20 },	{ CPU_UMIP, 7, ECX, 2 },
	{ CPU_PKU, 7, ECX, 3 },		{ CPU_CET, 7, ECX, 7 },
	{ CPU_LA57, 7, ECX, 16 },	{ CPU_NX, 0x80000001, EDX, 20 },
	{ CPU_PAGE_1G, 0x80000001, EDX, 26 },
};

void machine_read_entry_state(struct handover_cpu *cpu)
{
	cpu->cr0 = READ_CONTROL(0);
	cpu->cr3 = READ_CONTROL(3);
	cpu->cr4 = READ_CONTROL(4);
	cpu->efer = read_msr(MSR_EFER);
}

static void read_mtrrs(struct machine_facts *machine)
{
	static const uint32_t fixed[MTRR_FIXED_COUNT] = {
		0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
		0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
	};
	struct mtrr_state *mtrr = &machine->mtrr;
	struct cpuid vendor = read_cpuid(0, 0);

	mtrr->physical_bits = machine->cpu.physical_bits;
	mtrr->present = machine->cpu.features & CPU_MTRR;
	if (!mtrr->present)
		return;
	mtrr->capabilities = read_msr(MSR_MTRR_CAP);
	mtrr->default_type = read_msr(MSR_MTRR_DEF_TYPE);
	for (size_t i = 0; i < (mtrr->capabilities & 0xff) &&
			   i < MTRR_VARIABLE_MAX; i++) {
		mtrr->variable[i].base = read_msr(MSR_MTRR_VARIABLE + 2 * i);
		mtrr->variable[i].mask =
			read_msr(MSR_MTRR_VARIABLE + 2 * i + 1);
	}
	for (size_t i = 0; i < MTRR_FIXED_COUNT; i++)
		if (mtrr->capabilities & 1 << 8)
			mtrr->fixed[i] = read_msr(fixed[i]);
	/* SYSCFG exists on real AMD parts only: emulators lack the register. */
	if (vendor.ebx == 0x68747541 &&
	    (machine->cpu.features & CPU_HYPERVISOR) == 0 &&
	    (read_msr(MSR_AMD_SYSCFG) & 3 << 21) == 3 << 21)
		mtrr->top_mem2 = read_msr(MSR_AMD_TOP_MEM2);
}

static void read_processor(struct loader *loader)
{
	struct handover_cpu *cpu = &loader->machine.cpu;

	cpu->features = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(feature_bits); i++) {
		const struct feature_bit *bit = &feature_bits[i];
		struct cpuid id = read_cpuid(bit->leaf, 0);
		const uint32_t words[] = { id.eax, id.ebx, id.ecx, id.edx };

		if (cpuid_has_leaf(bit->leaf) &&
		    words[bit->word] >> bit->bit & 1)
			cpu->features |= bit->feature;
	}
	cpu->physical_bits = cpuid_has_leaf(0x80000008) ?
		read_cpuid(0x80000008, 0).eax & 0xff : 0;
	/* No 64-bit processor has fewer bits, and no table entry has more. */
	if (cpu->physical_bits < 32 || cpu->physical_bits > 52)
		cpu->physical_bits = 36;
	if (cpu->features & CPU_PAT)
		cpu->pat = read_msr(MSR_PAT);
	read_mtrrs(&loader->machine);
}

/* The last one that is not at address 0: firmware may list such tables. */
static paddr_t find_table(const EFI_SYSTEM_TABLE *system, EFI_GUID guid)
{
	paddr_t found = { 0 };

	for (UINTN i = 0; i < system->NumberOfTableEntries; i++) {
		EFI_CONFIGURATION_TABLE *entry = &system->ConfigurationTable[i];

		if (entry->VendorTable != NULL &&
		    memcmp(&entry->VendorGuid, &guid, sizeof(guid)) == 0)
			found.raw = (uint64_t)entry->VendorTable;
	}
	return found;
}

static void find_tables(struct loader *loader)
{
	const EFI_SYSTEM_TABLE *system = loader->system;
	struct handover *to = loader->handover;

	to->rsdp = find_table(system, (EFI_GUID)ACPI_20_TABLE_GUID);
	to->rsdp_version = 2;
	if (to->rsdp.raw == 0) {
		to->rsdp = find_table(system, (EFI_GUID)ACPI_TABLE_GUID);
		to->rsdp_version = to->rsdp.raw != 0 ? 1 : 0;
	}
	to->smbios = find_table(system, (EFI_GUID)SMBIOS_TABLE_GUID);
	to->smbios3 = find_table(system, (EFI_GUID)SMBIOS3_TABLE_GUID);
}

/* False when a pixel has not 32 bits, or no memory (PixelBltOnly). */
static bool find_masks(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info,
		       struct handover_framebuffer *screen)
{
	static const EFI_PIXEL_BITMASK known[] = {
		[PixelRedGreenBlueReserved8BitPerColor] = {
			0x0000ff, 0x00ff00, 0xff0000, 0xff000000 },
		[PixelBlueGreenRedReserved8BitPerColor] = {
			0xff0000, 0x00ff00, 0x0000ff, 0xff000000 },
	};
	unsigned format = info->PixelFormat;
	EFI_PIXEL_BITMASK masks = info->PixelInformation;

	if (format > PixelBitMask)
		return false;
	if (format < PixelBitMask)
		masks = known[format];
	screen->red_mask = masks.RedMask;
	screen->green_mask = masks.GreenMask;
	screen->blue_mask = masks.BlueMask;
	return (masks.RedMask | masks.GreenMask | masks.BlueMask |
		masks.ReservedMask) >> 24 != 0;
}

static void find_framebuffer(struct loader *loader)
{
	static EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	struct handover_framebuffer screen = { 0 };
	EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info;
	EFI_GRAPHICS_OUTPUT_PROTOCOL *output;

	if (EFI_ERROR(loader->boot->LocateProtocol(&guid, NULL,
						   (void **)&output)) ||
	    output->Mode == NULL || output->Mode->Info == NULL)
		return;
	info = output->Mode->Info;
	screen.base = (paddr_t){ output->Mode->FrameBufferBase };
	screen.bytes = output->Mode->FrameBufferSize;
	screen.width = info->HorizontalResolution;
	screen.height = info->VerticalResolution;
	if (screen.base.raw == 0 || !find_masks(info, &screen) ||
	    info->PixelsPerScanLine < screen.width ||
	    info->PixelsPerScanLine > UINT32_MAX / 4)
		return;
	screen.pitch_bytes = info->PixelsPerScanLine * 4;
	if (screen.width == 0 || screen.height == 0 ||
	    screen.bytes < screen.pitch_bytes)
		return;
	/* Never more lines than the stated size can hold. */
	screen.height = (uint32_t)min_u64(screen.height,
					  screen.bytes / screen.pitch_bytes);
	loader->handover->framebuffer = screen;
}

EFI_STATUS machine_read(struct loader *loader)
{
	read_processor(loader);
	find_tables(loader);
	find_framebuffer(loader);
	return EFI_SUCCESS;
}
