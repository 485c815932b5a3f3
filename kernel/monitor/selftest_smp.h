/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* selftest_smp.h - the self tests of calls, TLB flushes and per-CPU memory. */
#ifndef KERNEL_MONITOR_SELFTEST_SMP_H
#define KERNEL_MONITOR_SELFTEST_SMP_H

#include "command.h"

/*
 * On one CPU they have little to do and succeed.
 * Fails: ST_CORRUPT: an error was found; ST_NO_MEMORY: too little memory for
 *        the test.
 */
enum status selftest_ipi(const struct command_call *call);
enum status selftest_tlb(const struct command_call *call);
enum status selftest_near(const struct command_call *call);

#endif
