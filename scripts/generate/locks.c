// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Prints docs/locks.md from kernel/arch/lock_ranks.h, or refuses them:
 * a handler interrupts tasks, so its locks must be the inner ones.
 *
 * The script that compiles this file includes that header before it.
 */
#include <stdio.h>

static const struct {
	const char *name;
	enum lock_kind kind;
	const char *meaning;
} ranks[] = {
#define ROW(constant, name, kind, meaning) { #name, LOCK_##kind, meaning },
	LOCK_RANKS(ROW)
#undef ROW
};

static const char *const kind_names[] = {
	[LOCK_TASK] = "task",
	[LOCK_INTERRUPT] = "interrupt",
};

static int refuse(void)
{
	int bad = 0;

	for (unsigned i = 1; i < RANK_COUNT; i++) {
		if (ranks[i].kind >= ranks[i - 1].kind)
			continue;
		fprintf(stderr, "lock_ranks.h: %s is a lock of tasks below "
				"one of interrupt handlers\n", ranks[i].name);
		bad = 1;
	}
	return bad;
}

int main(void)
{
	if (refuse())
		return 1;
	printf("# Locks\n\n"
	       "Made by `scripts/generate-docs` from "
	       "`kernel/arch/lock_ranks.h`: change that file.\n\n"
	       "A CPU that holds a lock may acquire only locks further down. "
	       "`lock_acquire` asserts it.\n\n"
	       "| rank | lock | kind | what it is for |\n"
	       "|---|---|---|---|\n");
	for (unsigned i = 0; i < RANK_COUNT; i++)
		printf("| %u | `%s` | %s | %s |\n", i, ranks[i].name,
		       kind_names[ranks[i].kind], ranks[i].meaning);
	printf("\n| in | may take | may ask other CPUs and wait |\n"
	       "|---|---|---|\n"
	       "| a task | both kinds; one of kind interrupt with interrupts "
	       "off | yes, unless it holds one of kind interrupt |\n"
	       "| an interrupt handler | kind interrupt | no |\n"
	       "| an NMI or a machine check | nothing | no |\n"
	       "| a CPU that panics | nothing: it breaks the locks it needs; "
	       "the other CPUs are stopped | no |\n");
	return 0;
}
