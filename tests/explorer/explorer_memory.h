/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * explorer_memory.h - what an access does in the model that was asked for.
 * For the explorer only. `cpu` may be EXPLORE_CPUS: no processor's, at once.
 */
#ifndef TESTS_EXPLORER_MEMORY_H
#define TESTS_EXPLORER_MEMORY_H

#include "explorer.h"
#include "store_buffers.h"
#include "weak_memory.h"

struct explorer_memory {
	enum explore_model model;
	struct store_buffers buffers;	/* in every model: counts changes    */
	struct weak_memory weak;	/* in EXPLORE_WEAK                   */
};

void explorer_memory_init(struct explorer_memory *memory,
			  enum explore_model model);

/* Made at once, with `age` 0: no processor can observe when it is made. */
bool explorer_memory_is_local(const struct explorer_memory *memory,
			      unsigned cpu,
			      const struct explore_access *access);

/* How many of its own stores have to drain first. */
unsigned explorer_memory_owes(const struct explorer_memory *memory,
			      unsigned cpu,
			      const struct explore_access *access);

/* How the access can tell which stores of others have drained. */
struct look explorer_memory_look(const struct explorer_memory *memory,
				 unsigned cpu,
				 const struct explore_access *access);

/* How many values it may read; 0: the model cannot follow this cell. */
unsigned explorer_memory_choices(struct explorer_memory *memory, unsigned cpu,
				 const struct explore_access *access);

/* Makes it: what it reads is the newest value but for `age`. */
void explorer_memory_make(struct explorer_memory *memory, unsigned cpu,
			  struct explore_access *access, unsigned age);

#endif
