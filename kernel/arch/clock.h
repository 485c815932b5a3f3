/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* clock.h - time since boot, from the time-stamp counter. */
#ifndef KERNEL_ARCH_CLOCK_H
#define KERNEL_ARCH_CLOCK_H

#include <stdint.h>

/* `start_tsc` is time 0; the rate is what the loader measured. */
void clock_start(uint64_t start_tsc, uint64_t ticks_per_us);

uint64_t clock_microseconds(void);
uint64_t clock_ticks_per_us(void);

/* Waits at least `us` microseconds. */
void clock_wait_us(uint64_t us);

#endif
