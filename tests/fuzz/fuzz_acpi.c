// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Spoilt ACPI tables by the million: kernel/platform/acpi.c against its
 * reference, each table in front of a page without rights.
 *
 * Usage: fuzz_acpi [COUNT [SEED]]; exits 1 when the two ever differ.
 */
#include "acpi_sample.h"

#include <base/assert.h>

#include <stdlib.h>

/* Rooms that are linked along may assert; nothing here expects it. */
__attribute__((weak)) _Noreturn
void assert_failed(const char *file, int line, const char *text)
{
	fprintf(stderr, "%s:%d: ASSERT %s\n", file, line, text);
	abort();
}

int main(int argc, char **argv)
{
	uint64_t tables = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	uint64_t state = seed * 2 + 1;	/* never 0, where xorshift stops */
	uint64_t differences = 0;

	for (uint64_t i = 0; i < tables; i++)
		if (!acpi_round_agrees(&state) && differences++ < 10)
			fprintf(stderr, "table %lu of seed %lu differs\n", i,
				seed);
	printf("@fuzz tables=%lu differences=%lu\n", tables, differences);
	return differences != 0;
}
