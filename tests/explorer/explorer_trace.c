// SPDX-License-Identifier: MIT OR Apache-2.0
#include "explorer_trace.h"

#include <stdio.h>

static const char *const kind_names[] = {
	[EXPLORE_LOAD] = "load", [EXPLORE_STORE] = "store",
	[EXPLORE_EXCHANGE] = "exchange", [EXPLORE_COMPARE] = "compare",
	[EXPLORE_ADD] = "add", [EXPLORE_OR] = "or", [EXPLORE_AND] = "and",
	[EXPLORE_FENCE] = "fence", [EXPLORE_PAUSE] = "pause",
};

static const char *const order_names[] = {
	[__ATOMIC_RELAXED] = "relaxed", [__ATOMIC_ACQUIRE] = "acquire",
	[__ATOMIC_RELEASE] = "release", [__ATOMIC_ACQ_REL] = "acq_rel",
	[__ATOMIC_SEQ_CST] = "seq_cst",
};

static void print_place(const struct exploration *exploration,
			const void *place)
{
	uint64_t offset = (uintptr_t)place - (uintptr_t)exploration->context;

	if (offset < exploration->context_bytes)
		printf(" +%#lx", (unsigned long)offset);
	else
		printf(" %p", place);
}

void explorer_trace_access(const struct exploration *exploration, unsigned cpu,
			   const struct explore_access *access)
{
	printf("# cpu%u %s", cpu, kind_names[access->kind]);
	if (access->kind != EXPLORE_PAUSE)
		printf(" %s", order_names[access->order]);
	if (access->place != NULL)
		print_place(exploration, access->place);
	if (access->kind == EXPLORE_COMPARE)
		printf(" with %#lx", (unsigned long)access->expected);
	if (access->kind > EXPLORE_LOAD && access->kind < EXPLORE_FENCE)
		printf(" value %#lx", (unsigned long)access->operand);
	if (access->kind != EXPLORE_STORE && access->kind < EXPLORE_FENCE)
		printf(" saw %#lx", (unsigned long)access->result);
	printf("   %s:%d\n", access->file, access->line);
}

void explorer_trace_drain(const struct exploration *exploration, unsigned cpu,
			  const struct store *store)
{
	printf("# cpu%u drain", cpu);
	print_place(exploration, store->place);
	printf(" value %#lx\n", (unsigned long)store->value);
}
