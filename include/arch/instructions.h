/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * instructions.h - single instructions, by their names.
 *
 * For the loader and the kernel; mm/ never includes it.
 */
#ifndef ARCH_INSTRUCTIONS_H
#define ARCH_INSTRUCTIONS_H

#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void out16(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint16_t in16(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline uint64_t read_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static inline uint64_t read_msr(uint32_t number)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
	return (uint64_t)high << 32 | low;
}

static inline void write_msr(uint32_t number, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(number), "a"((uint32_t)value),
			   "d"((uint32_t)(value >> 32)));
}

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid read_cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid out;

	__asm__ volatile("cpuid"
			 : "=a"(out.eax), "=b"(out.ebx), "=c"(out.ecx),
			   "=d"(out.edx)
			 : "a"(leaf), "c"(subleaf));
	return out;
}

/* cpuid leaves have two ranges; the first leaf of each has its end. */
static inline int cpuid_has_leaf(uint32_t leaf)
{
	return read_cpuid(leaf & 0x80000000, 0).eax >= leaf;
}

/* Writes the cache lines back to memory, where they survive a reset. */
static inline void write_back(const void *start, uint64_t bytes)
{
	const char *line = (const char *)((uintptr_t)start & ~(uintptr_t)63);

	for (; line < (const char *)start + bytes; line += 64)
		__asm__ volatile("clflush (%0)" : : "r"(line) : "memory");
}

#define READ_CONTROL(number)						\
	({								\
		uint64_t value_;					\
		__asm__ volatile("mov %%cr" #number ", %0" : "=r"(value_)); \
		value_;							\
	})

#define WRITE_CONTROL(number, value)					\
	__asm__ volatile("mov %0, %%cr" #number				\
			 :						\
			 : "r"((uint64_t)(value))			\
			 : "memory")

#endif
