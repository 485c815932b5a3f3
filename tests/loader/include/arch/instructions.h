/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * instructions.h - the same names as include/arch/instructions.h, for a
 * loader that runs in a process: each asks the model in fake_processor.c.
 *
 * Shadows the real header for efi/ in the loader's host build; uart.h and
 * tsc_rate.h, which are made of these, stay the real ones.
 */
#ifndef ARCH_INSTRUCTIONS_H
#define ARCH_INSTRUCTIONS_H

#include <stdint.h>

void fake_out(uint16_t port, uint32_t value, unsigned bytes);
uint32_t fake_in(uint16_t port, unsigned bytes);
uint64_t fake_tsc(void);
uint64_t fake_read_msr(uint32_t number);
void fake_write_msr(uint32_t number, uint64_t value);
uint64_t fake_control(unsigned number);
void fake_write_back(const void *start, uint64_t bytes);

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};
struct cpuid fake_cpuid(uint32_t leaf, uint32_t subleaf);

static inline void out8(uint16_t port, uint8_t value)
{
	fake_out(port, value, 1);
}

static inline void out16(uint16_t port, uint16_t value)
{
	fake_out(port, value, 2);
}

static inline void out32(uint16_t port, uint32_t value)
{
	fake_out(port, value, 4);
}

static inline uint8_t in8(uint16_t port)
{
	return (uint8_t)fake_in(port, 1);
}

static inline uint16_t in16(uint16_t port)
{
	return (uint16_t)fake_in(port, 2);
}

static inline uint32_t in32(uint16_t port)
{
	return fake_in(port, 4);
}

static inline uint64_t read_tsc(void)
{
	return fake_tsc();
}

static inline uint64_t read_msr(uint32_t number)
{
	return fake_read_msr(number);
}

static inline void write_msr(uint32_t number, uint64_t value)
{
	fake_write_msr(number, value);
}

static inline struct cpuid read_cpuid(uint32_t leaf, uint32_t subleaf)
{
	return fake_cpuid(leaf, subleaf);
}

static inline int cpuid_has_leaf(uint32_t leaf)
{
	return read_cpuid(leaf & 0x80000000, 0).eax >= leaf;
}

static inline void write_back(const void *start, uint64_t bytes)
{
	fake_write_back(start, bytes);
}

#define READ_CONTROL(number) fake_control(number)

#endif
