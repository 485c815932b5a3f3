// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A caller has one call, in its own area, and every CPU a mailbox with a bit
 * for each caller. To call is to fill in the call, count who must answer,
 * set one's bit in their mailboxes, and interrupt them. To answer is to take
 * all bits at once, do what those calls say, and count down.
 *
 * (I1) A call changes only while its `unanswered` is 0.
 * (I2) `unanswered` is the number of mailboxes with the caller's bit, plus
 *      the calls taken from there that have not ended.
 * Nothing is allocated and nothing locked, so all CPUs may call all others
 * at once; who waits answers, so two that call each other both end.
 */
#include "ipi.h"

#include <base/assert.h>
#include <base/bits.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/interrupts.h>
#include <kernel/arch/lapic.h>
#include <kernel/arch/trap.h>

#include "lock.h"

/* Set by a CPU that panics. */
static atomic_u32 others_stopped;

static struct cpu_local *myself(void)
{
	return cpu_local_at(cpu_local_id());
}

static bool is_asked(unsigned cpu, const struct cpu_local *me)
{
	return cpu != me->index && cpu_local_is_online(cpu);
}

static void post(unsigned cpu, struct cpu_local *me)
{
	struct cpu_local *to = cpu_local_at(cpu);

	/* Relaxed: the release below makes it visible with the rest. */
	atomic_fetch_add_relaxed(&me->call.unanswered, 1);
	/*
	 * Release: the call is whole before it can be found. Being locked,
	 * it is in memory before the interrupt leaves.
	 */
	atomic_fetch_or_release(&to->mailbox.callers[word_index(me->index)],
				1UL << word_bit(me->index));
	lapic_interrupt(to->apic);
	me->counters.calls_made++;
}

static void answer_one(unsigned caller)
{
	struct ipi_call *call = &cpu_local_at(caller)->call;

	call->function(call->argument);
	myself()->counters.calls_answered++;
	/* Release: what the function did is seen by who waits for it. */
	atomic_fetch_add_release(&call->unanswered, (uint32_t)-1);
}

void ipi_handle(void)
{
	struct mailbox *box = &myself()->mailbox;

	for (unsigned i = 0; i < ARRAY_LENGTH(box->callers); i++) {
		uint64_t callers;

		if (atomic_load_relaxed(&box->callers[i]) == 0)
			continue;
		/* Acquire: the calls are as their callers filled them in. */
		callers = atomic_exchange_acquire(&box->callers[i], 0);
		for (; callers != 0; callers &= callers - 1)
			answer_one(i * WORD_BITS +
				   (unsigned)__builtin_ctzl(callers));
	}
}

static void handle_call(struct trap_frame *frame)
{
	(void)frame;
	lapic_end();
	ipi_handle();
}

void ipi_init(void)
{
	trap_set_handler(VECTOR_CALL, handle_call);
}

/* As the interrupt would, for a task that may have them off. */
static void answer_while_waiting(struct cpu_local *me)
{
	uint64_t flags = interrupts_off();

	me->context = CPU_INTERRUPT;
	ipi_handle();
	me->context = CPU_TASK;
	interrupts_restore(flags);
}

/* The caller itself counts for one until it has asked everybody. */
static void begin(struct cpu_local *me, void (*function)(void *),
		  void *argument)
{
	ASSERT(me->context == CPU_TASK);
	ASSERT(!lock_holds_interrupt_lock());
	ASSERT(atomic_load_relaxed(&me->call.unanswered) == 0);
	me->call.function = function;
	me->call.argument = argument;
	/* Relaxed: `post` makes all three visible. */
	atomic_store_relaxed(&me->call.unanswered, 1);
}

static void end(struct cpu_local *me)
{
	atomic_fetch_add_relaxed(&me->call.unanswered, (uint32_t)-1);
	/* Acquire: see answer_one. */
	while (atomic_load_acquire(&me->call.unanswered) != 0) {
		answer_while_waiting(me);
		atomic_pause();
	}
}

void ipi_call(unsigned cpu, void (*function)(void *), void *argument)
{
	struct cpu_local *me = myself();

	ASSERT(is_asked(cpu, me));
	begin(me, function, argument);
	post(cpu, me);
	end(me);
}

void ipi_call_others(void (*function)(void *), void *argument)
{
	struct cpu_local *me = myself();
	unsigned limit = cpu_local_limit();

	/* Relaxed: set by this CPU, or this one is about to be stopped. */
	if (limit == 1 || atomic_load_relaxed(&others_stopped))
		return;
	begin(me, function, argument);
	for (unsigned cpu = 0; cpu < limit; cpu++)
		if (is_asked(cpu, me))
			post(cpu, me);
	end(me);
}

void ipi_wake(unsigned cpu)
{
	lapic_interrupt(cpu_local_at(cpu)->apic);
}

void ipi_stop_others(void)
{
	const struct cpu_local *me = myself();

	/* Relaxed: only this CPU will read it. */
	atomic_store_relaxed(&others_stopped, 1);
	for (unsigned cpu = 0; cpu < cpu_local_limit(); cpu++) {
		if (!is_asked(cpu, me))
			continue;
		/* One that cannot be stopped must not stop the report. */
		if (lapic_send(cpu_local_at(cpu)->apic, LAPIC_NMI) != ST_OK)
			return;
	}
}
