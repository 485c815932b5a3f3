// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The view machine for C's memory orders, as in J. Kang et al., "A Promising
 * Semantics for Relaxed-Memory Concurrency" (POPL 2017), without promises,
 * and with each store newer than all that are there already. So it shows
 * what goes wrong because a value is seen late or without what was written
 * before it; it does not show a store that overtakes a load, nor two stores
 * to a cell that take effect against the order in which they were made.
 *
 *   (W1) No processor reads a value that its view says is out of date.
 *   (W2) A release store tells its processor's view, a relaxed one the view
 *        of the last release fence. A locked access adds to what the value
 *        told that it replaces (C's release sequence).
 *   (W3) An acquire load takes over what the value tells; a relaxed load
 *        does so at the next acquire fence.
 *   (W4) A locked access reads the newest value.
 *   (W5) All seq_cst accesses and fences share one view. An access looks
 *        up its own cell in there and, if it writes, enters what it wrote;
 *        a fence takes over all of it and adds all of its processor's.
 */
#include "weak_memory.h"

#include <base/assert.h>

#include <string.h>

static void join(struct weak_view *view, const struct weak_view *with)
{
	for (unsigned i = 0; i < WEAK_CELLS; i++)
		if (view->newest[i] < with->newest[i])
			view->newest[i] = with->newest[i];
}

static bool acquires(int order)
{
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL ||
	       order == __ATOMIC_SEQ_CST;
}

static bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL ||
	       order == __ATOMIC_SEQ_CST;
}

void weak_memory_init(struct weak_memory *memory)
{
	memory->count = 0;
	memset(memory->cpu, 0, sizeof(memory->cpu));
	memset(&memory->total, 0, sizeof(memory->total));
}

static uint64_t read_plain(const void *place, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, place, bytes);
	return value;
}

/* The number of the cell; a new one starts with what is in memory. */
static unsigned find_cell(struct weak_memory *memory, const void *place,
			  unsigned bytes)
{
	struct weak_cell *cell;

	for (unsigned i = 0; i < memory->count; i++)
		if (memory->cell[i].place == place)
			return i;
	ASSERT(memory->count < WEAK_CELLS);
	cell = &memory->cell[memory->count];
	cell->place = place;
	cell->bytes = bytes;
	cell->count = 1;
	cell->value[0].value = read_plain(place, bytes);
	memset(&cell->value[0].view, 0, sizeof(cell->value[0].view));
	return memory->count++;
}

bool weak_memory_knows(struct weak_memory *memory,
		       const struct weak_access *access)
{
	uintptr_t start = (uintptr_t)access->place;
	const struct weak_cell *cell;

	for (unsigned i = 0; i < memory->count; i++) {
		uintptr_t other = (uintptr_t)memory->cell[i].place;

		if (start < other + memory->cell[i].bytes &&
		    other < start + access->bytes &&
		    (start != other || access->bytes != memory->cell[i].bytes))
			return false;
	}
	cell = &memory->cell[find_cell(memory, access->place, access->bytes)];
	return cell->value[cell->count - 1].value ==
	       read_plain(access->place, access->bytes);
}

/* A seq_cst access learns this of its cell before it is made (W5). */
static void look_up_total(struct weak_memory *memory,
			  const struct weak_access *access, unsigned found)
{
	uint8_t *newest = &memory->cpu[access->cpu].now.newest[found];

	if (access->order == __ATOMIC_SEQ_CST &&
	    *newest < memory->total.newest[found])
		*newest = memory->total.newest[found];
}

unsigned weak_memory_choices(struct weak_memory *memory,
			     const struct weak_access *access)
{
	unsigned found = find_cell(memory, access->place, access->bytes);

	look_up_total(memory, access, found);
	return memory->cell[found].count -
	       memory->cpu[access->cpu].now.newest[found];
}

uint64_t weak_memory_load(struct weak_memory *memory,
			  const struct weak_access *access, unsigned number)
{
	unsigned found = find_cell(memory, access->place, access->bytes);
	struct weak_processor *cpu = &memory->cpu[access->cpu];
	const struct weak_cell *cell = &memory->cell[found];
	const struct weak_value *value;

	ASSERT(number < weak_memory_choices(memory, access));
	value = &cell->value[cell->count - 1 - number];
	cpu->now.newest[found] = cell->count - 1 - number;
	if (number > 0)
		cpu->late |= 1UL << found;
	join(&cpu->read, &value->view);
	if (acquires(access->order))
		join(&cpu->now, &value->view);
	return value->value;
}

void weak_memory_write(struct weak_memory *memory,
		       const struct weak_access *access, uint64_t value,
		       enum weak_write write)
{
	unsigned found = find_cell(memory, access->place, access->bytes);
	struct weak_processor *cpu = &memory->cpu[access->cpu];
	struct weak_cell *cell = &memory->cell[found];
	struct weak_value *made = &cell->value[cell->count];

	ASSERT(cell->count < WEAK_VALUES);
	cpu->now.newest[found] = cell->count;
	made->value = value;
	made->view = releases(access->order) ? cpu->now : cpu->fenced;
	made->view.newest[found] = cell->count;
	if (write == WEAK_LOCKED)
		join(&made->view, &cell->value[cell->count - 1].view);
	if (access->order == __ATOMIC_SEQ_CST)
		memory->total.newest[found] = cell->count;
	cell->count++;
}

void weak_memory_fence(struct weak_memory *memory,
		       const struct weak_access *access)
{
	struct weak_processor *cpu = &memory->cpu[access->cpu];

	if (acquires(access->order))
		join(&cpu->now, &cpu->read);
	if (access->order == __ATOMIC_SEQ_CST) {
		join(&cpu->now, &memory->total);
		join(&memory->total, &cpu->now);
	}
	if (releases(access->order))
		cpu->fenced = cpu->now;
}

void weak_memory_catch_up(struct weak_memory *memory, unsigned number)
{
	struct weak_processor *cpu = &memory->cpu[number];

	for (unsigned i = 0; i < memory->count; i++)
		if (cpu->late >> i & 1)
			cpu->now.newest[i] = memory->cell[i].count - 1;
	cpu->late = 0;
}
