/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* selftest_smp.h - the self tests that need more than one CPU to be hard. */
#ifndef KERNEL_MONITOR_SELFTEST_SMP_H
#define KERNEL_MONITOR_SELFTEST_SMP_H

#include "command.h"

/*
 * On one CPU there is little to see, and it is good.
 * Fails: ST_CORRUPT: something is wrong; ST_NO_MEMORY: there was too little
 *        to find out.
 */
enum status selftest_ipi(const struct command_call *call);
enum status selftest_tlb(const struct command_call *call);
enum status selftest_near(const struct command_call *call);

#endif
