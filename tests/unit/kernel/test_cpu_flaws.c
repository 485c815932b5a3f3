// SPDX-License-Identifier: MIT OR Apache-2.0
#include <kernel/arch/cpu_flaws.c>

#include "check.h"

#define NO_SUCH_FLAW (FLAW_PRESENT + 1)

static unsigned state_of(const char *name, struct cpu_identity cpu)
{
	for (unsigned i = 0; i < CPU_FLAW_COUNT; i++) {
		struct flaw_verdict verdict = cpu_flaw_at(i, &cpu);

		CHECK(verdict.why[0] != '\0');
		if (strcmp(verdict.name, name) == 0)
			return verdict.state;
	}
	printf("# no flaw %s\n", name);
	return NO_SUCH_FLAW;
}

static struct cpu_identity intel(uint32_t model, uint64_t capabilities)
{
	return (struct cpu_identity){
		.vendor = VENDOR_INTEL,
		.family = 6,
		.model = model,
		.has_capabilities = true,
		.capabilities = capabilities,
		.has_tsx = true,
	};
}

static struct cpu_identity amd(uint32_t family)
{
	return (struct cpu_identity){ .vendor = VENDOR_AMD, .family = family };
}

static const char *const denied_by_intel[] = {
	"meltdown", "l1tf", "mds", "taa", "mmio_stale_data",
};

CASE(cpu_flaws_believe_what_intel_denies)
{
	static const struct {
		const char *name;
		uint64_t bits;
	} denials[] = {
		{ "meltdown", 1 << 0 },	 { "l1tf", 1 << 0 },
		{ "ssb", 1 << 4 },	 { "mds", 1 << 5 },
		{ "taa", 1 << 8 },	 { "mmio_stale_data", 7 << 13 },
	};

	for (size_t i = 0; i < ARRAY_LENGTH(denials); i++) {
		const char *name = denials[i].name;
		uint64_t bits = denials[i].bits;

		CHECK(state_of(name, intel(0x8f, bits)) == FLAW_ABSENT);
		CHECK(state_of(name, intel(0x8f, ~bits)) == FLAW_PRESENT);
	}
	/* Only one of three bits is set. */
	CHECK(state_of("mmio_stale_data", intel(0x8f, 1 << 14)) ==
	      FLAW_PRESENT);
}

CASE(cpu_flaws_are_unknown_without_a_statement)
{
	struct cpu_identity old = intel(0x3c, 0);
	struct cpu_identity stranger = { .vendor = VENDOR_OTHER };

	old.has_capabilities = false;
	CHECK(state_of("l1tf", old) == FLAW_UNKNOWN);
	CHECK(state_of("mds", old) == FLAW_UNKNOWN);
	CHECK(state_of("ssb", old) == FLAW_UNKNOWN);
	CHECK(state_of("retbleed", old) == FLAW_UNKNOWN);
	for (unsigned i = 0; i < CPU_FLAW_COUNT; i++)
		CHECK(cpu_flaw_at(i, &stranger).state == FLAW_UNKNOWN);
}

CASE(cpu_flaws_know_meltdown_by_age)
{
	struct cpu_identity haswell = intel(0x3c, 0);
	struct cpu_identity bonnell = intel(0x1c, 0);

	haswell.has_capabilities = false;
	bonnell.has_capabilities = false;
	CHECK(state_of("meltdown", haswell) == FLAW_PRESENT);
	CHECK(state_of("meltdown", bonnell) == FLAW_ABSENT);
	CHECK(state_of("spectre_v2", bonnell) == FLAW_ABSENT);
	CHECK(state_of("spectre_v2", haswell) == FLAW_PRESENT);
}

CASE(cpu_flaws_of_tsx_need_tsx)
{
	struct cpu_identity without = intel(0x8f, 0);

	without.has_tsx = false;
	CHECK(state_of("taa", without) == FLAW_ABSENT);
	CHECK(state_of("taa", intel(0x8f, 0)) == FLAW_PRESENT);
}

CASE(cpu_flaws_of_amd_go_by_family)
{
	struct cpu_identity denies = amd(0x1a);

	for (size_t i = 0; i < ARRAY_LENGTH(denied_by_intel); i++)
		CHECK(state_of(denied_by_intel[i], amd(0x17)) == FLAW_ABSENT);
	CHECK(state_of("retbleed", amd(0xf)) == FLAW_UNKNOWN);
	CHECK(state_of("retbleed", amd(0x15)) == FLAW_PRESENT);
	CHECK(state_of("retbleed", amd(0x17)) == FLAW_PRESENT);
	CHECK(state_of("retbleed", amd(0x19)) == FLAW_ABSENT);
	CHECK(state_of("srso", amd(0x15)) == FLAW_ABSENT);
	CHECK(state_of("srso", amd(0x17)) == FLAW_PRESENT);
	CHECK(state_of("srso", amd(0x19)) == FLAW_PRESENT);
	CHECK(state_of("srso", amd(0x1a)) == FLAW_UNKNOWN);
	CHECK(state_of("ssb", amd(0x1a)) == FLAW_PRESENT);
	denies.says_ssb_no = true;
	denies.says_srso_no = true;
	CHECK(state_of("ssb", denies) == FLAW_ABSENT);
	CHECK(state_of("srso", denies) == FLAW_ABSENT);
	CHECK(state_of("spectre_v2", denies) == FLAW_PRESENT);
}

CASE(cpu_flaws_of_hygon_are_those_of_its_ancestor)
{
	struct cpu_identity hygon = { .vendor = VENDOR_HYGON,
				      .family = 0x18 };

	CHECK(state_of("retbleed", hygon) == FLAW_PRESENT);
	CHECK(state_of("meltdown", hygon) == FLAW_ABSENT);
	CHECK(state_of("srso", hygon) == FLAW_UNKNOWN);
	CHECK(state_of("srso", intel(0x8f, 0)) == FLAW_ABSENT);
}

CASE(cpu_flaws_have_words_for_each_state)
{
	CHECK(strcmp(flaw_state_name(FLAW_UNKNOWN), "unknown") == 0);
	CHECK(strcmp(flaw_state_name(FLAW_ABSENT), "not_affected") == 0);
	CHECK(strcmp(flaw_state_name(FLAW_PRESENT), "affected") == 0);
}
