/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* cpus.h - the list of this machine's processors. */
#ifndef KERNEL_PLATFORM_CPUS_H
#define KERNEL_PLATFORM_CPUS_H

#include "cpu_list.h"

/*
 * Reads the list of processors from the MADT; before ACPI memory is reclaimed.
 * Without a MADT there is one CPU, and the log says why.
 */
void cpus_find(void);

const struct cpu_list *cpus(void);

/* Notes that the processor with this index is online. */
void cpus_note_started(unsigned cpu);

#endif
