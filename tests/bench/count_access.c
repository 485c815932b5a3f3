// SPDX-License-Identifier: MIT OR Apache-2.0
/* A set of cache lines in which each operation has entries of its own. */
#include "count_access.h"

#include <base/assert.h>

#include <stdbool.h>

#define LINES (1U << 18)

/* Addresses. */
struct watch {
	uint64_t start, end;
};

static struct {
	uint64_t line[LINES];		/* hashed; `when`: the operation     */
	uint32_t when[LINES];
	uint32_t operation;		/* 0: nothing is counted             */
	uint32_t last_operation;
	struct access_count count;
	struct watch watch[WATCHES_MAX];
	unsigned watches;
} counted;

void count_watch(const volatile void *start, uint64_t bytes)
{
	uint64_t from = (uint64_t)(uintptr_t)start;

	if (bytes == 0) {
		counted.watches = 0;
		return;
	}
	ASSERT(counted.watches < WATCHES_MAX);
	counted.watch[counted.watches++] = (struct watch){ from, from + bytes };
}

static bool is_watched(uint64_t address)
{
	for (unsigned i = 0; i < counted.watches; i++)
		if (address >= counted.watch[i].start &&
		    address < counted.watch[i].end)
			return true;
	return false;
}

/* Called in the one build only, in which a header says so too. */
void note_access(const volatile void *place, unsigned is_locked);

void note_access(const volatile void *place, unsigned is_locked)
{
	uint64_t line = (uint64_t)(uintptr_t)place >> 6;
	unsigned at = (unsigned)(line * 0x9e3779b97f4a7c15 >> 46);

	if (counted.operation == 0)
		return;
	counted.count.locked += is_locked;
	while (counted.when[at] == counted.operation) {
		if (counted.line[at] == line)
			return;
		at = (at + 1) & (LINES - 1);
	}
	ASSERT(++counted.count.lines < LINES / 2);
	counted.count.slots += is_watched((uint64_t)(uintptr_t)place);
	counted.when[at] = counted.operation;
	counted.line[at] = line;
}

void count_begin(void)
{
	counted.count = (struct access_count){ 0 };
	counted.operation = ++counted.last_operation;
}

struct access_count count_end(void)
{
	counted.operation = 0;
	return counted.count;
}
