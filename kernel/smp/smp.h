/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * smp.h - starting the other CPUs and giving them work.
 */
#ifndef KERNEL_SMP_SMP_H
#define KERNEL_SMP_SMP_H

/*
 * Starts all that maxcpus= allows, at once, and switches interrupts on. One
 * that does not start within a second is named in the log and left out.
 * Each CPU gets descriptors, stacks with guards and an area of its own, and
 * then runs `online`, which does not return, as a task.
 */
void smp_start(void (*online)(void));

unsigned smp_online_count(void);

/*
 * Runs function(argument) on every CPU that is online, as a task, on this
 * one too, and returns when all have ended it. Not from within such a task.
 * Locks: takes WORK.
 */
void smp_call_all_tasks(void (*function)(void *), void *argument);

#endif
