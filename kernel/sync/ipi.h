/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ipi.h - calls functions on other CPUs, and waits until they have returned.
 *
 * A called function runs on the other CPU in an interrupt handler: it is
 * short, takes no lock of kind TASK, and calls no other CPU in turn.
 */
#ifndef KERNEL_SYNC_IPI_H
#define KERNEL_SYNC_IPI_H

/*
 * Calls function(argument) on `cpu`, which must be online, or on all others at
 * once, and returns when it has returned on all of them. The CPU that waits
 * answers others meanwhile. There is no time-out: the caller relies on the
 * function having run.
 * Locks: none of kind INTERRUPT may be held. From tasks only.
 */
void ipi_call(unsigned cpu, void (*function)(void *), void *argument);
void ipi_call_others(void (*function)(void *), void *argument);

/* Ends a halt of that CPU, which checks its work and its condition again. */
void ipi_wake(unsigned cpu);

/* Registers the handler of VECTOR_CALL. Before the other CPUs start. */
void ipi_init(void);

/* Runs the calls in the mailbox of this CPU, as the handler does. */
void ipi_handle(void);

/*
 * Stops all other CPUs by NMI, at any instruction and for ever. Later calls
 * skip them. For a CPU that panics.
 */
void ipi_stop_others(void);

#endif
