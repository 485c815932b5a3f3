/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * trap.h - exceptions and interrupts: the frame, the handlers, the stacks.
 *
 * All 256 vectors lead to trap_dispatch with interrupts off. It calls the
 * handler that was registered for the vector.
 */
#ifndef KERNEL_ARCH_TRAP_H
#define KERNEL_ARCH_TRAP_H

#define TRAP_VECTORS	256
#define TRAP_EXCEPTIONS	32		/* defined by the processor          */

#define VECTOR_DEBUG		1
#define VECTOR_NMI		2
#define VECTOR_DOUBLE_FAULT	8
#define VECTOR_PAGE_FAULT	14
#define VECTOR_MACHINE_CHECK	18
#define VECTOR_CALL		0xf0	/* another CPU calls (ipi.h)         */
#define VECTOR_WAKE		0xf1	/* a nap is over (lapic.h)           */
#define VECTOR_SPURIOUS		0xff	/* the local APIC's spurious one     */

/* Bytes from one stub to the next. */
#define TRAP_STUB_BYTES	16

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

/* As trap.S pushes it, lowest address first. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rbp, rdi, rsi, rdx, rcx, rbx;
	uint64_t cr2;			/* as it was on entry                */
	uint64_t rax;
	uint64_t vector;
	uint64_t error;			/* 0 where the vector has none       */
	uint64_t rip, cs, rflags, rsp, ss;	/* by the processor          */
};

_Static_assert(sizeof(struct trap_frame) == 23 * 8, "trap.S pushes this");

struct cpu_local;

/* Runs with interrupts off, in the context that cpu_local_context returns. */
typedef void trap_handler(struct trap_frame *frame);

/*
 * Sets up the boot CPU's area, descriptors and all gates. Each vector goes to
 * `unregistered` until trap_set_handler names another handler. Until
 * traps_use_stacks every exception runs on the stack that it interrupts.
 */
void traps_start(trap_handler *unregistered);

/*
 * Boot CPU only, before the other CPUs start. An interrupt's handler also
 * tells the local APIC that it is over (lapic_end).
 * Cost: the call of a handler is one indirect call.
 */
void trap_set_handler(unsigned vector, trap_handler *handler);

/*
 * Gives double fault, NMI, machine check and debug exceptions of `cpu` the
 * stacks of layout.h, which must be mapped. Called for the boot CPU first.
 */
void traps_use_stacks(struct cpu_local *cpu);
bool traps_have_stacks(void);

/* Makes the CPU that calls use `cpu`'s area and descriptors, and the gates. */
void traps_init_cpu(struct cpu_local *cpu);

/* SMAP is on: every entry forbids access to user pages (clac). */
void traps_expect_smap(void);

void trap_dispatch(struct trap_frame *frame);

/* trap.S: the return address of the call of trap_dispatch. */
extern const char trap_return[];

/* trap.S: leaves the present stack for ever; a backtrace ends there. */
_Noreturn void trap_run_on_stack(uint64_t top, void (*function)(void *),
				 void *argument);
#endif

#endif
