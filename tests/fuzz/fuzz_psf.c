// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Console fonts by the million, made and then spoilt: kernel/console/psf_font.c
 * against the reference, each file in front of a page without rights.
 *
 * Usage: fuzz_psf [COUNT [SEED]]; exits 1 when the two ever differ.
 */
#include <base/assert.h>

#include <stdio.h>
#include <sys/mman.h>

#include "prng.h"
#include "psf_reference.h"

#define FILE_BYTES_MAX	8192
#define PAGE_BYTES	4096

/* Rooms that are linked along may assert; nothing here expects it. */
__attribute__((weak)) _Noreturn
void assert_failed(const char *file, int line, const char *text)
{
	fprintf(stderr, "%s:%d: ASSERT %s\n", file, line, text);
	abort();
}

static uint64_t next(uint64_t *state)
{
	return check_random(state) >> 20;
}

static void put(uint8_t *file, size_t at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		file[at + i] = (uint8_t)(value >> 8 * i);
}

/* Bits are rare, so that rows repeat as they do in a font. */
static uint8_t some_pixels(uint64_t *state)
{
	return (uint8_t)(next(state) & next(state) & next(state));
}

static size_t make_map(uint8_t *file, size_t at, uint32_t version,
		       uint64_t *state)
{
	static const uint8_t units[] = { 0xff, 0xff, 0xff, 0xff, 0xfe, 0xc3,
					 0xa4, 0xe2, 0x96, 0xa1, 0xf0, 0x80 };

	while (at < FILE_BYTES_MAX && next(state) % 400 != 0) {
		uint64_t number = next(state);

		if (version == 1 && number % 3 == 0 &&
		    at + 1 < FILE_BYTES_MAX) {
			file[at++] = 0xff;
			file[at++] = 0xff;
		} else if (number % 3 == 1) {
			file[at++] = units[(number >> 8) % sizeof(units)];
		} else {
			file[at] = ' ' + (number >> 8) % 96;
			if (version == 1 && at % 2 != 0)
				file[at] = 0;
			at++;
		}
	}
	return at;
}

static size_t make_psf(uint8_t *file, uint64_t *state)
{
	uint32_t version = 1 + next(state) % 2, height, width = 8, count;
	size_t at = 4, glyphs;

	memset(file, 0, FILE_BYTES_MAX);
	if (version == 1) {
		height = 1 + next(state) % 15;
		count = 256 << (next(state) % 2);
		put(file, 0, 0x0436 | (count == 512) << 16 |
				     (next(state) % 4 * 2) << 16 |
				     height << 24);
	} else {
		height = 1 + next(state) % 64;
		width = 1 + next(state) % 32;
		count = 1 + next(state) % 140;
		at = 32 + (next(state) % 4 == 0 ? next(state) % 9 : 0);
		put(file, 0, 0x864ab572);
		put(file, 8, (uint32_t)at);
		put(file, 12, next(state) % 2);
		put(file, 16, count);
		put(file, 20, (width + 7) / 8 * height);
		put(file, 24, height);
		put(file, 28, width);
	}
	glyphs = (size_t)count * ((width + 7) / 8) * height;
	for (; glyphs > 0 && at < FILE_BYTES_MAX; glyphs--)
		file[at++] = some_pixels(state);
	return make_map(file, at, version, state);
}

/* A bit here, a byte there, an end too early; or nothing at all. */
static size_t spoil(uint8_t *file, size_t bytes, uint64_t *state)
{
	for (uint64_t n = next(state) % 4; n > 0; n--) {
		size_t at = next(state) % (next(state) % 2 ? 32 : bytes);

		if (next(state) % 2 == 0)
			file[at] ^= (uint8_t)(1 << next(state) % 8);
		else
			file[at] = (uint8_t)next(state);
	}
	return next(state) % 3 == 0 ? next(state) % (bytes + 1) : bytes;
}

int main(int argc, char **argv)
{
	uint64_t files = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	uint64_t state = seed * 2 + 1;	/* never 0, where xorshift stops */
	uint64_t accepted = 0, differences = 0;
	static uint8_t file[FILE_BYTES_MAX];
	uint8_t *room = mmap(NULL, FILE_BYTES_MAX + PAGE_BYTES,
			     PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *edge = room + FILE_BYTES_MAX;

	if (room == MAP_FAILED || mprotect(edge, PAGE_BYTES, PROT_NONE) != 0)
		return 2;
	for (uint64_t i = 0; i < files; i++) {
		size_t bytes = spoil(file, make_psf(file, &state), &state);
		enum status verdict;

		memcpy(edge - bytes, file, bytes);
		if (!psf_agrees(edge - bytes, bytes, &verdict) &&
		    differences++ < 10)
			fprintf(stderr, "font %lu of seed %lu differs\n", i,
				seed);
		accepted += verdict == ST_OK;
	}
	printf("@fuzz fonts=%lu accepted=%lu differences=%lu\n", files,
	       accepted, differences);
	return differences != 0;
}
