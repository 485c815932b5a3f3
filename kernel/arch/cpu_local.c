// SPDX-License-Identifier: MIT OR Apache-2.0
#include "cpu_local.h"

#include <arch/instructions.h>
#include <base/assert.h>
#include <base/bits.h>

#include "interrupts.h"

#define MSR_GS_BASE	0xc0000101
#define FLAG_INTERRUPTS	(1UL << 9)

_Static_assert(offsetof(struct cpu_local, self) == CPU_SELF, "ap_start.S");
_Static_assert(offsetof(struct cpu_local, index) == CPU_INDEX, "ap_start.S");
_Static_assert(offsetof(struct cpu_local, apic) == CPU_APIC, "ap_start.S");
_Static_assert(offsetof(struct cpu_local, start) == CPU_START, "ap_start.S");
_Static_assert(offsetof(struct cpu_local, main_stack) == CPU_STACK,
	       "ap_start.S");

/* Read by ap_start.S. Only the boot CPU changes it. */
extern struct cpu_local *cpu_areas[STACK_CPUS];

static struct cpu_local boot_cpu;
struct cpu_local *cpu_areas[STACK_CPUS];
static unsigned limit;

struct cpu_local *cpu_local_of_boot(void)
{
	cpu_local_prepare(&boot_cpu, 0, 0);
	boot_cpu.start.plain = START_ONLINE;
	return &boot_cpu;
}

void cpu_local_prepare(struct cpu_local *area, unsigned index, uint32_t apic)
{
	ASSERT(index < STACK_CPUS && cpu_areas[index] == NULL);
	area->self = area;
	area->index = index;
	area->apic = apic;
	area->main_stack = stack_top(index, STACK_MAIN).raw;
	cpu_areas[index] = area;
	limit = (unsigned)max_u64(limit, index + 1);
}

void cpu_local_forget(unsigned index)
{
	cpu_areas[index] = NULL;
	while (limit > 1 && cpu_areas[limit - 1] == NULL)
		limit--;
}

void cpu_local_use(struct cpu_local *area)
{
	write_msr(MSR_GS_BASE, (uint64_t)area);
}

struct cpu_local *cpu_local_at(unsigned index)
{
	return index < limit ? cpu_areas[index] : NULL;
}

unsigned cpu_local_limit(void)
{
	return limit;
}

bool cpu_local_is_online(unsigned index)
{
	struct cpu_local *area = cpu_local_at(index);

	/* Acquire: all that the CPU set up before it went online is seen. */
	return area != NULL &&
	       atomic_load_acquire(&area->start) == START_ONLINE;
}

unsigned cpu_local_id(void)
{
	return this_cpu()->index;
}

enum cpu_context cpu_local_context(void)
{
	return this_cpu()->context;
}

struct lock_chain *lock_chain_of_this_cpu(void)
{
	return &this_cpu()->locks;
}

static uint64_t read_flags(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags) : : "memory");
	return flags;
}

bool interrupts_are_on(void)
{
	return read_flags() & FLAG_INTERRUPTS;
}

uint64_t interrupts_off(void)
{
	uint64_t flags = read_flags();

	__asm__ volatile("cli" : : : "memory");
	return flags;
}

void interrupts_on(void)
{
	__asm__ volatile("sti" : : : "memory");
}

/* Source: Intel SDM vol. 2B, STI. */
void interrupts_on_and_halt(void)
{
	this_cpu()->counters.halts++;
	__asm__ volatile("sti\n\thlt" : : : "memory");
}

void interrupts_restore(uint64_t flags)
{
	if (flags & FLAG_INTERRUPTS)
		interrupts_on();
}
