/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * weak_memory.h - memory as the orders in the source have it, not as x86.
 *
 * A cell keeps all values that it has had, and a processor may read any of
 * them that it does not know to be out of date. Its knowledge is its view:
 * for each cell, the newest value that it has seen or been told of.
 */
#ifndef TESTS_WEAK_MEMORY_H
#define TESTS_WEAK_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#define WEAK_CPUS 4
#define WEAK_CELLS 64
#define WEAK_VALUES 32			/* of one cell in one schedule       */

/* For each cell the number of a value; all before it are out of date. */
struct weak_view {
	uint8_t newest[WEAK_CELLS];
};

struct weak_value {
	uint64_t value;
	struct weak_view view;		/* what it tells who acquires it     */
};

struct weak_cell {
	const void *place;
	unsigned bytes, count;
	struct weak_value value[WEAK_VALUES];	/* the oldest first          */
};

struct weak_processor {
	struct weak_view now;
	struct weak_view read;		/* what an acquire fence will add    */
	struct weak_view fenced;	/* as of the last release fence      */
	uint64_t late;			/* cells read late since it waited   */
};

struct weak_memory {
	unsigned count;
	struct weak_cell cell[WEAK_CELLS];
	struct weak_processor cpu[WEAK_CPUS];
	struct weak_view total;		/* what all seq_cst accesses share   */
};

struct weak_access {
	unsigned cpu;
	const void *place;
	unsigned bytes;
	int order;			/* __ATOMIC_RELAXED and so on        */
};

void weak_memory_init(struct weak_memory *memory);

/*
 * Is the cell one that the model can follow? Not if it overlaps with one of
 * another size or has changed other than by weak_memory_write.
 */
bool weak_memory_knows(struct weak_memory *memory,
		       const struct weak_access *access);

/* How many values a load may read: the newest is number 0. */
unsigned weak_memory_choices(struct weak_memory *memory,
			     const struct weak_access *access);
uint64_t weak_memory_load(struct weak_memory *memory,
			  const struct weak_access *access, unsigned number);

/* After the newest value has been read by a locked access, or not. */
enum weak_write { WEAK_STORE, WEAK_LOCKED };
void weak_memory_write(struct weak_memory *memory,
		       const struct weak_access *access, uint64_t value,
		       enum weak_write write);

void weak_memory_fence(struct weak_memory *memory,
		       const struct weak_access *access);

/* In a wait, the newest value arrives of each cell that was read late. */
void weak_memory_catch_up(struct weak_memory *memory, unsigned cpu);

#endif
