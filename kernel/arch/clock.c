// SPDX-License-Identifier: MIT OR Apache-2.0
#include "clock.h"

#include <arch/instructions.h>
#include <base/bits.h>

static struct {
	uint64_t start_tsc, ticks_per_us;
} now;

void clock_start(uint64_t start_tsc, uint64_t ticks_per_us)
{
	now.start_tsc = start_tsc;
	now.ticks_per_us = ticks_per_us;
}

/* Never 0, also before clock_start or when the handover gives no rate. */
uint64_t clock_ticks_per_us(void)
{
	return max_u64(now.ticks_per_us, 1);
}

uint64_t clock_microseconds(void)
{
	if (now.ticks_per_us == 0)
		return 0;
	return (read_tsc() - now.start_tsc) / clock_ticks_per_us();
}

void clock_wait_us(uint64_t us)
{
	uint64_t end = read_tsc() + us * clock_ticks_per_us();

	while ((int64_t)(read_tsc() - end) < 0)
		__asm__ volatile("pause");
}
