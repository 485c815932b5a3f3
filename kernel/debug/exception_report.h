/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * exception_report.h - all that is known about an exception, in log lines.
 *
 * The first line says what happened in words; docs/cpu/exceptions.md says what
 * the others mean. Nothing is allocated, nothing is changed.
 */
#ifndef KERNEL_DEBUG_EXCEPTION_REPORT_H
#define KERNEL_DEBUG_EXCEPTION_REPORT_H

#include <kernel/arch/trap.h>

/* Stack that a report needs, with room to spare. */
#define REPORT_BYTES 0x1800

/* Does not return to an earlier report: a fault in one ends everything. */
void report_exception(const struct trap_frame *frame);

#endif
