/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * pending.h - work that a CPU does at its next poll, as a task.
 *
 * Each CPU has one bit for each kind of work. Any CPU sets it; the CPU that
 * owns the bit clears it and runs the handler of the kind when it calls
 * pending_poll. So a handler may touch data that only tasks of its CPU touch,
 * the frame caches for example, and needs no guard against interrupts.
 *
 * A task polls when it is idle, while it waits for another CPU or for a lock
 * of kind TASK, and now and then in a long loop.
 */
#ifndef KERNEL_SYNC_PENDING_H
#define KERNEL_SYNC_PENDING_H

#include <stdbool.h>

enum pending_kind {
	PENDING_DRAIN,			/* empty this CPU's frame caches     */
	PENDING_MACHINE_CHECK,		/* log a machine check               */
	PENDING_CONSOLE,		/* write text that a handler queued  */
	PENDING_KINDS,
};

/*
 * The handler of a kind; a bit of a kind without one stays set. A handler
 * that waits must poll. Boot CPU only, before the other CPUs start.
 */
void pending_set_handler(enum pending_kind kind, void (*handler)(void));

/*
 * Sets the bit of `cpu`, which must be online, and ends its halt. From tasks
 * and interrupt handlers.
 */
void pending_raise(unsigned cpu, enum pending_kind kind);

/*
 * Sets the bit only: `cpu` sees it at its next poll, and if it halts, after
 * its next interrupt. From any context, NMI and machine check too.
 */
void pending_post(unsigned cpu, enum pending_kind kind);

/*
 * Runs the handlers of all kinds that are raised on this CPU, each at most
 * once. From tasks only.
 * Cost: one load when nothing is raised.
 */
void pending_poll(void);

/*
 * True when pending_poll would run a handler. A CPU asks with interrupts off
 * before it halts:
 *
 *	interrupts_off();
 *	if (pending_is_raised())
 *		interrupts_on();
 *	else
 *		interrupts_on_and_halt();
 */
bool pending_is_raised(void);

#endif
