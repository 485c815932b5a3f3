// SPDX-License-Identifier: MIT OR Apache-2.0
#include "fake_cpu.h"

static _Thread_local unsigned this_id;
static _Thread_local enum cpu_context this_context;

void fake_cpu_become(unsigned id, enum cpu_context context)
{
	this_id = id;
	this_context = context;
}

__attribute__((weak)) unsigned cpu_local_id(void)
{
	return this_id;
}

__attribute__((weak)) enum cpu_context cpu_local_context(void)
{
	return this_context;
}
