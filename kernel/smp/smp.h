/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * smp.h - starts the other CPUs, and runs functions on all of them.
 */
#ifndef KERNEL_SMP_SMP_H
#define KERNEL_SMP_SMP_H

/*
 * Starts all CPUs that maxcpus= allows, at once, and switches interrupts on. A
 * CPU that does not start within a second is named in the log and left out.
 * Each CPU gets descriptors, stacks with guard pages and an area of its own,
 * and then runs `online`, which does not return, as a task.
 */
void smp_start(void (*online)(void));

unsigned smp_online_count(void);

/*
 * Runs function(argument) as a task on every CPU that is online, this one too,
 * and returns when it has returned on all of them. Not from within such a
 * task.
 * Locks: takes WORK.
 */
void smp_call_all_tasks(void (*function)(void *), void *argument);

#endif
