// SPDX-License-Identifier: MIT OR Apache-2.0
#include "single_step.h"

#include <base/assert.h>

#include <signal.h>
#include <stddef.h>
#include <sys/ucontext.h>

#define TRAP_FLAG 0x100
#define EFLAGS 17			/* in gregs: REG_EFL of <ucontext.h> */

static const struct single_step *current;
static uint64_t steps;

static void on_trap(int number, siginfo_t *info, void *interrupted)
{
	greg_t *flags = &((ucontext_t *)interrupted)->uc_mcontext.gregs[EFLAGS];

	(void)number;
	(void)info;
	if (current == NULL) {
		*flags &= ~(greg_t)TRAP_FLAG;
		return;
	}
	*flags |= TRAP_FLAG;
	if (!current->between(current->context, steps++)) {
		*flags &= ~(greg_t)TRAP_FLAG;
		current = NULL;
	}
}

uint64_t single_step_run(const struct single_step *run)
{
	struct sigaction action = { .sa_sigaction = on_trap,
				    .sa_flags = SA_SIGINFO };
	struct sigaction before;

	ASSERT(sigaction(SIGTRAP, &action, &before) == 0);
	steps = 0;
	current = run;
	raise(SIGTRAP);			/* the handler sets the flag         */
	run->call(run->context);
	*(const struct single_step *volatile *)&current = NULL;
	/* The next trap clears the flag. */
	ASSERT(sigaction(SIGTRAP, &before, NULL) == 0);
	return steps;
}
