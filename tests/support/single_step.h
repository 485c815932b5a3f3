/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * single_step.h - runs a call, and another function between any two
 * instructions.
 *
 * Uses the trap flag of the x86-64 host: `between` acts like another processor
 * that runs there. It must not allocate.
 */
#ifndef TESTS_SINGLE_STEP_H
#define TESTS_SINGLE_STEP_H

#include <stdbool.h>
#include <stdint.h>

struct single_step {
	void (*call)(void *context);
	/* Returns false when the rest may run at full speed. */
	bool (*between)(void *context, uint64_t step);
	void *context;
};

/* Returns how many steps were taken. */
uint64_t single_step_run(const struct single_step *run);

#endif
