// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What the processor can do and how the firmware left it; the MTRRs; where
 * ACPI, SMBIOS and the framebuffer are. Everything is read, nothing set.
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

struct feature_bit {
	enum cpu_feature feature;
	uint32_t leaf;
	uint32_t subleaf;
	unsigned word;			/* 0 eax, 1 ebx, 2 ecx, 3 edx        */
	unsigned bit;
};

/* Intel SDM vol. 2A, CPUID; AMD APM vol. 3 appendix E. */
static const struct feature_bit feature_bits[] = {
	{ CPU_MCE, 1, 0, 3, 7 },	{ CPU_MTRR, 1, 0, 3, 12 },
	{ CPU_PGE, 1, 0, 3, 13 },	{ CPU_PAT, 1, 0, 3, 16 },
	{ CPU_PCID, 1, 0, 2, 17 },	{ CPU_X2APIC, 1, 0, 2, 21 },
	{ CPU_HYPERVISOR, 1, 0, 2, 31 }, { CPU_SMEP, 7, 0, 1, 7 },
	{ CPU_SMAP, 7, 0, 1, 20 },	{ CPU_UMIP, 7, 0, 2, 2 },
	{ CPU_PKU, 7, 0, 2, 3 },	{ CPU_CET, 7, 0, 2, 7 },
	{ CPU_LA57, 7, 0, 2, 16 },
	{ CPU_NX, 0x80000001, 0, 3, 20 },
	{ CPU_PAGE_1G, 0x80000001, 0, 3, 26 },
};

void machine_note_entry_state(struct handover_cpu *cpu)
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

void machine_read_processor(struct loader *loader)
{
	struct handover_cpu *cpu = &loader->machine.cpu;

	cpu->features = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(feature_bits); i++) {
		const struct feature_bit *bit = &feature_bits[i];
		struct cpuid id = read_cpuid(bit->leaf, bit->subleaf);
		const uint32_t words[] = { id.eax, id.ebx, id.ecx, id.edx };

		if (cpuid_has_leaf(bit->leaf) &&
		    words[bit->word] >> bit->bit & 1)
			cpu->features |= bit->feature;
	}
	cpu->physical_bits = cpuid_has_leaf(0x80000008) ?
		read_cpuid(0x80000008, 0).eax & 0xff : 0;
	/* No 64-bit processor has fewer, and no table entry holds more. */
	if (cpu->physical_bits < 32 || cpu->physical_bits > 52)
		cpu->physical_bits = 36;
	if (cpu->features & CPU_PAT)
		cpu->pat = read_msr(MSR_PAT);
	read_mtrrs(&loader->machine);
}

void machine_find_tables(struct loader *loader)
{
	static const EFI_GUID acpi2 = ACPI_20_TABLE_GUID;
	static const EFI_GUID acpi1 = ACPI_TABLE_GUID;
	static const EFI_GUID smbios = SMBIOS_TABLE_GUID;
	static const EFI_GUID smbios3 = SMBIOS3_TABLE_GUID;
	struct handover *handover = loader->handover;

	for (UINTN i = 0; i < loader->system->NumberOfTableEntries; i++) {
		EFI_CONFIGURATION_TABLE *entry =
			&loader->system->ConfigurationTable[i];
		paddr_t table = { (uint64_t)entry->VendorTable };
		const EFI_GUID *guid = &entry->VendorGuid;

		if (table.raw == 0)
			continue;
		if (memcmp(guid, &acpi2, sizeof(*guid)) == 0) {
			handover->rsdp = table;
			handover->rsdp_version = 2;
		} else if (memcmp(guid, &acpi1, sizeof(*guid)) == 0 &&
			   handover->rsdp_version < 2) {
			handover->rsdp = table;
			handover->rsdp_version = 1;
		} else if (memcmp(guid, &smbios, sizeof(*guid)) == 0) {
			handover->smbios = table;
		} else if (memcmp(guid, &smbios3, sizeof(*guid)) == 0) {
			handover->smbios3 = table;
		}
	}
}

static bool masks_of(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info,
		     struct handover_framebuffer *screen)
{
	switch (info->PixelFormat) {
	case PixelRedGreenBlueReserved8BitPerColor:
		screen->red_mask = 0x0000ff;
		screen->green_mask = 0x00ff00;
		screen->blue_mask = 0xff0000;
		return true;
	case PixelBlueGreenRedReserved8BitPerColor:
		screen->red_mask = 0xff0000;
		screen->green_mask = 0x00ff00;
		screen->blue_mask = 0x0000ff;
		return true;
	case PixelBitMask:
		screen->red_mask = info->PixelInformation.RedMask;
		screen->green_mask = info->PixelInformation.GreenMask;
		screen->blue_mask = info->PixelInformation.BlueMask;
		/* Anything but 32 bits a pixel has a bit up there missing. */
		return (screen->red_mask | screen->green_mask |
			screen->blue_mask |
			info->PixelInformation.ReservedMask) >> 24 != 0;
	default:
		return false;	/* BltOnly: no memory to draw into */
	}
}

void machine_find_framebuffer(struct loader *loader)
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
	if (screen.base.raw == 0 || !masks_of(info, &screen) ||
	    info->PixelsPerScanLine < screen.width ||
	    info->PixelsPerScanLine > UINT32_MAX / 4)
		return;
	screen.pitch_bytes = info->PixelsPerScanLine * 4;
	if (screen.width == 0 || screen.height == 0 ||
	    screen.bytes < screen.pitch_bytes)
		return;
	/* Never believe more lines than the stated size can hold. */
	screen.height = (uint32_t)min_u64(screen.height,
					  screen.bytes / screen.pitch_bytes);
	loader->handover->framebuffer = screen;
	framebuffer_set(&screen);
}
