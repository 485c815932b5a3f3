// SPDX-License-Identifier: MIT OR Apache-2.0
#include "check.h"

#include <base/bits.h>

#include <kernel/lib/nearest_name.h>

static const char *command(unsigned index)
{
	static const char *const names[] = {
		"help", "memmap", "ledger", "meminfo", "pt", "layout",
		"bootinfo", "cpuinfo", "log", "selftest", "crash", "reboot",
		"poweroff",
	};

	return index < ARRAY_LENGTH(names) ? names[index] : NULL;
}

static const char *no_names(unsigned index)
{
	(void)index;
	return NULL;
}

static bool means(const char *typed, const char *want)
{
	const char *got = nearest_name(typed, command);

	if (want == NULL || got == NULL)
		return got == want;
	return strcmp(got, want) == 0;
}

CASE(nearest_name_knows_each_kind_of_slip)
{
	CHECK(means("legder", "ledger"));	/* swapped       */
	CHECK(means("leger", "ledger"));	/* one missing   */
	CHECK(means("ledgger", "ledger"));	/* one too many  */
	CHECK(means("lefger", "ledger"));	/* another one   */
	CHECK(means("hlep", "help"));
	CHECK(means("elhp", "help"));		/* two of them   */
	CHECK(means("LEDGER", "ledger"));
	CHECK(means("ledger", "ledger"));
	CHECK(means("edger", "ledger"));
	CHECK(means("ledgers", "ledger"));
}

CASE(nearest_name_takes_two_slips_and_not_three)
{
	CHECK(means("selfets", "selftest"));
	CHECK(means("slftset", "selftest"));
	CHECK(means("slftse", NULL));
	CHECK(means("frobnicate", NULL));
}

CASE(nearest_name_takes_half_a_word_at_most)
{
	CHECK(means("px", "pt"));
	CHECK(means("p", "pt"));
	CHECK(means("xy", NULL));
	CHECK(means("lgo", "log"));
	CHECK(means("xxg", NULL));
	CHECK(means("", NULL));
	CHECK(means("a", NULL));
}

CASE(nearest_name_takes_the_nearest_and_of_those_the_first)
{
	CHECK(means("cpuinf", "cpuinfo"));
	CHECK(means("bootinf", "bootinfo"));
	/* Two slips from each. */
	CHECK(means("memap", "memmap"));
	CHECK(means("meminap", "memmap"));
}

CASE(nearest_name_says_nothing_where_there_is_nothing_to_say)
{
	CHECK(nearest_name("ledger", no_names) == NULL);
	CHECK(nearest_name("", no_names) == NULL);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The slips between two words by trying all of them: slow and simple. */
static unsigned slips(const char *a, const char *b)
{
	unsigned best;

	if (a[0] == '\0' || b[0] == '\0')
		return strlen(a) + strlen(b);
	best = slips(a + 1, b + 1) + (a[0] != b[0]);
	best = least(best, slips(a + 1, b) + 1);
	best = least(best, slips(a, b + 1) + 1);
	if (a[0] == b[1] && a[1] == b[0])
		best = least(best, slips(a + 2, b + 2) + 1);
	return best;
}

static void random_word(uint64_t *random, char *word)
{
	size_t length = check_random(random) % 6;

	for (size_t i = 0; i < length; i++)
		word[i] = "abc"[check_random(random) % 3];
	word[length] = '\0';
}

static char only_name[NEAREST_NAME_BYTES + 2];

static const char *only(unsigned index)
{
	return index == 0 ? only_name : NULL;
}

CASE(nearest_name_agrees_with_trying_every_slip)
{
	uint64_t random = check_seed();

	for (unsigned i = 0; i < 20000; i++) {
		char typed[8];
		size_t longer;
		unsigned count;

		random_word(&random, typed);
		random_word(&random, only_name);
		longer = strlen(typed) > strlen(only_name) ?
				 strlen(typed) : strlen(only_name);
		count = slips(typed, only_name);
		CHECK((nearest_name(typed, only) != NULL) ==
		      (count <= 2 && count <= longer / 2));
	}
}

CASE(nearest_name_leaves_names_that_are_too_long)
{
	char typed[1000];

	memset(only_name, 'x', NEAREST_NAME_BYTES);
	only_name[NEAREST_NAME_BYTES] = '\0';
	CHECK(nearest_name(only_name, only) == only_name);
	CHECK(nearest_name(only_name + 2, only) == only_name);
	memset(typed, 'x', sizeof(typed));
	typed[sizeof(typed) - 1] = '\0';
	CHECK(nearest_name(typed, only) == NULL);
	only_name[NEAREST_NAME_BYTES] = 'x';
	only_name[NEAREST_NAME_BYTES + 1] = '\0';
	CHECK(nearest_name(only_name, only) == NULL);
}
