// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The command cpuinfo: features and flaws of the boot CPU. The other CPUs are
 * assumed to be equal.
 */
#include "command.h"

#include <arch/instructions.h>
#include <base/string.h>

#include <kernel/arch/cpu_features.h>
#include <kernel/arch/cpu_flaws.h>
#include <kernel/boot/boot_info.h>

#define LEAF_BRAND	0x80000002
#define BRAND_LEAVES	3
#define LEAF_ADDRESSES	0x80000008
#define LEAF_AMD_2	0x80000021
#define MSR_CAPABILITIES 0x10a

struct processor {
	char vendor[13];
	char brand[16 * BRAND_LEAVES + 1];
	struct cpu_identity identity;
	uint32_t features;
	uint32_t physical_bits, linear_bits;
};

static const struct {
	const char *name;
	enum cpu_vendor vendor;
} vendors[] = {
	{ "GenuineIntel", VENDOR_INTEL },
	{ "AuthenticAMD", VENDOR_AMD },
	{ "HygonGenuine", VENDOR_HYGON },
};

static void read_vendor(struct processor *cpu)
{
	struct cpuid leaf = read_cpuid(0, 0);
	const uint32_t words[] = { leaf.ebx, leaf.edx, leaf.ecx };

	memcpy(cpu->vendor, words, sizeof(words));
	for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++)
		if (strcmp(cpu->vendor, vendors[i].name) == 0)
			cpu->identity.vendor = vendors[i].vendor;
}

static void read_brand(struct processor *cpu)
{
	if (!cpuid_has_leaf(LEAF_BRAND + BRAND_LEAVES - 1))
		return;
	for (unsigned i = 0; i < BRAND_LEAVES; i++) {
		struct cpuid leaf = read_cpuid(LEAF_BRAND + i, 0);

		memcpy(cpu->brand + 16 * i, &leaf, sizeof(leaf));
	}
}

/* The extended fields count only where the basic ones are full. */
static void read_signature(struct cpu_identity *to)
{
	uint32_t eax = read_cpuid(1, 0).eax;

	to->stepping = eax & 0xf;
	to->model = eax >> 4 & 0xf;
	to->family = eax >> 8 & 0xf;
	if (to->family == 6 || to->family == 15)
		to->model |= (eax >> 16 & 0xf) << 4;
	if (to->family == 15)
		to->family += eax >> 20 & 0xff;
}

static void read_admissions(struct cpu_identity *to)
{
	struct cpuid seven = { 0 };

	if (cpuid_has_leaf(7))
		seven = read_cpuid(7, 0);
	to->has_tsx = seven.ebx >> 11 & 1;
	to->has_capabilities = seven.edx >> 29 & 1;
	if (to->has_capabilities)
		to->capabilities = read_msr(MSR_CAPABILITIES);
	if (cpuid_has_leaf(LEAF_ADDRESSES))
		to->says_ssb_no = read_cpuid(LEAF_ADDRESSES, 0).ebx >> 26 & 1;
	if (cpuid_has_leaf(LEAF_AMD_2))
		to->says_srso_no = read_cpuid(LEAF_AMD_2, 0).eax >> 29 & 1;
}

static void read_processor(struct processor *cpu)
{
	*cpu = (struct processor){
		.features = boot_info.handover->cpu.features,
		.physical_bits = boot_info.handover->cpu.physical_bits,
		.linear_bits = 48,
	};
	if (cpuid_has_leaf(LEAF_ADDRESSES))
		cpu->linear_bits = read_cpuid(LEAF_ADDRESSES, 0).eax >> 8 &
				   0xff;
	read_vendor(cpu);
	read_brand(cpu);
	read_signature(&cpu->identity);
	read_admissions(&cpu->identity);
}

static const char *brand_text(const struct processor *cpu)
{
	const char *text = cpu->brand;

	while (*text == ' ')
		text++;
	return text;
}

static const char *page_sizes(const struct processor *cpu)
{
	return cpu->features & CPU_PAGE_1G ? "4096+2097152+1073741824" :
					     "4096+2097152";
}

static void print_records(struct sink *out, const struct processor *cpu)
{
	const char *brand = brand_text(cpu);

	sink_print(out, "@cpu index=0 vendor=");
	sink_print_value(out, cpu->vendor, strlen(cpu->vendor));
	sink_print(out, " brand=");
	sink_print_value(out, brand, strlen(brand));
	sink_print(out, " family=%u model=%u stepping=%u physical_bits=%u "
			"linear_bits=%u page_sizes=%s\n",
		   cpu->identity.family, cpu->identity.model,
		   cpu->identity.stepping, cpu->physical_bits,
		   cpu->linear_bits, page_sizes(cpu));
	for (unsigned i = 0; i < CPU_FEATURE_COUNT; i++) {
		struct cpu_feature_use use = cpu_feature_at(i, cpu->features);

		sink_print(out, "@cpu_feature name=%s present=%u enabled=%u\n",
			   use.name, use.present, use.enabled);
	}
	for (unsigned i = 0; i < CPU_FLAW_COUNT; i++) {
		struct flaw_verdict flaw = cpu_flaw_at(i, &cpu->identity);

		sink_print(out, "@cpu_flaw name=%s state=%s mitigated=0 "
				"why=\"%s\"\n",
			   flaw.name, flaw_state_name(flaw.state), flaw.why);
	}
}

static void print_features(struct sink *out, const struct processor *cpu)
{
	sink_print(out, "features:");
	for (unsigned i = 0; i < CPU_FEATURE_COUNT; i++) {
		struct cpu_feature_use use = cpu_feature_at(i, cpu->features);

		if (use.present)
			sink_print(out, " %s%s", use.name,
				   use.enabled ? "" : " (off)");
	}
	sink_print(out, "\nmissing: ");
	for (unsigned i = 0; i < CPU_FEATURE_COUNT; i++) {
		struct cpu_feature_use use = cpu_feature_at(i, cpu->features);

		if (!use.present)
			sink_print(out, " %s", use.name);
	}
	sink_print(out, "\n");
}

static void print_flaws(struct sink *out, const struct processor *cpu)
{
	static const char *const words[] = {
		[FLAW_UNKNOWN] = "unknown",
		[FLAW_ABSENT] = "not affected",
		[FLAW_PRESENT] = "affected and not mitigated",
	};

	for (unsigned i = 0; i < CPU_FLAW_COUNT; i++) {
		struct flaw_verdict flaw = cpu_flaw_at(i, &cpu->identity);

		sink_print(out, "  %-16s %s: %s\n", flaw.name,
			   words[flaw.state], flaw.why);
	}
	if (cpu->features & CPU_HYPERVISOR)
		sink_print(out, "  under a hypervisor: this is what it lets "
				"us see of the processor\n");
}

enum status command_cpuinfo(const struct command_call *call)
{
	struct processor cpu;

	read_processor(&cpu);
	if (call->records) {
		print_records(call->out, &cpu);
		return ST_OK;
	}
	sink_print(call->out, "%s, %s\n", cpu.vendor, brand_text(&cpu));
	sink_print(call->out, "family %u model %u stepping %u, %u physical "
			      "and %u linear address bits\n",
		   cpu.identity.family, cpu.identity.model,
		   cpu.identity.stepping, cpu.physical_bits, cpu.linear_bits);
	sink_print(call->out, "pages of 4 KiB, 2 MiB%s\n",
		   cpu.features & CPU_PAGE_1G ? ", 1 GiB" : "");
	print_features(call->out, &cpu);
	sink_print(call->out, "known flaws:\n");
	print_flaws(call->out, &cpu);
	return ST_OK;
}
