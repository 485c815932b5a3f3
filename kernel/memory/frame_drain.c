// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Droughts are numbered. One begins when the first task enters and ends when
 * the last one leaves; it is dry once all CPUs have drained in it.
 *
 * (D1) A CPU that drained on request sees that the drought is on until it
 *      ends; therefore its banks stay empty, and what is dry stays dry.
 * (D2) Only one CPU at a time makes the others drain. Whoever else waits for
 *      it polls, since it waits for him.
 * (D3) Who sleeps has said so, and has looked once more afterwards. Who
 *      changes what he waits for looks then whether he sleeps. Both by
 *      exchanges of one byte, so one of the two sees the other.
 *
 * A hundred CPUs that are refused at once cost one drain, not a hundred. To
 * sleep pays off where processors are an emulator's, and more than there are
 * cores: who spins then keeps those away for whom he waits.
 */
#include "frame_drain.h"

#include <arch/cpu_local.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/interrupts.h>
#include <kernel/sync/ipi.h>
#include <kernel/sync/pending.h>

#define NUMBER_SHIFT	32

/* --- waiting ---------------------------------------------------------------*/

/* Called in a loop, which looks again for what it waits. */
static void rest(struct drought *drought, unsigned *turns)
{
	unsigned me = cpu_local_id();

	if (++*turns < drought->spins || !interrupts_are_on()) {
		atomic_pause();
		return;
	}
	if (*turns == drought->spins) {
		/* Both ways: D3. */
		atomic_exchange_acq_rel(&drought->asleep[me], 1);
		return;
	}
	*turns = drought->spins - 1;
	interrupts_off();
	/* Relaxed: a CPU that changes it sends an interrupt afterwards. */
	if (atomic_load_relaxed(&drought->asleep[me]) != 0 &&
	    !pending_is_raised())
		interrupts_on_and_halt();
	else
		interrupts_on();
}

static void wake(struct drought *drought, unsigned cpu)
{
	/* Both ways: D3. */
	if (atomic_exchange_acq_rel(&drought->asleep[cpu], 0) != 0)
		ipi_wake(cpu);
}

/* --- one drain -------------------------------------------------------------*/

void drought_drain_requested(struct drought *drought)
{
	/* Relaxed: stored before this CPU's bit was raised, and so is D1. */
	unsigned drainer = atomic_load_relaxed(&drought->drainer);

	drought->drain_own();
	/* Release: what has been drained can be found. */
	if (atomic_fetch_add_acq_rel(&drought->undrained, (uint32_t)-1) == 1)
		wake(drought, drainer);
}

static void ask_others(struct drought *drought, unsigned me)
{
	for (unsigned cpu = 0; cpu < cpu_local_limit(); cpu++) {
		if (cpu == me || !cpu_local_is_online(cpu))
			continue;
		/* Relaxed: the raise makes it visible. */
		atomic_fetch_add_relaxed(&drought->undrained, 1);
		pending_raise(cpu, PENDING_DRAIN);
	}
}

static void drain(struct drought *drought)
{
	unsigned me = cpu_local_id(), turns = 0;

	atomic_store_relaxed(&drought->drainer, me);
	ask_others(drought, me);
	drought->drain_own();
	/* Acquire: what the others drained is seen. */
	while (atomic_load_acquire(&drought->undrained) != 0)
		rest(drought, &turns);
}

static bool may_drain(struct drought *drought)
{
	/* Acquire: the drain before is over. */
	return atomic_exchange_acquire(&drought->draining, 1) == 0;
}

static void let_others_go_on(struct drought *drought)
{
	/* Release: see may_drain. */
	atomic_store_release(&drought->draining, 0);
	for (unsigned cpu = 0; cpu < cpu_local_limit(); cpu++)
		wake(drought, cpu);
}

void drought_drain_all(struct drought *drought)
{
	unsigned turns = 0;

	while (!may_drain(drought)) {
		pending_poll();
		rest(drought, &turns);
	}
	drain(drought);
	let_others_go_on(drought);
}

/* --- a drought -------------------------------------------------------------*/

static uint32_t enter(struct drought *drought)
{
	uint64_t state = atomic_load_relaxed(&drought->state), next;

	do {
		next = state + 1;
		if ((uint32_t)state == 0)
			next += 1UL << NUMBER_SHIFT;
		/* Relaxed: asking the others makes it visible to them. */
	} while (!atomic_compare_exchange_relaxed(&drought->state, &state,
						  next));
	return (uint32_t)(next >> NUMBER_SHIFT);
}

static bool is_dry(const struct drought *drought, uint32_t number)
{
	/* Acquire: what others drained is seen. */
	return atomic_load_acquire(&drought->dry) == number;
}

void drought_begin(struct drought *drought)
{
	uint32_t number = enter(drought);
	unsigned turns = 0;

	while (!is_dry(drought, number)) {
		if (!may_drain(drought)) {
			pending_poll();
			rest(drought, &turns);
			continue;
		}
		if (!is_dry(drought, number)) {
			drain(drought);
			/* Release: see is_dry. */
			atomic_store_release(&drought->dry, number);
		}
		let_others_go_on(drought);
	}
}

void drought_end(struct drought *drought)
{
	/* Release: banks are filled after what was done in it. */
	atomic_fetch_add_release(&drought->state, (uint64_t)-1);
}
