/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * cpu_local.h - which processor am I, and what is it doing?
 *
 * Supplied by the kernel from its per-CPU area and by hosted programs per
 * thread. The kernel is not preemptible: the answer of cpu_local_id stays
 * true until the caller returns to user mode, halts or switches stacks.
 */
#ifndef ARCH_CPU_LOCAL_H
#define ARCH_CPU_LOCAL_H

enum cpu_context {
	CPU_TASK,		/* a system call, a kernel thread, the boot  */
	CPU_INTERRUPT,		/* an interrupt handler; they do not nest    */
	CPU_NMI,		/* NMI or machine check, at any point at all */
	CPU_CONTEXTS,
};

/* 0 ... CPUs - 1, in the order in which they were brought up. */
unsigned cpu_local_id(void);

enum cpu_context cpu_local_context(void);

#endif
