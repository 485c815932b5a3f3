// SPDX-License-Identifier: MIT OR Apache-2.0
#include "check.h"

#include <base/assert.h>

jmp_buf *check_assert_target;

static struct check_case *first_case;
static unsigned failures;

void check_register(struct check_case *test)
{
	struct check_case **place = &first_case;

	while (*place != NULL && strcmp((*place)->name, test->name) < 0)
		place = &(*place)->next;
	test->next = *place;
	*place = test;
}

void check_failed(const char *file, int line, const char *text)
{
	/* Prints only the first failures: a broken loop has many. */
	if (failures++ < 10)
		printf("# %s:%d: %s\n", file, line, text);
}

void assert_failed(const char *file, int line, const char *text)
{
	if (check_assert_target != NULL)
		longjmp(*check_assert_target, 1);
	printf("# ASSERT outside a case: %s:%d: %s\n", file, line, text);
	abort();
}

uint64_t check_seed(void)
{
	const char *given = getenv("CHECK_SEED");

	if (given != NULL)
		return strtoull(given, NULL, 0) | 1;
	return 0x9e3779b97f4a7c15;
}

static bool run_case(struct check_case *test)
{
	jmp_buf asserted;

	failures = 0;
	check_assert_target = &asserted;
	if (setjmp(asserted) == 0)
		test->run();
	else
		check_failed(test->name, 0, "an ASSERT failed");
	check_assert_target = NULL;
	return failures == 0;
}

/* Usage: test_x [PART OF A CASE'S NAME] */
int main(int argc, char **argv)
{
	unsigned number = 0, bad = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n");
	for (struct check_case *test = first_case; test; test = test->next) {
		bool good;

		if (argc > 1 && strstr(test->name, argv[1]) == NULL)
			continue;
		good = run_case(test);
		bad += !good;
		printf("%s %u %s\n", good ? "ok" : "not ok", ++number,
		       test->name);
		if (!good)
			printf("# seed %#lx\n", (unsigned long)check_seed());
	}
	if (number == 0)
		printf("# no case has %s in its name; without CASE= all cases "
		       "run\n", argc > 1 ? argv[1] : "anything");
	printf("1..%u\n", number);
	return bad != 0 || number == 0;
}
