/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * cpu_local.h - the number and the context of the CPU that calls.
 *
 * The kernel implements them with its per-CPU area, hosted programs for each
 * thread. The kernel is not preemptible: the result of cpu_local_id stays
 * valid until the caller returns to user mode, halts or switches stacks.
 */
#ifndef ARCH_CPU_LOCAL_H
#define ARCH_CPU_LOCAL_H

enum cpu_context {
	CPU_TASK,		/* a system call, a kernel thread, the boot  */
	CPU_INTERRUPT,		/* an interrupt handler; they do not nest    */
	CPU_NMI,		/* NMI or machine check, at any instruction */
	CPU_CONTEXTS,
};

/* 0 ... CPUs - 1, in the order in which they were brought up. */
unsigned cpu_local_id(void);

enum cpu_context cpu_local_context(void);

#endif
