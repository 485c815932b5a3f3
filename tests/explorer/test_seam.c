// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Is this the explorer's build? With the headers that ship, nothing would
 * come in between anything, and every exploration would pass.
 */
#include "atomic_cases.h"
#include "check.h"
#include "explorer.h"

#include <base/assert.h>
#include <base/atomic.h>
#include <base/status.h>

static struct explored explored;
static atomic_u64 cell[2];
static uint64_t read[2];

static void clear(void *context)
{
	(void)context;
	memset(cell, 0, sizeof(cell));
}

static void write_mine_and_read_yours(void *context)
{
	unsigned me = explore_cpu();

	(void)context;
	atomic_store_release(&cell[me], 1);
	read[me] = atomic_load_acquire(&cell[1 - me]);
}

static void one_cpu_saw_a_store(void *context)
{
	(void)context;
	ASSERT(read[0] + read[1] > 0);
}

CASE(explore_build_interleaves_and_buffers)
{
	struct exploration exploration = {
		.name = "seam", .context = cell, .context_bytes = sizeof(cell),
		.set_up = clear, .check = one_cpu_saw_a_store,
		.cpu = { write_mine_and_read_yours, write_mine_and_read_yours },
	};

	CHECK(explore(&exploration, &explored) == EXPLORED_FAILED);
	exploration.model = EXPLORE_SEQUENTIAL;
	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
	CHECK(explored.schedules == 6);
}

CASE(explore_build_keeps_the_words_of_an_assertion)
{
	struct exploration exploration = {
		.name = "seam", .set_up = clear, .check = one_cpu_saw_a_store,
		.cpu = { write_mine_and_read_yours, write_mine_and_read_yours },
	};

	CHECK(explore(&exploration, &explored) == EXPLORED_FAILED);
	CHECK(strcmp(explored.text, "read[0] + read[1] > 0") == 0);
}

static void promise_too_much(void *context)
{
	(void)context;
	CHECK_ASSERTS(ASSERT(atomic_fetch_add_relaxed(&cell[0], 1) == 2));
	MUST(atomic_fetch_add_relaxed(&cell[0], 1) == 2 ? ST_OK : ST_FULL);
}

CASE(explore_build_tells_an_expected_assertion_from_a_broken_one)
{
	struct exploration exploration = {
		.name = "seam", .set_up = clear,
		.cpu = { promise_too_much, promise_too_much },
	};

	CHECK(explore(&exploration, &explored) == EXPLORED_FAILED);
	CHECK(strstr(explored.text, "ST_FULL") != NULL);
}
