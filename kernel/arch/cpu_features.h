/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * cpu_features.h - what the processor has, what is on, and switching it on.
 */
#ifndef KERNEL_ARCH_CPU_FEATURES_H
#define KERNEL_ARCH_CPU_FEATURES_H

#include <stdbool.h>

#include <boot/handover.h>

/*
 * Compares the control registers with the entry contract of docs/boot.md: ""
 * or one clause that names the register that differs. Call before anything
 * changes them.
 */
const char *cpu_entry_refusal(const struct handover *handover);

/* CR4 as docs/boot.md has it at entry, on a processor with `features`. */
uint64_t cpu_entry_control(uint32_t features);

/* Each is true when that feature is on after cpu_protect. */
struct cpu_protection {
	bool wp, nx, smep, smap, umip, mce;
};

/* Switches on SMEP, SMAP and UMIP where `features` has them. Boot CPU only. */
struct cpu_protection cpu_protect(uint32_t features);

/* On another CPU: the same as on the boot CPU, and write-combining. */
void cpu_features_init_cpu(uint32_t features);

/* The state of one bit of enum cpu_feature on this CPU, now. */
struct cpu_feature_use {
	const char *name;
	bool present;
	bool enabled;
};
#define CPU_FEATURE_COUNT 15
struct cpu_feature_use cpu_feature_at(unsigned index, uint32_t features);

#endif
