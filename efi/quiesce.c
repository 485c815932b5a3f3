// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Masks all interrupts: with the processor's flag, in both PICs, and in the
 * local vector table of the APIC. Source: Intel SDM vol. 3A 11.5.1.
 */
#include "loader.h"

#include <arch/instructions.h>
#include <base/bits.h>

#define PIC_MASK_1		0x21
#define PIC_MASK_2		0xa1
#define CPUID_APIC		(1u << 9)
#define MSR_APIC_BASE		0x1b
#define MSR_X2APIC_FIRST	0x800
#define APIC_ENABLED		(1u << 11)
#define APIC_X2			(1u << 10)
#define APIC_ADDRESS		0xffffffffff000
#define APIC_VERSION		0x30
#define LVT_MASKED		(1u << 16)
#define LVT_DELIVERY		0x700
#define LVT_NMI			0x400

static uint32_t apic_read(uint64_t base, uint32_t offset)
{
	if (base & APIC_X2)
		return (uint32_t)read_msr(MSR_X2APIC_FIRST + offset / 16);
	return *(volatile uint32_t *)((base & APIC_ADDRESS) + offset);
}

static void apic_write(uint64_t base, uint32_t offset, uint32_t value)
{
	if (base & APIC_X2)
		write_msr(MSR_X2APIC_FIRST + offset / 16, value);
	else
		*(volatile uint32_t *)((base & APIC_ADDRESS) + offset) = value;
}

/* Older APICs have only the first few entries. */
static void mask_local_interrupts(void)
{
	static const uint16_t entries[] = { 0x320, 0x350, 0x360, 0x370,
					    0x340, 0x330, 0x2f0 };
	uint64_t base = read_msr(MSR_APIC_BASE);
	uint32_t last;

	if ((base & APIC_ENABLED) == 0)
		return;
	last = apic_read(base, APIC_VERSION) >> 16 & 0xff;
	for (size_t i = 0; i < ARRAY_LENGTH(entries) && i <= last; i++) {
		uint32_t entry = apic_read(base, entries[i]);

		/* NMI lines stay unmasked: an NMI button must still work. */
		if ((entry & LVT_DELIVERY) != LVT_NMI)
			apic_write(base, entries[i], entry | LVT_MASKED);
	}
}

void mask_interrupts(void)
{
	__asm__ volatile("cli");
	out8(PIC_MASK_1, 0xff);
	out8(PIC_MASK_2, 0xff);
	if (read_cpuid(1, 0).edx & CPUID_APIC)
		mask_local_interrupts();
}
