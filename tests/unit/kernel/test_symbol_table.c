// SPDX-License-Identifier: MIT OR Apache-2.0
#include <kernel/lib/symbol_table.c>

#include "check.h"

#define RANDOM_TABLES 200
#define RANDOM_SYMBOLS 40

/* Like the one that scripts/symbols.awk writes: entries, then names. */
static const struct {
	uint32_t count;
	struct symbol entries[4];
	char names[32];
} fixture = {
	.count = 4,
	.entries = { { 0x10, 0 }, { 0x40, 6 }, { 0x41, 10 },
		     { 0x200000, 14 } },
	.names = "start\0two\0six\0data",
};

static const struct symbol_table *table = (const void *)&fixture;

static bool finds(uint64_t offset, uint64_t floor, const char *name,
		  uint64_t distance)
{
	struct symbol_answer answer;

	return symbol_table_find(table,
				 &(struct symbol_query){ offset, floor },
				 &answer) == ST_OK &&
	       strcmp(answer.name, name) == 0 && answer.distance == distance;
}

static bool finds_nothing(uint64_t offset, uint64_t floor)
{
	struct symbol_answer answer;

	return symbol_table_find(table,
				 &(struct symbol_query){ offset, floor },
				 &answer) == ST_NOT_FOUND;
}

CASE(symbol_table_finds_the_last_one_that_starts_before)
{
	CHECK(finds(0x10, 0, "start", 0));
	CHECK(finds(0x3f, 0, "start", 0x2f));
	CHECK(finds(0x40, 0, "two", 0));
	CHECK(finds(0x41, 0, "six", 0));
	CHECK(finds(0x1fffff, 0, "six", 0x1fffbe));
	CHECK(finds(0x200000, 0x200000, "data", 0));
	CHECK(finds(0x3fffffff, 0x200000, "data", 0x3fdfffff));
}

CASE(symbol_table_has_nothing_before_the_first)
{
	CHECK(finds_nothing(0, 0));
	CHECK(finds_nothing(0xf, 0));
}

CASE(symbol_table_does_not_reach_back_into_another_segment)
{
	CHECK(finds_nothing(0x200000 - 1, 0x1000));
	CHECK(finds(0x200000, 0x200000, "data", 0));
	CHECK(finds(0x41, 0x41, "six", 0));
	CHECK(finds_nothing(0x40, 0x41));
}

CASE(symbol_table_may_be_empty)
{
	static const struct symbol_table empty = { 0 };
	struct symbol_answer answer;

	CHECK(symbol_table_find(&empty, &(struct symbol_query){ 5, 0 },
				&answer) == ST_NOT_FOUND);
}

/* The result of a walk over all entries. */
static const struct symbol *find_slowly(const struct symbol_table *from,
					uint64_t offset)
{
	const struct symbol *found = NULL;

	for (uint32_t i = 0; i < from->count; i++)
		if (from->entries[i].start <= offset)
			found = &from->entries[i];
	return found;
}

CASE(symbol_table_agrees_with_a_slow_walk)
{
	uint64_t seed = check_seed();

	for (unsigned round = 0; round < RANDOM_TABLES; round++) {
		struct {
			uint32_t count;
			struct symbol entries[RANDOM_SYMBOLS];
			char names[1];
		} drawn = { .count = check_random(&seed) % RANDOM_SYMBOLS };
		const struct symbol_table *given = (const void *)&drawn;
		uint32_t at = 0;

		for (uint32_t i = 0; i < drawn.count; i++) {
			at += 1 + check_random(&seed) % 3;
			drawn.entries[i].start = at;
		}
		for (uint32_t offset = 0; offset < at + 3; offset++) {
			const struct symbol *want = find_slowly(given, offset);
			struct symbol_answer got;
			enum status status = symbol_table_find(
				given, &(struct symbol_query){ offset, 0 },
				&got);

			CHECK((status == ST_OK) == (want != NULL));
			CHECK(status != ST_OK ||
			      got.distance == offset - want->start);
		}
	}
}
