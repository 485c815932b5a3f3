// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Between looking for work and halting nothing may come that the look has
 * missed. So the look is made with interrupts off, and they go on together
 * with the halt: the processor takes none between `sti` and the instruction
 * behind it. A CPU that brings work sends an interrupt afterwards, which ends
 * the halt, or is pending already and lets none begin.
 *
 * Source: Intel SDM vol. 2B, STI.
 */
#include "idle.h"

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/interrupts.h>
#include <kernel/sync/pending.h>

void idle_loop(void)
{
	struct cpu_local *me = this_cpu();

	for (;;) {
		struct work *work;

		pending_poll();
		interrupts_off();
		if (pending_is_raised()) {
			interrupts_on();
			continue;
		}
		/* Acquire: the work is as its owner filled it in. */
		work = atomic_exchange_acquire(&me->work, NULL);
		if (work == NULL) {
			interrupts_on_and_halt();
			continue;
		}
		interrupts_on();
		work->run(work->argument);
		/* Release: the owner sees all that was done. The last touch. */
		atomic_fetch_add_release(&work->left, (uint32_t)-1);
	}
}
