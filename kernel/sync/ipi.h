/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ipi.h - having something done on other CPUs, and knowing that it is done.
 *
 * The functions called run on the other CPU between any two instructions of
 * it, with interrupts off: they are short, take no lock of kind TASK and
 * call nobody in turn.
 */
#ifndef KERNEL_SYNC_IPI_H
#define KERNEL_SYNC_IPI_H

/*
 * Calls function(argument) on `cpu`, which must be online, or on all others
 * at once, and returns when the last of them has ended it. The CPU that
 * waits answers others meanwhile. There is no time-out: a caller that went
 * on would believe what is not true.
 * Locks: none of kind INTERRUPT may be held. From tasks only.
 */
void ipi_call(unsigned cpu, void (*function)(void *), void *argument);
void ipi_call_others(void (*function)(void *), void *argument);

/* Ends a halt of that CPU, which checks its work and its condition again. */
void ipi_wake(unsigned cpu);

/* Registers the handler of VECTOR_CALL. Before the other CPUs start. */
void ipi_init(void);

/* Does what others have asked of this CPU so far, as the handler does. */
void ipi_handle(void);

/*
 * Stops all others by NMI, for ever and wherever they are: they will not
 * answer any more, and are not asked. For a CPU that panics.
 */
void ipi_stop_others(void);

#endif
