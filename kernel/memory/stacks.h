/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* stacks.h - the stacks of each CPU, between guard pages. */
#ifndef KERNEL_MEMORY_STACKS_H
#define KERNEL_MEMORY_STACKS_H

#include <base/status.h>

/*
 * Maps the stacks of `cpu`; the boot CPU has its main one already.
 * Fails: ST_NO_MEMORY, with nothing mapped.
 */
enum status memory_map_stacks(unsigned cpu);

/* Takes the stacks of a CPU that memory_map_stacks gave it away again. */
void memory_unmap_stacks(unsigned cpu);

#endif
