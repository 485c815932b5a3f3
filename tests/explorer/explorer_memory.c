// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory itself always holds the newest values, so that a check after the
 * schedule can look at it. In EXPLORE_TSO some of them are still in the
 * buffers in front of it; in EXPLORE_WEAK a list of what each cell has held
 * stands beside it.
 */
#include "explorer_memory.h"

void explorer_memory_init(struct explorer_memory *memory,
			  enum explore_model model)
{
	memory->model = model;
	store_buffers_init(&memory->buffers);
	if (model == EXPLORE_WEAK)
		weak_memory_init(&memory->weak);
}

static struct weak_access weak_access(unsigned cpu,
				      const struct explore_access *access)
{
	return (struct weak_access){ cpu, access->place, access->bytes,
				     access->order };
}

/* A store that waits in a buffer; seq_cst is compiled to an exchange. */
static bool is_buffered(const struct explorer_memory *memory, unsigned cpu,
			const struct explore_access *access)
{
	return access->kind == EXPLORE_STORE &&
	       access->order != __ATOMIC_SEQ_CST &&
	       memory->model == EXPLORE_TSO && cpu != EXPLORE_CPUS;
}

bool explorer_memory_is_local(const struct explorer_memory *memory,
			      unsigned cpu,
			      const struct explore_access *access)
{
	/* The weaker ones bind the compiler, or concern its own view. */
	if (access->kind == EXPLORE_FENCE)
		return access->order != __ATOMIC_SEQ_CST;
	return is_buffered(memory, cpu, access) &&
	       memory->buffers.cpu[cpu].count < STORE_BUFFER_LENGTH;
}

unsigned explorer_memory_owes(const struct explorer_memory *memory,
			      unsigned cpu,
			      const struct explore_access *access)
{
	unsigned count = memory->buffers.cpu[cpu].count;

	if (access->kind == EXPLORE_LOAD || access->kind == EXPLORE_PAUSE)
		return 0;
	if (is_buffered(memory, cpu, access))
		return count == STORE_BUFFER_LENGTH;
	return count;
}

struct look explorer_memory_look(const struct explorer_memory *memory,
				 unsigned cpu,
				 const struct explore_access *access)
{
	struct look look = { LOOK_AT_BYTES, cpu, access->place, access->bytes,
			     explorer_memory_owes(memory, cpu, access) };

	if (access->kind >= EXPLORE_FENCE || is_buffered(memory, cpu, access))
		look.kind = LOOK_NOWHERE;
	return look;
}

unsigned explorer_memory_choices(struct explorer_memory *memory, unsigned cpu,
				 const struct explore_access *access)
{
	struct weak_access weak = weak_access(cpu, access);

	if (memory->model != EXPLORE_WEAK || access->kind >= EXPLORE_FENCE)
		return 1;
	if (!weak_memory_knows(&memory->weak, &weak))
		return 0;
	if (access->kind != EXPLORE_LOAD)
		return 1;
	return weak_memory_choices(&memory->weak, &weak);
}

static uint64_t combine(const struct explore_access *access, uint64_t before)
{
	switch (access->kind) {
	case EXPLORE_COMPARE:
		return before == access->expected ? access->operand : before;
	case EXPLORE_ADD:
		return before + access->operand;
	case EXPLORE_OR:
		return before | access->operand;
	case EXPLORE_AND:
		return before & access->operand;
	default:
		return access->operand;
	}
}

/* A locked access, or a store without a buffer. */
static void change(struct explorer_memory *memory, unsigned cpu,
		   struct explore_access *access)
{
	access->result = store_buffers_read(access->place, access->bytes);
	store_buffers_write(&memory->buffers, cpu, &(struct store){
		access->place, access->bytes,
		combine(access, access->result) });
}

static void change_weak(struct explorer_memory *memory, unsigned cpu,
			struct explore_access *access)
{
	struct weak_access weak = weak_access(cpu, access);
	enum weak_write write = access->kind == EXPLORE_STORE ? WEAK_STORE
							      : WEAK_LOCKED;

	if (write == WEAK_LOCKED)
		weak_memory_load(&memory->weak, &weak, 0);
	change(memory, cpu, access);
	if (access->kind == EXPLORE_COMPARE &&
	    access->result != access->expected)
		return;
	weak_memory_write(&memory->weak, &weak,
			  store_buffers_read(access->place, access->bytes),
			  write);
}

static void make_weak(struct explorer_memory *memory, unsigned cpu,
		      struct explore_access *access, unsigned age)
{
	struct weak_access weak = weak_access(cpu, access);

	if (access->kind == EXPLORE_LOAD)
		access->result = weak_memory_load(&memory->weak, &weak, age);
	else if (access->kind == EXPLORE_FENCE)
		weak_memory_fence(&memory->weak, &weak);
	else if (access->kind == EXPLORE_PAUSE)
		weak_memory_catch_up(&memory->weak, cpu);
	else
		change_weak(memory, cpu, access);
}

void explorer_memory_make(struct explorer_memory *memory, unsigned cpu,
			  struct explore_access *access, unsigned age)
{
	if (is_buffered(memory, cpu, access))
		store_buffers_store(&memory->buffers, cpu, &(struct store){
			access->place, access->bytes, access->operand });
	else if (memory->model == EXPLORE_WEAK && cpu != EXPLORE_CPUS)
		make_weak(memory, cpu, access, age);
	else if (access->kind == EXPLORE_LOAD)
		access->result = store_buffers_load(&memory->buffers, cpu,
						    access->place,
						    access->bytes);
	else if (access->kind < EXPLORE_FENCE)
		change(memory, cpu, access);
}
