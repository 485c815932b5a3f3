// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Damaged kernel files by the million: elf_check against the reference.
 *
 * Usage: fuzz_elf [COUNT [SEED]]; exits 1 when the two ever differ.
 */
#include "elf_sample.h"

#include <base/assert.h>

#include <stdio.h>

/* Rooms that are linked along may assert; nothing here expects it. */
__attribute__((weak)) _Noreturn
void assert_failed(const char *file, int line, const char *text)
{
	fprintf(stderr, "%s:%d: ASSERT %s\n", file, line, text);
	abort();
}

int main(int argc, char **argv)
{
	uint64_t files = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	uint64_t state = seed * 2 + 1;	/* never 0, where xorshift stops */
	unsigned long accepted = 0, differences = 0;
	unsigned char file[SAMPLE_BYTES];

	for (uint64_t i = 0; i < files; i++) {
		size_t bytes = sample_spoil(file, &state);
		bool was_accepted;

		if (!reference_agrees(file, bytes, &was_accepted) &&
		    differences++ < 10)
			fprintf(stderr, "file %lu of seed %lu differs\n",
				(unsigned long)i, (unsigned long)seed);
		accepted += was_accepted;
	}
	printf("@fuzz files=%lu accepted=%lu differences=%lu\n",
	       (unsigned long)files, accepted, differences);
	return differences != 0;
}
