/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* stacks.h - the stacks of each CPU, between guard pages. */
#ifndef KERNEL_MEMORY_STACKS_H
#define KERNEL_MEMORY_STACKS_H

#include <base/status.h>

/*
 * Allocates and maps the stacks of the boot CPU, before frames_start: all
 * but the main stack, which the loader mapped.
 * Fails: ST_NO_MEMORY, with nothing mapped.
 */
enum status stacks_alloc_boot(void);

/* The same for another CPU, from frames_start on, on its node. */
enum status stacks_alloc(unsigned cpu);

/* Unmaps and frees the stacks of stacks_alloc. */
void stacks_free(unsigned cpu);

#endif
