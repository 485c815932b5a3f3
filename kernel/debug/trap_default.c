// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Reports exceptions that no room handles, and stops: there are no programs
 * yet that could have caused them. The report runs on the stack of the
 * exception if that has room for it, else on the double-fault stack, which is
 * unused then. An unexpected interrupt does not stop the kernel.
 */
#include "trap_default.h"

#include <base/atomic.h>
#include <boot/layout.h>

#include <kernel/arch/halt.h>
#include <kernel/arch/lapic.h>
#include <kernel/log/log.h>

#include "describe_address.h"
#include "exception_report.h"
#include "panic.h"

static atomic_u32 spurious[TRAP_VECTORS];

/* Logs the 1st, 2nd, 4th, 8th, ... of a vector. */
static void count_spurious(uint64_t vector)
{
	/* Relaxed: a count. */
	uint32_t count = atomic_fetch_add_relaxed(&spurious[vector], 1) + 1;

	if ((count & (count - 1)) == 0)
		log_line(LOG_WARNING, "trap: spurious vector=%lu count=%u",
			 vector, count);
}

static void take_stray_interrupt(uint64_t vector)
{
	/* A vector that stays in service would block all lower ones. */
	if (vector != VECTOR_SPURIOUS)
		lapic_end_unknown((unsigned)vector);
	count_spurious(vector);
}

static void report_and_stop(void *frame)
{
	report_exception(frame);
	panic_stop();
}

static void take_exception(struct trap_frame *frame)
{
	vaddr_t here = { (uint64_t)__builtin_frame_address(0) };
	struct stack_position position;

	if (traps_have_stacks() && stack_position_of(here, &position) &&
	    position.kind != STACK_DOUBLE_FAULT && position.left < REPORT_BYTES)
		trap_run_on_stack(stack_top(position.cpu,
					    STACK_DOUBLE_FAULT).raw,
				  report_and_stop, frame);
	report_and_stop(frame);
}

void trap_default(struct trap_frame *frame)
{
	if (frame->vector >= TRAP_EXCEPTIONS) {
		take_stray_interrupt(frame->vector);
	} else if (frame->vector == VECTOR_NMI && panic_is_under_way()) {
		/*
		 * The CPU that panics stops this one. On the CPU that panics
		 * itself, it comes from the NMI button: go on with the report.
		 */
		if (!panic_is_ours())
			power_halt();
	} else {
		take_exception(frame);
	}
}
