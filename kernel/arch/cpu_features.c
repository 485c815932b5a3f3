// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Source: Intel SDM vol. 3A sections 2.5 and 4.1.4; AMD APM vol. 2 ch. 3.
 */
#include "cpu_features.h"

#include <arch/instructions.h>
#include <base/bits.h>

#include "pat.h"
#include "trap.h"

/* PG, WP, NE, ET, MP, PE. */
#define CR0_ENTRY	0x80010033UL
#define CR0_WP		(1UL << 16)

#define CR4_PAE		(1UL << 5)
#define CR4_MCE		(1UL << 6)
#define CR4_PGE		(1UL << 7)
#define CR4_UMIP	(1UL << 11)
#define CR4_LA57	(1UL << 12)
#define CR4_PCIDE	(1UL << 17)
#define CR4_SMEP	(1UL << 20)
#define CR4_SMAP	(1UL << 21)
#define CR4_PKE		(1UL << 22)
#define CR4_CET		(1UL << 23)

#define FLAG_INTERRUPTS	(1UL << 9)

#define MSR_APIC_BASE	0x1b
#define MSR_MTRR_DEF	0x2ff
#define MSR_EFER	0xc0000080
#define EFER_LME	(1UL << 8)
#define EFER_LMA	(1UL << 10)
#define EFER_NXE	(1UL << 11)
#define APIC_X2		(1UL << 10)
#define MTRR_ENABLED	(1UL << 11)

/* The register in which a feature is switched on. */
enum switch_place { ALWAYS_ON, IN_CR4, IN_EFER, IN_APIC_BASE, IN_MTRR };

static const struct {
	enum cpu_feature feature;
	const char *name;
	enum switch_place place;
	uint64_t bit;
} table[] = {
	{ CPU_NX, "nx", IN_EFER, EFER_NXE },
	{ CPU_PAGE_1G, "page_1g", ALWAYS_ON, 0 },
	{ CPU_PGE, "pge", IN_CR4, CR4_PGE },
	{ CPU_PAT, "pat", ALWAYS_ON, 0 },
	{ CPU_MTRR, "mtrr", IN_MTRR, MTRR_ENABLED },
	{ CPU_SMEP, "smep", IN_CR4, CR4_SMEP },
	{ CPU_SMAP, "smap", IN_CR4, CR4_SMAP },
	{ CPU_UMIP, "umip", IN_CR4, CR4_UMIP },
	{ CPU_PCID, "pcid", IN_CR4, CR4_PCIDE },
	{ CPU_LA57, "la57", IN_CR4, CR4_LA57 },
	{ CPU_X2APIC, "x2apic", IN_APIC_BASE, APIC_X2 },
	{ CPU_MCE, "mce", IN_CR4, CR4_MCE },
	{ CPU_HYPERVISOR, "hypervisor", ALWAYS_ON, 0 },
	{ CPU_CET, "cet", IN_CR4, CR4_CET },
	{ CPU_PKU, "pku", IN_CR4, CR4_PKE },
};
_Static_assert(ARRAY_LENGTH(table) == CPU_FEATURE_COUNT, "a row for each");

static bool is_on(enum switch_place place, uint64_t bit)
{
	switch (place) {
	case ALWAYS_ON:
		return true;
	case IN_CR4:
		return READ_CONTROL(4) & bit;
	case IN_EFER:
		return read_msr(MSR_EFER) & bit;
	case IN_APIC_BASE:
		return read_msr(MSR_APIC_BASE) & bit;
	case IN_MTRR:
		return read_msr(MSR_MTRR_DEF) & bit;
	}
	return false;
}

struct cpu_feature_use cpu_feature_at(unsigned index, uint32_t features)
{
	bool present = features & table[index].feature;

	return (struct cpu_feature_use){
		.name = table[index].name,
		.present = present,
		.enabled = present && is_on(table[index].place,
					    table[index].bit),
	};
}

static uint64_t read_flags(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags) : : "memory");
	return flags;
}

uint64_t cpu_entry_control(uint32_t features)
{
	return CR4_PAE | (features & CPU_PGE ? CR4_PGE : 0) |
	       (features & CPU_MCE ? CR4_MCE : 0);
}

const char *cpu_entry_refusal(const struct handover *handover)
{
	uint32_t features = handover->cpu.features;
	uint64_t wanted = cpu_entry_control(features);
	uint64_t efer = read_msr(MSR_EFER);

	if (READ_CONTROL(0) != CR0_ENTRY)
		return "CR0 is not PG, WP, NE, ET, MP and PE";
	if (READ_CONTROL(4) != wanted)
		return "CR4 is not PAE, PGE and MCE";
	if ((efer & EFER_LMA) == 0 || (efer & EFER_LME) == 0)
		return "EFER is not in long mode";
	if (((efer & EFER_NXE) != 0) != ((features & CPU_NX) != 0))
		return "EFER.NXE is not what the processor can do";
	if (paddr_to_pfn((paddr_t){ READ_CONTROL(3) }).raw !=
	    paddr_to_pfn(handover->root_table).raw)
		return "CR3 is not the root of the handover";
	if (read_flags() & FLAG_INTERRUPTS)
		return "interrupts are on";
	return "";
}

/* Returns the new value of CR4. */
static uint64_t switch_on(uint32_t features)
{
	uint64_t control = READ_CONTROL(4);

	control |= (features & CPU_SMEP ? CR4_SMEP : 0) |
		   (features & CPU_SMAP ? CR4_SMAP : 0) |
		   (features & CPU_UMIP ? CR4_UMIP : 0);
	WRITE_CONTROL(4, control);
	if (features & CPU_SMAP)
		__asm__ volatile("clac" : : : "cc", "memory");
	return control;
}

void cpu_features_init_cpu(uint32_t features)
{
	pat_init_cpu(features);
	switch_on(features);
}

struct cpu_protection cpu_protect(uint32_t features)
{
	uint64_t control = switch_on(features);

	if (features & CPU_SMAP)
		traps_expect_smap();
	return (struct cpu_protection){
		.wp = READ_CONTROL(0) & CR0_WP,
		.nx = read_msr(MSR_EFER) & EFER_NXE,
		.smep = control & CR4_SMEP,
		.smap = control & CR4_SMAP,
		.umip = control & CR4_UMIP,
		.mce = control & CR4_MCE,
	};
}
