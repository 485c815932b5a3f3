// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The interrupt that ends a halt runs no handler; it only makes the CPU read
 * its bits again. So only tasks touch the per-CPU data of tasks, which needs
 * no guard.
 *
 * (P1) A bit is set before its interrupt is sent. A CPU reads its bits with
 *      interrupts off and enables them together with the halt. So the CPU sees
 *      the bit, or the interrupt ends its halt.
 * (P2) A bit is cleared before its handler is called. So work that is
 *      raised while the handler runs is done by another run.
 * (P3) A handler never interrupts itself: while it runs, a poll passes over
 *      its kind. Other kinds still run: the handler may wait for a CPU that
 *      waits for one of them on this CPU.
 * (P4) The stores before a raise are seen by the handler that it leads to.
 */
#include "pending.h"

#include <arch/cpu_local.h>
#include <base/assert.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/lapic.h>

static void (*handlers[PENDING_KINDS])(void);	/* [C] */
static uint32_t handled;			/* [C] bits of those */

static struct cpu_local *this_area(void)
{
	return cpu_local_at(cpu_local_id());
}

void pending_set_handler(enum pending_kind kind, void (*handler)(void))
{
	ASSERT(kind < PENDING_KINDS && handlers[kind] == NULL);
	handlers[kind] = handler;
	handled |= 1u << kind;
}

void pending_post(unsigned cpu, enum pending_kind kind)
{
	ASSERT(kind < PENDING_KINDS);
	/*
	 * Release: P4. A locked instruction: the bit is in memory before an
	 * interrupt is sent (P1).
	 */
	atomic_fetch_or_release(&cpu_local_at(cpu)->pending, 1u << kind);
}

void pending_raise(unsigned cpu, enum pending_kind kind)
{
	ASSERT(cpu_local_is_online(cpu));
	ASSERT(cpu_local_context() != CPU_NMI);
	pending_post(cpu, kind);
	/* For this CPU itself: its own interrupt has ended the halt already. */
	if (cpu != cpu_local_id())
		lapic_interrupt(cpu_local_at(cpu)->apic);
}

static uint32_t runnable(const struct cpu_local *me)
{
	/* Relaxed: the acquire is where the bit is cleared. */
	return atomic_load_relaxed(&me->pending) & handled &
	       ~me->pending_running;
}

bool pending_is_raised(void)
{
	return runnable(this_area()) != 0;
}

void pending_poll(void)
{
	struct cpu_local *me = this_area();
	uint32_t kinds = runnable(me);

	for (; kinds != 0; kinds &= kinds - 1) {
		uint32_t bit = kinds & -kinds;

		ASSERT(me->context == CPU_TASK);
		/* Acquire: P4. */
		atomic_fetch_and_acquire(&me->pending, ~bit);
		me->pending_running |= bit;
		handlers[__builtin_ctz(kinds)]();
		me->pending_running &= ~bit;
	}
}
