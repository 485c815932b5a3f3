/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * exception_report.h - logs all that is known about an exception.
 *
 * The first line is the event in words; docs/cpu/exceptions.md explains the
 * others. Nothing is allocated or changed.
 */
#ifndef KERNEL_DEBUG_EXCEPTION_REPORT_H
#define KERNEL_DEBUG_EXCEPTION_REPORT_H

#include <kernel/arch/trap.h>

/* Stack that a report needs, with room to spare. */
#define REPORT_BYTES 0x1800

/*
 * Called again during a report, it does not return: a fault in a report ends
 * it.
 */
void report_exception(const struct trap_frame *frame);

#endif
