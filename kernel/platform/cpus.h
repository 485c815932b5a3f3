/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* cpus.h - the processors that this machine has. */
#ifndef KERNEL_PLATFORM_CPUS_H
#define KERNEL_PLATFORM_CPUS_H

#include "cpu_list.h"

/*
 * Reads which processors there are. Before the firmware's tables can change
 * hands. Without a table there is one CPU, and a line has said why.
 */
void cpus_find(void);

const struct cpu_list *cpus(void);

/* The processor of this index in the list is online. */
void cpus_note_started(unsigned cpu);

#endif
