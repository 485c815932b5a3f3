// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Dispatch only: later rooms register the handlers of exceptions and
 * interrupts. It costs one indirect call.
 */
#include "trap.h"

#include <base/assert.h>
#include <base/bits.h>
#include <boot/layout.h>

#include <stdbool.h>

#include "cpu_local.h"

#define GATE_INTERRUPT	0x8e00	/* present, ring 0, interrupts off */

struct gate {
	uint16_t offset_low, selector;
	uint16_t flags;			/* bits 0..2: the IST number         */
	uint16_t offset_middle;
	uint32_t offset_high, zero;
};

struct __attribute__((packed)) gate_pointer {
	uint16_t limit;
	uint64_t base;
};

static const struct {
	unsigned vector;
	enum stack_kind kind;
} own_stacks[] = {
	{ VECTOR_DEBUG, STACK_DEBUG },
	{ VECTOR_NMI, STACK_NMI },
	{ VECTOR_DOUBLE_FAULT, STACK_DOUBLE_FAULT },
	{ VECTOR_MACHINE_CHECK, STACK_MACHINE_CHECK },
};

extern const char trap_stubs[];

/* Read by trap.S. */
extern bool trap_smap;
bool trap_smap;

static struct gate gates[TRAP_VECTORS] __attribute__((aligned(16)));
static trap_handler *handlers[TRAP_VECTORS];	/* [C] once CPUs start */
static bool have_own_stacks;

void traps_init_cpu(struct cpu_local *cpu)
{
	struct gate_pointer pointer = {
		.limit = sizeof(gates) - 1,
		.base = (uint64_t)gates,
	};

	gdt_load(&cpu->gdt);
	cpu_local_use(cpu);
	__asm__ volatile("lidt %0" : : "m"(pointer));
}

void traps_start(trap_handler *unregistered)
{
	for (unsigned i = 0; i < TRAP_VECTORS; i++) {
		uint64_t stub = (uint64_t)trap_stubs + i * TRAP_STUB_BYTES;

		handlers[i] = unregistered;
		gates[i] = (struct gate){
			.offset_low = (uint16_t)stub,
			.selector = SELECTOR_CODE,
			.flags = GATE_INTERRUPT,
			.offset_middle = (uint16_t)(stub >> 16),
			.offset_high = (uint32_t)(stub >> 32),
		};
	}
	traps_init_cpu(cpu_local_of_boot());
}

void trap_set_handler(unsigned vector, trap_handler *handler)
{
	ASSERT(vector < TRAP_VECTORS);
	handlers[vector] = handler;
}

void traps_use_stacks(struct cpu_local *cpu)
{
	for (size_t i = 0; i < ARRAY_LENGTH(own_stacks); i++) {
		enum stack_kind kind = own_stacks[i].kind;

		gdt_set_stack(&cpu->gdt, kind,
				      stack_top(cpu->index, kind));
		gates[own_stacks[i].vector].flags = GATE_INTERRUPT | kind;
	}
	have_own_stacks = true;
}

bool traps_have_stacks(void)
{
	return have_own_stacks;
}

void traps_expect_smap(void)
{
	trap_smap = true;
}

void trap_dispatch(struct trap_frame *frame)
{
	struct cpu_local *cpu = this_cpu();
	enum cpu_context before = cpu->context;
	uint64_t vector = frame->vector;

	if (vector == VECTOR_NMI || vector == VECTOR_MACHINE_CHECK) {
		cpu->context = CPU_NMI;
	} else if (vector >= TRAP_EXCEPTIONS) {
		cpu->context = CPU_INTERRUPT;
		cpu->counters.interrupts++;
	}
	handlers[vector](frame);
	cpu->context = before;
}
