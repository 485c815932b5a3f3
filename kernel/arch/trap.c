// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The kernel has no exception from which it could go on: there are no
 * programs yet whose fault it might be. So each is reported and ends in the
 * stop. Two return: a vector that no device and no exception has, because a
 * stray interrupt is no reason to stop, and a machine check that nobody's
 * frame has lost its content.
 *
 * The report runs on the stack of the exception while that has room for it,
 * else on the double-fault stack, which nobody needs any more by then.
 */
#include "trap.h"

#include <base/bits.h>
#include <boot/layout.h>

#include <stdbool.h>

#include <kernel/debug/describe_address.h>
#include <kernel/debug/exception_report.h>
#include <kernel/debug/machine_check.h>
#include <kernel/debug/panic.h>
#include <kernel/log/log.h>
#include <kernel/sync/ipi.h>

#include "cpu_local.h"
#include "halt.h"
#include "lapic.h"

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
static atomic_u32 spurious[TRAP_VECTORS];
static bool have_own_stacks;

void traps_join(struct cpu_local *cpu)
{
	struct gate_pointer pointer = {
		.limit = sizeof(gates) - 1,
		.base = (uint64_t)gates,
	};

	descriptors_load(&cpu->descriptors);
	cpu_local_use(cpu);
	__asm__ volatile("lidt %0" : : "m"(pointer));
}

void traps_start(void)
{
	for (unsigned i = 0; i < TRAP_VECTORS; i++) {
		uint64_t stub = (uint64_t)trap_stubs + i * TRAP_STUB_BYTES;

		gates[i] = (struct gate){
			.offset_low = (uint16_t)stub,
			.selector = SELECTOR_CODE,
			.flags = GATE_INTERRUPT,
			.offset_middle = (uint16_t)(stub >> 16),
			.offset_high = (uint32_t)(stub >> 32),
		};
	}
	traps_join(cpu_local_of_boot());
}

void traps_use_stacks(struct cpu_local *cpu)
{
	for (size_t i = 0; i < ARRAY_LENGTH(own_stacks); i++) {
		enum stack_kind kind = own_stacks[i].kind;

		descriptors_set_stack(&cpu->descriptors, kind,
				      stack_top(cpu->index, kind));
		gates[own_stacks[i].vector].flags = GATE_INTERRUPT | kind;
	}
	have_own_stacks = true;
}

void traps_expect_smap(void)
{
	trap_smap = true;
}

/* A flood of them is a line for the 1st, 2nd, 4th, 8th, ... */
static void count_spurious(uint64_t vector)
{
	/* Relaxed: a count. */
	uint32_t count = atomic_fetch_add_relaxed(&spurious[vector], 1) + 1;

	if ((count & (count - 1)) == 0)
		log_line(LOG_WARNING, "trap: spurious vector=%lu count=%u",
			 vector, count);
}

static void report_and_stop(void *frame)
{
	report_exception(frame);
	panic_stop();
}

static void take_interrupt(uint64_t vector)
{
	switch (vector) {
	case VECTOR_CALL:
		lapic_end();
		ipi_answer();
		break;
	case VECTOR_WAKE:
		lapic_end();
		break;
	case VECTOR_SPURIOUS:
		count_spurious(vector);
		break;
	default:
		/* One that stays in service would hold back all below it. */
		lapic_end_unknown((unsigned)vector);
		count_spurious(vector);
	}
}

static void take_exception(struct trap_frame *frame)
{
	vaddr_t here = { (uint64_t)__builtin_frame_address(0) };
	struct stack_place place;

	if (have_own_stacks && stack_place_of(here, &place) &&
	    place.kind != STACK_DOUBLE_FAULT && place.left < REPORT_BYTES)
		trap_run_on_stack(stack_top(place.cpu,
					    STACK_DOUBLE_FAULT).raw,
				  report_and_stop, frame);
	report_and_stop(frame);
}

void trap_dispatch(struct trap_frame *frame)
{
	struct cpu_local *cpu = this_cpu();
	enum cpu_context before = cpu->context;
	uint64_t vector = frame->vector;

	if (vector == VECTOR_NMI || vector == VECTOR_MACHINE_CHECK)
		cpu->context = CPU_NMI;
	else if (vector >= TRAP_EXCEPTIONS)
		cpu->context = CPU_INTERRUPT;
	if (vector >= TRAP_EXCEPTIONS) {
		cpu->counters.interrupts++;
		take_interrupt(vector);
	} else if (vector == VECTOR_NMI && panic_is_under_way()) {
		/*
		 * Another CPU panics and wants this one to stop. Or somebody
		 * presses the button while the reason is being printed.
		 */
		if (!panic_is_ours())
			power_halt();
	} else if (vector != VECTOR_MACHINE_CHECK || !machine_check_survive()) {
		take_exception(frame);
	}
	cpu->context = before;
}
