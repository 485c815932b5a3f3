// SPDX-License-Identifier: MIT OR Apache-2.0
/* The plain boot, and where things lie when memory is odd. */
#include "verdict.h"

static struct fake_pc pc;

CASE(loader_hands_over_a_plain_machine)
{
	fake_pc_plain(&pc);
	CHECK_BOOTS(&pc, "plain");
}
