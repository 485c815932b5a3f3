// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Each CPU has one call, in its own area, and a mailbox with a bit for each
 * caller. A caller fills in its call, adds 1 to `unanswered` for each CPU that
 * must answer, sets its bit in their mailboxes, and interrupts them. A CPU
 * that answers clears all bits of its mailbox at once, runs those calls'
 * functions, and subtracts 1 for each.
 *
 * (I1) A call changes only while its `unanswered` is 0.
 * (I2) `unanswered` is the number of mailboxes with the caller's bit, plus
 *      the calls taken from there that have not ended.
 * Nothing is allocated and nothing locked, so all CPUs may call all others at
 * once. A CPU that waits answers meanwhile, so two CPUs that call each other
 * do not deadlock.
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
	 * Release: the call is complete before its bit is seen. A locked
	 * instruction: the bit is in memory before the interrupt is sent.
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
	/* Release: the caller that waits sees all that the function did. */
	atomic_fetch_add_release(&call->unanswered, (uint32_t)-1);
}

void ipi_handle(void)
{
	struct mailbox *box = &myself()->mailbox;

	for (unsigned i = 0; i < ARRAY_LENGTH(box->callers); i++) {
		uint64_t callers;

		if (atomic_load_relaxed(&box->callers[i]) == 0)
			continue;
		/* Acquire: sees the calls as their callers filled them in. */
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

/* Does what the handler does: the waiting task may have interrupts off. */
static void answer_while_waiting(struct cpu_local *me)
{
	uint64_t flags = interrupts_off();

	me->context = CPU_INTERRUPT;
	ipi_handle();
	me->context = CPU_TASK;
	interrupts_restore(flags);
}

/* `unanswered` starts at 1 for the caller, until all CPUs have been asked. */
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

	/* Relaxed: this CPU has set it, or is about to be stopped. */
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
		/* A CPU that cannot be reached must not delay the report. */
		if (lapic_send(cpu_local_at(cpu)->apic, LAPIC_NMI) != ST_OK)
			return;
	}
}
