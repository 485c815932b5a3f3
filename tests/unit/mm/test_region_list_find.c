// SPDX-License-Identifier: MIT OR Apache-2.0
#include <mm/region.h>

#include "check.h"

#define REGIONS_MAX 8

static struct region items[REGIONS_MAX];

/*
 * One letter for each page; a run of equal letters is one region, . is a gap.
 */
static struct region_list given(const char *picture)
{
	struct region_list list = { .items = items };
	char before = '.';

	for (uint64_t page = 0; picture[page] != '\0'; page++) {
		if (picture[page] != '.' && picture[page] != before)
			items[list.count++].start.raw = page * PAGE_SIZE;
		if (picture[page] != '.')
			items[list.count - 1].end.raw = (page + 1) * PAGE_SIZE;
		before = picture[page];
	}
	return list;
}

CASE(region_list_find_is_the_first_region_that_ends_beyond)
{
	struct region_list none = given(""), list = given("..AAABB...C");

	CHECK(region_list_find(&none, (paddr_t){ 0 }) == 0);
	CHECK(region_list_find(&list, (paddr_t){ 0 }) == 0);
	CHECK(region_list_find(&list, (paddr_t){ 5 * PAGE_SIZE - 1 }) == 0);
	CHECK(region_list_find(&list, (paddr_t){ 5 * PAGE_SIZE }) == 1);
	CHECK(region_list_find(&list, (paddr_t){ 7 * PAGE_SIZE }) == 2);
	CHECK(region_list_find(&list, (paddr_t){ 11 * PAGE_SIZE - 1 }) == 2);
	CHECK(region_list_find(&list, (paddr_t){ 11 * PAGE_SIZE }) == 3);
}

CASE(region_list_room_ends_with_the_region)
{
	struct region_list list = given("..AAABB...C");

	CHECK(region_list_room(&list, (paddr_t){ 2 * PAGE_SIZE }) ==
	      3 * PAGE_SIZE);
	CHECK(region_list_room(&list, (paddr_t){ 5 * PAGE_SIZE - 1 }) == 1);
	CHECK(region_list_room(&list, (paddr_t){ 5 * PAGE_SIZE }) ==
	      2 * PAGE_SIZE);
	CHECK(region_list_room(&list, (paddr_t){ 11 * PAGE_SIZE - 3 }) == 3);
}

CASE(region_list_room_of_a_gap_ends_with_the_gap)
{
	struct region_list list = given("..AAABB...C"), none = given("");

	CHECK(region_list_room(&list, (paddr_t){ 0 }) == 2 * PAGE_SIZE);
	CHECK(region_list_room(&list, (paddr_t){ 2 * PAGE_SIZE - 1 }) == 1);
	CHECK(region_list_room(&list, (paddr_t){ 7 * PAGE_SIZE }) ==
	      3 * PAGE_SIZE);
	CHECK(region_list_room(&list, (paddr_t){ 11 * PAGE_SIZE }) ==
	      PHYSICAL_LIMIT - 11 * PAGE_SIZE);
	CHECK(region_list_room(&none, (paddr_t){ 1 }) == PHYSICAL_LIMIT - 1);
}
