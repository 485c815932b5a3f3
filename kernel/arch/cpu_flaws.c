// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Intel processors since 2018 list in IA32_ARCH_CAPABILITIES the flaws that
 * they do not have. A clear bit means "affected" only where that register
 * exists. A processor without it is older: its verdict is "affected" for
 * Meltdown, which every out-of-order Intel core of that age has, and "unknown"
 * for the others. For AMD the family decides.
 * Source: Intel, "CPUID Enumeration and Architectural MSRs"; AMD product
 * security bulletins AMD-SB-1037 (Retbleed) and AMD-SB-7005 (Inception).
 */
#include "cpu_flaws.h"

#include <stddef.h>

#include <base/bits.h>

/* IA32_ARCH_CAPABILITIES. */
#define RDCL_NO		(1UL << 0)
#define RSBA		(1UL << 2)
#define SSB_NO		(1UL << 4)
#define MDS_NO		(1UL << 5)
#define TAA_NO		(1UL << 8)
#define SBDR_SSDP_NO	(1UL << 13)
#define FBSDP_NO	(1UL << 14)
#define PSDP_NO		(1UL << 15)
#define MMIO_NO		(SBDR_SSDP_NO | FBSDP_NO | PSDP_NO)

static bool is_amd(const struct cpu_identity *cpu)
{
	return cpu->vendor == VENDOR_AMD || cpu->vendor == VENDOR_HYGON;
}

static struct flaw_verdict unknown(void)
{
	return (struct flaw_verdict){ .state = FLAW_UNKNOWN,
				      .why = "the processor does not say" };
}

static struct flaw_verdict absent(const char *why)
{
	return (struct flaw_verdict){ .state = FLAW_ABSENT, .why = why };
}

static struct flaw_verdict present(const char *why)
{
	return (struct flaw_verdict){ .state = FLAW_PRESENT, .why = why };
}

/* Flaws that no AMD has; an Intel with all bits of `no` has none either. */
static struct flaw_verdict intel_only(const struct cpu_identity *cpu,
				      uint64_t no)
{
	if (is_amd(cpu))
		return absent("AMD's designs do not have it");
	if (cpu->vendor != VENDOR_INTEL || !cpu->has_capabilities)
		return unknown();
	if ((cpu->capabilities & no) == no)
		return absent("IA32_ARCH_CAPABILITIES says so");
	return present("IA32_ARCH_CAPABILITIES does not deny it");
}

/* Atoms that execute in order do not speculate far enough for Meltdown. */
static bool is_in_order(const struct cpu_identity *cpu)
{
	static const uint8_t models[] = { 0x1c, 0x26, 0x27, 0x35, 0x36 };

	for (size_t i = 0; i < ARRAY_LENGTH(models); i++)
		if (cpu->family == 6 && cpu->model == models[i])
			return true;
	return false;
}

static struct flaw_verdict meltdown(const struct cpu_identity *cpu)
{
	if (cpu->vendor == VENDOR_INTEL && is_in_order(cpu))
		return absent("this Atom executes in order");
	if (cpu->vendor == VENDOR_INTEL && cpu->family == 6 &&
	    !cpu->has_capabilities)
		return present("older than IA32_ARCH_CAPABILITIES");
	return intel_only(cpu, RDCL_NO);
}

static struct flaw_verdict l1tf(const struct cpu_identity *cpu)
{
	return intel_only(cpu, RDCL_NO);
}

static struct flaw_verdict mds(const struct cpu_identity *cpu)
{
	return intel_only(cpu, MDS_NO);
}

static struct flaw_verdict taa(const struct cpu_identity *cpu)
{
	if (cpu->vendor == VENDOR_INTEL && !cpu->has_tsx)
		return absent("no TSX");
	return intel_only(cpu, TAA_NO);
}

static struct flaw_verdict mmio_stale_data(const struct cpu_identity *cpu)
{
	return intel_only(cpu, MMIO_NO);
}

static struct flaw_verdict spectre_v2(const struct cpu_identity *cpu)
{
	if (cpu->vendor == VENDOR_INTEL && is_in_order(cpu))
		return absent("this Atom executes in order");
	if (cpu->vendor == VENDOR_INTEL || is_amd(cpu))
		return present("as every processor that predicts branches");
	return unknown();
}

static struct flaw_verdict ssb(const struct cpu_identity *cpu)
{
	if (is_amd(cpu) && cpu->says_ssb_no)
		return absent("CPUID says so");
	if (is_amd(cpu) && cpu->family >= 0x15)
		return present("AMD since family 15h, and CPUID does not "
			       "deny it");
	if (cpu->vendor != VENDOR_INTEL || !cpu->has_capabilities)
		return unknown();
	if (cpu->capabilities & SSB_NO)
		return absent("IA32_ARCH_CAPABILITIES says so");
	return present("IA32_ARCH_CAPABILITIES does not deny it");
}

static struct flaw_verdict retbleed(const struct cpu_identity *cpu)
{
	if (cpu->vendor == VENDOR_HYGON && cpu->family == 0x18)
		return present("Hygon family 18h");
	if (cpu->vendor == VENDOR_AMD && cpu->family >= 0x15 &&
	    cpu->family <= 0x17)
		return present("AMD families 15h to 17h");
	if (cpu->vendor == VENDOR_AMD && cpu->family >= 0x19)
		return absent("AMD since family 19h");
	if (cpu->vendor == VENDOR_INTEL && cpu->has_capabilities &&
	    (cpu->capabilities & RSBA))
		return present("IA32_ARCH_CAPABILITIES.RSBA");
	return unknown();
}

static struct flaw_verdict srso(const struct cpu_identity *cpu)
{
	if (cpu->vendor == VENDOR_INTEL)
		return absent("only AMD has it");
	if (is_amd(cpu) && cpu->says_srso_no)
		return absent("CPUID says so");
	if (cpu->vendor == VENDOR_AMD &&
	    (cpu->family == 0x17 || cpu->family == 0x19))
		return present("AMD families 17h and 19h");
	if (cpu->vendor == VENDOR_AMD && cpu->family < 0x17)
		return absent("AMD before family 17h");
	return unknown();
}

static const struct {
	const char *name;
	struct flaw_verdict (*check)(const struct cpu_identity *cpu);
} flaws[CPU_FLAW_COUNT] = {
	{ "meltdown", meltdown },
	{ "l1tf", l1tf },
	{ "mds", mds },
	{ "taa", taa },
	{ "mmio_stale_data", mmio_stale_data },
	{ "spectre_v2", spectre_v2 },
	{ "ssb", ssb },
	{ "retbleed", retbleed },
	{ "srso", srso },
};

struct flaw_verdict cpu_flaw_at(unsigned index, const struct cpu_identity *cpu)
{
	struct flaw_verdict verdict = flaws[index].check(cpu);

	verdict.name = flaws[index].name;
	return verdict;
}

const char *flaw_state_name(enum flaw_state state)
{
	switch (state) {
	case FLAW_ABSENT:
		return "not_affected";
	case FLAW_PRESENT:
		return "affected";
	case FLAW_UNKNOWN:
		break;
	}
	return "unknown";
}
