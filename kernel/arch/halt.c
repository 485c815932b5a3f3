// SPDX-License-Identifier: MIT OR Apache-2.0
#include "halt.h"

void power_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}
