// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Shortages are numbered. One begins when the first task enters it and ends
 * when the last task leaves it; it is drained once all CPUs have drained in
 * it.
 *
 * (D1) A CPU that drained on request sees that the shortage is on until it
 *      ends; therefore its caches stay empty, and a drained shortage stays
 *      drained.
 * (D2) Only one CPU at a time makes the others drain. A CPU that waits for it
 *      polls, since the draining CPU waits for all others.
 * (D3) A CPU sets its sleep byte, checks its condition once more, and sleeps.
 *      A CPU that changes the condition then reads the sleep byte. Both use
 *      exchanges of that byte, so one of the two sees the other.
 *
 * A hundred CPUs that are refused at once cost one drain, not a hundred.
 * Sleeping pays off in an emulator with more processors than cores: a CPU that
 * spins there uses the core that the CPU it waits for needs.
 */
#include "frame_drain.h"

#include <arch/cpu_local.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/interrupts.h>
#include <kernel/sync/ipi.h>
#include <kernel/sync/pending.h>

#define NUMBER_SHIFT	32

/* --- waiting ---------------------------------------------------------------*/

/* Waits a little. The caller checks its condition before each call. */
static void rest(struct frame_drain *drain, unsigned *turns)
{
	unsigned me = cpu_local_id();

	if (++*turns < drain->spins || !interrupts_are_on()) {
		atomic_pause();
		return;
	}
	if (*turns == drain->spins) {
		/* Both ways: D3. */
		atomic_exchange_acq_rel(&drain->asleep[me], 1);
		return;
	}
	*turns = drain->spins - 1;
	interrupts_off();
	/* Relaxed: a CPU that changes it sends an interrupt afterwards. */
	if (atomic_load_relaxed(&drain->asleep[me]) != 0 &&
	    !pending_is_raised())
		interrupts_on_and_halt();
	else
		interrupts_on();
}

static void wake(struct frame_drain *drain, unsigned cpu)
{
	/* Both ways: D3. */
	if (atomic_exchange_acq_rel(&drain->asleep[cpu], 0) != 0)
		ipi_wake(cpu);
}

/* --- one drain -------------------------------------------------------------*/

void frame_drain_requested(struct frame_drain *drain)
{
	/* Relaxed: like the state (D1), stored before the bit was raised. */
	unsigned drainer = atomic_load_relaxed(&drain->drainer);

	drain->drain_own();
	/* Release: the drained frames are in the pools. */
	if (atomic_fetch_add_acq_rel(&drain->undrained, (uint32_t)-1) == 1)
		wake(drain, drainer);
}

static void ask_others(struct frame_drain *drain, unsigned me)
{
	for (unsigned cpu = 0; cpu < cpu_local_limit(); cpu++) {
		if (cpu == me || !cpu_local_is_online(cpu))
			continue;
		/* Relaxed: the raise makes it visible. */
		atomic_fetch_add_relaxed(&drain->undrained, 1);
		pending_raise(cpu, PENDING_DRAIN);
	}
}

static void drain_all_cpus(struct frame_drain *drain)
{
	unsigned me = cpu_local_id(), turns = 0;

	atomic_store_relaxed(&drain->drainer, me);
	ask_others(drain, me);
	drain->drain_own();
	/* Acquire: sees the frames that the others drained. */
	while (atomic_load_acquire(&drain->undrained) != 0)
		rest(drain, &turns);
}

static bool may_drain(struct frame_drain *drain)
{
	/* Acquire: sees all of the last drain. */
	return atomic_exchange_acquire(&drain->draining, 1) == 0;
}

static void let_others_go_on(struct frame_drain *drain)
{
	/* Release: see may_drain. */
	atomic_store_release(&drain->draining, 0);
	for (unsigned cpu = 0; cpu < cpu_local_limit(); cpu++)
		wake(drain, cpu);
}

void frame_drain_all(struct frame_drain *drain)
{
	unsigned turns = 0;

	while (!may_drain(drain)) {
		pending_poll();
		rest(drain, &turns);
	}
	drain_all_cpus(drain);
	let_others_go_on(drain);
}

/* --- a shortage ------------------------------------------------------------*/

static uint32_t enter(struct frame_drain *drain)
{
	uint64_t state = atomic_load_relaxed(&drain->state), next;

	do {
		next = state + 1;
		if ((uint32_t)state == 0)
			next += 1UL << NUMBER_SHIFT;
		/* Relaxed: asking the others makes it visible to them. */
	} while (!atomic_compare_exchange_relaxed(&drain->state, &state,
						  next));
	return (uint32_t)(next >> NUMBER_SHIFT);
}

static bool is_drained(const struct frame_drain *drain, uint32_t number)
{
	/* Acquire: sees the frames that others drained. */
	return atomic_load_acquire(&drain->last_drained) == number;
}

void frame_drain_begin_shortage(struct frame_drain *drain)
{
	uint32_t number = enter(drain);
	unsigned turns = 0;

	while (!is_drained(drain, number)) {
		if (!may_drain(drain)) {
			pending_poll();
			rest(drain, &turns);
			continue;
		}
		if (!is_drained(drain, number)) {
			drain_all_cpus(drain);
			/* Release: see is_drained. */
			atomic_store_release(&drain->last_drained, number);
		}
		let_others_go_on(drain);
	}
}

void frame_drain_end_shortage(struct frame_drain *drain)
{
	/* Release: a CPU that sees the end sees all that was done before it. */
	atomic_fetch_add_release(&drain->state, (uint64_t)-1);
}
