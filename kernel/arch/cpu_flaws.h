/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * cpu_flaws.h - which known flaws a processor has, as far as it can be known.
 * Pure: the input comes from command_cpuinfo.c, or from a test.
 *
 * Bulldog mitigates none of them yet: it runs no programs that could exploit
 * one. So "affected" always means "affected and not mitigated".
 */
#ifndef KERNEL_ARCH_CPU_FLAWS_H
#define KERNEL_ARCH_CPU_FLAWS_H

#include <stdbool.h>
#include <stdint.h>

enum cpu_vendor { VENDOR_OTHER, VENDOR_INTEL, VENDOR_AMD, VENDOR_HYGON };

struct cpu_identity {
	enum cpu_vendor vendor;
	uint32_t family, model, stepping;
	bool has_capabilities;		/* IA32_ARCH_CAPABILITIES exists     */
	uint64_t capabilities;
	bool has_tsx;			/* CPUID 7 EBX RTM                   */
	bool says_ssb_no;		/* CPUID 0x80000008 EBX bit 26       */
	bool says_srso_no;		/* CPUID 0x80000021 EAX bit 29       */
};

enum flaw_state { FLAW_UNKNOWN, FLAW_ABSENT, FLAW_PRESENT };

struct flaw_verdict {
	const char *name;
	enum flaw_state state;
	const char *why;		/* the reason for the verdict        */
};

#define CPU_FLAW_COUNT 9
struct flaw_verdict cpu_flaw_at(unsigned index,
				const struct cpu_identity *cpu);

/* "not_affected", "affected", "unknown". */
const char *flaw_state_name(enum flaw_state state);

#endif
