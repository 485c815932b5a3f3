// SPDX-License-Identifier: MIT OR Apache-2.0
#include <mm/sweep.h>

#include <base/bits.h>

#include "check.h"

#define PICTURE_RANGES 64
#define GIVEN(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* One character for each address; a digit is a rank, `.` is no range. */
static size_t ranges_from_rows(struct sweep_range *ranges,
			       const char *const *rows)
{
	size_t count = 0;

	for (; *rows != NULL; rows++) {
		const char *row = *rows;

		for (size_t at = 0; row[at] != '\0'; at++) {
			if (row[at] == '.')
				continue;
			if (at > 0 && row[at - 1] == row[at]) {
				ranges[count - 1].end++;
				continue;
			}
			ranges[count++] = (struct sweep_range){
				at, at + 1, (uint64_t)(row[at] - '0')
			};
		}
	}
	return count;
}

static bool is_picture(const struct sweep_list *list, const char *want)
{
	struct sweep_range wanted[PICTURE_RANGES];
	size_t count = ranges_from_rows(wanted, (const char *[]){ want, NULL });

	if (list->count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (memcmp(&list->items[i], &wanted[i], sizeof(wanted[i])) != 0)
			return false;
	return true;
}

/* `items` and scratch of exactly the size that the contract names. */
static enum status sweep(struct sweep_list *out,
			 const struct sweep_range *ranges, size_t count)
{
	struct sweep_request request = {
		.ranges = ranges,
		.count = count,
		.scratch_bytes = sweep_scratch_bytes(count),
	};
	enum status status;

	request.scratch = malloc(request.scratch_bytes);
	status = sweep_ranges(out, &request);
	free(request.scratch);
	return status;
}

static bool gives(const char *const *rows, const char *want)
{
	struct sweep_range ranges[PICTURE_RANGES];
	size_t count = ranges_from_rows(ranges, rows);
	struct sweep_list list = { .capacity = sweep_capacity(count) };
	bool good;

	list.items = malloc(list.capacity * sizeof(list.items[0]));
	good = sweep(&list, ranges, count) == ST_OK && is_picture(&list, want);
	free(list.items);
	return good;
}

CASE(sweep_lets_the_largest_rank_win)
{
	CHECK(gives(GIVEN("1111111111",
			  "..33......",
			  "...2222..."),
			  "1133222111"));
	CHECK(gives(GIVEN("3.........",
			  "1111111111"),
			  "3111111111"));
	CHECK(gives(GIVEN("0000",
			  "9999"),
			  "9999"));
}

CASE(sweep_joins_touching_spans_of_one_rank)
{
	CHECK(gives(GIVEN("11........",
			  "..11......",
			  ".111......"),
			  "1111......"));
	CHECK(gives(GIVEN("22..22",
			  "..11.."),
			  "221122"));
	CHECK(gives(GIVEN("2222",
			  ".11."),
			  "2222"));
}

CASE(sweep_leaves_holes_open)
{
	CHECK(gives(GIVEN("11..11..2"), "11..11..2"));
	CHECK(gives(GIVEN("..1"), "..1"));
	CHECK(gives(GIVEN("....."), "....."));
}

CASE(sweep_does_not_care_for_order_or_repetition)
{
	CHECK(gives(GIVEN("....55", "11....", "...2..", "....55", "11...."),
			  "11.255"));
}

CASE(sweep_takes_every_rank_and_the_last_byte)
{
	struct sweep_range ranges[] = {
		{ 0, UINT64_MAX, 0 },
		{ UINT64_MAX - 1, UINT64_MAX, SWEEP_RANKS - 1 },
	};
	struct sweep_range items[4];
	struct sweep_list list = { items, 0, ARRAY_LENGTH(items) };

	CHECK(sweep(&list, ranges, 2) == ST_OK);
	CHECK(list.count == 2);
	CHECK(items[0].end == UINT64_MAX - 1 && items[0].rank == 0);
	CHECK(items[1].end == UINT64_MAX && items[1].rank == SWEEP_RANKS - 1);
}

CASE(sweep_ignores_empty_spans)
{
	struct sweep_range ranges[] = { { 5, 5, 3 }, { 2, 8, 1 }, { 0, 0, 2 } };
	struct sweep_range items[8];
	struct sweep_list list = { items, 7, ARRAY_LENGTH(items) };

	CHECK(sweep(&list, ranges, 3) == ST_OK);
	CHECK(is_picture(&list, "..111111"));
	CHECK(sweep(&list, ranges, 0) == ST_OK);
	CHECK(list.count == 0);
}

CASE(sweep_refuses_what_does_not_fit)
{
	struct sweep_range ranges[] = { { 0, 8, 1 }, { 2, 4, 3 } };
	struct sweep_range items[3];
	struct sweep_list list = { items, 9, 3 };
	struct sweep_request request = { .ranges = ranges, .count = 2 };
	uint64_t scratch[64];

	request.scratch = scratch;
	request.scratch_bytes = sweep_scratch_bytes(2);
	CHECK(sweep_ranges(&list, &request) == ST_OK && list.count == 3);
	list.capacity = 2;
	CHECK(sweep_ranges(&list, &request) == ST_FULL && list.count == 0);
	list.capacity = 3;
	list.count = 9;
	request.scratch_bytes--;
	CHECK(sweep_ranges(&list, &request) == ST_FULL && list.count == 0);
	/* So many that their size in bytes wraps to a small one. */
	request.count = SIZE_MAX / sweep_scratch_bytes(1) + 2;
	request.scratch_bytes = sizeof(scratch);
	CHECK(sweep_ranges(&list, &request) == ST_FULL);
}

static bool returns(struct sweep_list *list,
		    const struct sweep_request *request)
{
	return sweep_ranges(list, request) == ST_OK;
}

CASE(sweep_asserts_what_its_caller_promised)
{
	struct sweep_range backward = { 2, 1, 0 };
	struct sweep_range unranked = { 1, 2, SWEEP_RANKS };
	uint64_t scratch[64];
	struct sweep_range items[2];
	struct sweep_list list = { items, 0, 2 };
	struct sweep_request request = {
		&backward, 1, scratch, sizeof(scratch)
	};

	CHECK_ASSERTS(returns(&list, &request));
	request.ranges = &unranked;
	CHECK_ASSERTS(returns(&list, &request));
	request.ranges = (struct sweep_range[]){ { 1, 2, 0 } };
	request.scratch = (char *)scratch + 4;
	request.scratch_bytes -= 4;
	CHECK_ASSERTS(returns(&list, &request));
}

struct visitor {
	unsigned visits, stop_after;
	uint32_t covering;
};

static enum status visit(void *context, const struct sweep_gap *gap)
{
	struct visitor *visitor = context;

	CHECK(gap->start < gap->end && gap->covering != 0);
	visitor->covering = visitor->covering << 8 | gap->covering;
	return ++visitor->visits == visitor->stop_after ? ST_DENIED : ST_OK;
}

CASE(sweep_walk_names_all_ranks_and_stops_when_told)
{
	struct sweep_range ranges[] = { { 0, 3, 0 }, { 1, 2, 2 }, { 1, 4, 0 } };
	uint64_t scratch[64];
	struct sweep_request request = { ranges, 3, scratch, sizeof(scratch) };
	struct visitor all = { .visits = 0 };
	struct visitor some = { .stop_after = 2 };

	CHECK(sweep_walk(&request, visit, &all) == ST_OK);
	CHECK(all.visits == 4 && all.covering == 0x01050101);
	CHECK(sweep_walk(&request, visit, &some) == ST_DENIED);
	CHECK(some.visits == 2);
}

/* A million: the counter of a rank must hold the number of ranges. */
CASE(sweep_counts_any_number_of_spans_that_begin_together)
{
	size_t count = 1 << 20;
	struct sweep_range *ranges = malloc(count * sizeof(ranges[0]));
	struct sweep_range items[3];
	struct sweep_list list = { items, 0, ARRAY_LENGTH(items) };

	for (size_t i = 0; i < count; i++)
		ranges[i] =
			(struct sweep_range){ 4096, 8192 + (i & 1) * 4096, 7 };
	ranges[12345] = (struct sweep_range){ 4096, 6000, 9 };
	CHECK(sweep(&list, ranges, count) == ST_OK);
	CHECK(list.count == 2);
	CHECK(items[0].start == 4096 && items[0].end == 6000);
	CHECK(items[0].rank == 9 && items[1].rank == 7);
	CHECK(items[1].end == 12288);
	free(ranges);
}

#define PLACES 24
#define WALK_SPANS 10

/* The model: a byte for each address, set to the largest rank. */
static void paint(const struct sweep_range *ranges, size_t count, char *picture)
{
	memset(picture, '.', PLACES);
	picture[PLACES] = '\0';
	for (size_t i = 0; i < count; i++)
		for (uint64_t at = ranges[i].start; at < ranges[i].end; at++)
			if (picture[at] == '.' ||
			    picture[at] < (char)('0' + ranges[i].rank))
				picture[at] = (char)('0' + ranges[i].rank);
}

CASE(sweep_agrees_with_painting_on_random_spans)
{
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < 20000; round++) {
		struct sweep_range ranges[WALK_SPANS], items[2 * WALK_SPANS];
		size_t count = check_random(&seed) % (WALK_SPANS + 1);
		struct sweep_list list = { items, 0, sweep_capacity(count) };
		char picture[PLACES + 1];

		for (size_t i = 0; i < count; i++) {
			uint64_t a = check_random(&seed) % (PLACES + 1);
			uint64_t b = check_random(&seed) % (PLACES + 1);

			ranges[i] =
				(struct sweep_range){ min_u64(a, b),
						      max_u64(a, b),
						      check_random(&seed) % 5 };
		}
		paint(ranges, count, picture);
		CHECK(sweep(&list, ranges, count) == ST_OK);
		CHECK(is_picture(&list, picture));
	}
}
