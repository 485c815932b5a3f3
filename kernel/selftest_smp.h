/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* selftest_smp.h - the self tests that need more than one CPU to be hard. */
#ifndef KERNEL_SELFTEST_SMP_H
#define KERNEL_SELFTEST_SMP_H

#include <stdbool.h>

#include "command.h"

/* True when good; on one CPU there is little to see, and it is good. */
bool selftest_ipi(const struct command_call *call);
bool selftest_tlb(const struct command_call *call);
bool selftest_near(const struct command_call *call);

#endif
