/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * fake_cpu.h - cpu_local.h for hosted programs: each thread is a CPU and sets
 * its own number. A test that runs several CPUs in one thread (an explorer)
 * defines both functions of cpu_local.h itself.
 */
#ifndef TESTS_FAKE_CPU_H
#define TESTS_FAKE_CPU_H

#include <arch/cpu_local.h>

void fake_cpu_become(unsigned id, enum cpu_context context);

#endif
