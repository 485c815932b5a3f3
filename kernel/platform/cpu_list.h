/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * cpu_list.h - the processors that can be used, and those to start.
 *
 * Takes: the processors of a MADT, and the id of the boot processor.
 * Gives: rows such that (C1) row 0 is the boot processor; (C2) rows 1 to
 *        startable - 1 are those to be started, in the MADT's order; (C3)
 *        the others are those that could be used and will not be; (C4) no
 *        id is there twice.
 * A row below `startable` is the CPU of that number.
 */
#ifndef KERNEL_PLATFORM_CPU_LIST_H
#define KERNEL_PLATFORM_CPU_LIST_H

#include <boot/layout.h>

#include "madt.h"

enum cpu_state {
	CPU_STARTED,
	CPU_ABSENT,		/* does not start, or has not yet            */
	CPU_DISABLED,		/* by the firmware, an option, or for want
				   of a way to reach it                      */
};

struct cpu_row {
	uint32_t apic;
	uint8_t state;			/* enum cpu_state                    */
	bool is_x2apic;			/* said by an x2APIC entry           */
};

struct cpu_list {
	struct cpu_row rows[STACK_CPUS];
	unsigned count;
	unsigned startable;		/* the boot processor among them     */
	unsigned left_out;		/* usable, but the list was full     */
	unsigned unreachable;		/* enabled, but no message reaches it */
	bool boot_was_listed;
};

struct cpu_list_request {
	const struct madt_cpu *cpus;
	size_t count;
	uint32_t boot_apic;
	uint32_t highest_apic;		/* the highest that a message reaches */
	uint32_t max_cpus;		/* 0 = all                           */
};

void cpu_list_build(struct cpu_list *list,
		    const struct cpu_list_request *request);

bool cpu_list_audit(const struct cpu_list *list);	/* C1..C4 */

#endif
