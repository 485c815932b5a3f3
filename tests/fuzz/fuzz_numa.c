// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * fuzz_numa [COUNT [SEED]] - random SRATs and SLITs, sound and spoilt, and
 * random maps: kernel/platform/numa against a model that asks about one page
 * at a time.
 *
 * Stops at the first difference and says where the random numbers were.
 */
#include <base/assert.h>

#include <stdio.h>
#include <stdlib.h>

#include "numa_model.h"

#define DEFAULT_COUNT 1000000
#define DEFAULT_SEED 0x9e3779b97f4a7c15UL
/* Below it, shares are chance. */
#define TELLING_ROUNDS 1000

void assert_failed(const char *file, int line, const char *text)
{
	printf("# %s:%d: ASSERT %s\n", file, line, text);
	abort();
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 0) : DEFAULT_COUNT;
	uint64_t given = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	uint64_t state = given != 0 ? given : DEFAULT_SEED;
	struct numa_census census = { .rounds = 0 };
	const char *difference = NULL;
	bool rich;

	while (census.rounds < count && difference == NULL) {
		uint64_t before = state;

		difference = numa_model_round(&state, &census);
		if (difference != NULL)
			printf("# seed %#lx: %s\n", before, difference);
	}
	printf("@fuzz machines=%lu differences=%d several_nodes=%lu "
	       "distances=%lu settled=%lu\n",
	       census.rounds, difference != NULL, census.several_nodes,
	       census.distances, census.settled);
	rich = census.rounds < TELLING_ROUNDS || numa_census_is_rich(&census);
	if (!rich)
		printf("# too few of them mean much\n");
	return difference == NULL && rich ? 0 : 1;
}
