// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Work that arrives between the check and the halt must not be missed. So the
 * CPU checks for work with interrupts off, and enables them together with the
 * halt: the processor takes no interrupt between `sti` and the next
 * instruction. A CPU that stores work sends an interrupt afterwards; it ends
 * the halt, or is pending already when the halt begins and ends it at once.
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
		/* Acquire: sees the work as its owner filled it in. */
		work = atomic_exchange_acquire(&me->work, NULL);
		if (work == NULL) {
			interrupts_on_and_halt();
			continue;
		}
		interrupts_on();
		work->run(work->argument);
		/* Release: the owner sees all that was done. Last access. */
		atomic_fetch_add_release(&work->left, (uint32_t)-1);
	}
}
