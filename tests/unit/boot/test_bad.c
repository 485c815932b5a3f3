// SPDX-License-Identifier: MIT OR Apache-2.0
/* Compares bad_step_over with a check of every page. */
#include <boot/bad.h>

#include "check.h"

#define PAGES	64
#define RANGES	4

static struct range list[RANGES];
static bool is_bad[PAGES * 4];

static void draw(uint64_t *prng)
{
	memset(is_bad, 0, sizeof(is_bad));
	for (size_t i = 0; i < RANGES; i++) {
		uint64_t first = check_random(prng) % PAGES;
		uint64_t end = first + 1 + check_random(prng) % 9;

		list[i] = (struct range){ first * PAGE_SIZE, end * PAGE_SIZE };
		for (uint64_t page = first; page < end; page++)
			is_bad[page] = true;
	}
}

static bool are_good(uint64_t first, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		if (is_bad[first + i])
			return false;
	return true;
}

CASE(bad_finds_what_overlaps)
{
	uint64_t prng = check_seed();

	for (unsigned round = 0; round < 2000; round++) {
		uint64_t first = check_random(&prng) % PAGES;
		uint64_t pages = 1 + check_random(&prng) % 12;

		draw(&prng);
		CHECK((bad_find(list, RANGES, first * PAGE_SIZE,
				pages * PAGE_SIZE) == NULL) ==
		      are_good(first, pages));
	}
	CHECK(bad_find(list, 0, 0, UINT64_MAX) == NULL);
}

CASE(bad_steps_over_no_more_than_it_must)
{
	uint64_t prng = check_seed();

	for (unsigned round = 0; round < 2000; round++) {
		uint64_t first = check_random(&prng) % PAGES;
		uint64_t pages = 1 + check_random(&prng) % 12;
		uint64_t wanted = first, place, detour;

		draw(&prng);
		while (!are_good(wanted, pages))
			wanted++;
		place = bad_step_over(list, RANGES, first * PAGE_SIZE,
				      pages * PAGE_SIZE);
		CHECK(place == wanted * PAGE_SIZE);
		detour = bad_detour_bytes(list, RANGES, pages * PAGE_SIZE);
		CHECK(place <= first * PAGE_SIZE + detour);
	}
}

/* Each gap a page too short: then all of the detour is needed. */
CASE(bad_takes_the_longest_detour)
{
	for (size_t i = 0; i < RANGES; i++)
		list[i] = (struct range){ (4 + 7 * i) * PAGE_SIZE,
					  (7 + 7 * i) * PAGE_SIZE };
	CHECK(bad_step_over(list, RANGES, 0, 5 * PAGE_SIZE) ==
	      bad_detour_bytes(list, RANGES, 5 * PAGE_SIZE));
}
