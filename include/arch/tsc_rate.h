/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * tsc_rate.h - measures how fast the time-stamp counter counts.
 *
 * From CPUID leaf 0x15 if the processor has the rate there (Intel SDM vol. 3B
 * 18.7.3), else by channel 2 of the PIT, which runs at 1,193,182 Hz in every
 * PC. An interrupted measurement (SMM, a busy host) is too high, so the lowest
 * of a few short ones is used: exact to a percent, enough for log lines and
 * waits. The loader measures once and passes the result to the kernel.
 */
#ifndef ARCH_TSC_RATE_H
#define ARCH_TSC_RATE_H

#include <stdint.h>

#include <arch/instructions.h>

#define PIT_HZ			1193182
#define PIT_CHANNEL_2		0x42
#define PIT_COMMAND		0x43
#define PIT_GATE_PORT		0x61
#define PIT_GATE_MASK		0xfc
#define PIT_GATE_ON		0x01	/* counting, speaker off             */
#define PIT_OUTPUT		0x20
#define PIT_ONE_SHOT		0xb0	/* channel 2, both bytes, mode 0     */
#define PIT_TICKS		149	/* an eighth of a millisecond        */
#define PIT_TRIES		4
/* Bounds the wait on a machine without a PIT. */
#define PIT_PATIENCE		100000
#define TSC_GUESS_PER_US	1000

static inline uint64_t tsc_rate_from_cpuid(void)
{
	struct cpuid clock;

	if (!cpuid_has_leaf(0x15))
		return 0;
	clock = read_cpuid(0x15, 0);
	if (clock.eax == 0 || clock.ebx == 0 || clock.ecx == 0)
		return 0;
	return (uint64_t)clock.ecx * clock.ebx / clock.eax / 1000000;
}

/* Ticks of the counter in PIT_TICKS of the PIT; 0 without a PIT. */
static inline uint64_t tsc_ticks_of_pit(void)
{
	unsigned patience = PIT_PATIENCE;
	uint64_t before;

	out8(PIT_GATE_PORT, (in8(PIT_GATE_PORT) & PIT_GATE_MASK) |
				    PIT_GATE_ON);
	out8(PIT_COMMAND, PIT_ONE_SHOT);
	out8(PIT_CHANNEL_2, PIT_TICKS & 0xff);
	out8(PIT_CHANNEL_2, PIT_TICKS >> 8);
	before = read_tsc();
	while ((in8(PIT_GATE_PORT) & PIT_OUTPUT) == 0)
		if (--patience == 0)
			return 0;
	return read_tsc() - before;
}

static inline uint64_t tsc_rate_from_pit(void)
{
	uint64_t fewest = tsc_ticks_of_pit();

	for (unsigned i = 1; i < PIT_TRIES && fewest != 0; i++) {
		uint64_t ticks = tsc_ticks_of_pit();

		if (ticks < fewest)
			fewest = ticks;
	}
	return fewest * PIT_HZ / PIT_TICKS / 1000000;
}

/* Ticks per microsecond, at least 1. Cost: half a millisecond at most. */
static inline uint64_t tsc_rate(void)
{
	uint64_t rate = tsc_rate_from_cpuid();

	if (rate == 0)
		rate = tsc_rate_from_pit();
	return rate != 0 ? rate : TSC_GUESS_PER_US;
}

#endif
