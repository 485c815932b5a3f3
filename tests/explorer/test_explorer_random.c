// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The explorer against a stupid model of the same machine: small random
 * programs, all of whose steps and drains the model takes in any order at
 * all. The possible outcomes must be the same.
 */
#include <tests/explorer/include/base/atomic_builtin.h>

#include <base/atomic.h>
#include <base/bits.h>

#include "check.h"
#include "explorer.h"

#define CPUS 3
#define STEPS 4
#define BYTE_CELL 2		/* two words, and a byte of the first        */
#define CELLS 3
#define OUTCOMES 4096

enum step_kind {
	STEP_LOAD, STEP_STORE, STEP_FENCE, STEP_ADD, STEP_EXCHANGE,
	STEP_COMPARE, STEP_KINDS,
};

struct step {
	enum step_kind kind;
	unsigned cell, value;
};

struct program {
	unsigned cpus, count[CPUS];
	struct step step[CPUS][STEPS];
};

/* All that a program can leave behind. */
struct outcome {
	uint32_t word[2];
	uint32_t read[CPUS][STEPS];
};

struct outcomes {
	unsigned count;
	struct outcome outcome[OUTCOMES];
};

static void add_outcome(struct outcomes *all, const struct outcome *outcome)
{
	for (unsigned i = 0; i < all->count; i++)
		if (memcmp(&all->outcome[i], outcome, sizeof(*outcome)) == 0)
			return;
	CHECK(all->count < OUTCOMES);
	all->outcome[all->count++] = *outcome;
}

/* Everything in `inner` is in `outer`. */
static bool includes(const struct outcomes *outer,
		     const struct outcomes *inner)
{
	for (unsigned i = 0; i < inner->count; i++) {
		unsigned j = 0;

		while (j < outer->count &&
		       memcmp(&inner->outcome[i], &outer->outcome[j],
			      sizeof(struct outcome)) != 0)
			j++;
		if (j == outer->count)
			return false;
	}
	return true;
}

// --- the model ---------------------------------------------------------------

struct waiting {
	unsigned cell, value;
};

struct machine {
	struct outcome so_far;
	unsigned at[CPUS];		/* next step                         */
	struct waiting buffer[CPUS][STEPS];
	unsigned buffered[CPUS];
	unsigned last, preemptions;
};

/* Where a cell is among eight bytes, and how many it has. */
static const struct { unsigned start, bytes; } layout[CELLS] = {
	{ 0, 4 }, { 4, 4 }, { 1, 1 },
};

static void put(uint8_t memory[8], unsigned cell, uint32_t value)
{
	memcpy(memory + layout[cell].start, &value, layout[cell].bytes);
}

static uint32_t get(const uint8_t memory[8], unsigned cell)
{
	uint32_t value = 0;

	memcpy(&value, memory + layout[cell].start, layout[cell].bytes);
	return value;
}

static uint32_t seen_by(const struct machine *machine, unsigned cpu,
			unsigned cell)
{
	uint8_t memory[8];

	memcpy(memory, machine->so_far.word, sizeof(memory));
	for (unsigned i = 0; i < machine->buffered[cpu]; i++)
		put(memory, machine->buffer[cpu][i].cell,
		    machine->buffer[cpu][i].value);
	return get(memory, cell);
}

static bool can_step(const struct machine *machine,
		     const struct program *program, unsigned cpu)
{
	if (machine->at[cpu] == program->count[cpu])
		return false;
	return program->step[cpu][machine->at[cpu]].kind < STEP_FENCE ||
	       machine->buffered[cpu] == 0;
}

static void take_step(struct machine *machine, const struct program *program,
		      unsigned cpu)
{
	unsigned at = machine->at[cpu]++;
	const struct step *step = &program->step[cpu][at];
	uint8_t *memory = (uint8_t *)machine->so_far.word;
	uint32_t before = get(memory, step->cell);

	if (step->kind == STEP_STORE) {
		machine->buffer[cpu][machine->buffered[cpu]++] =
			(struct waiting){ step->cell, step->value };
		return;
	}
	if (step->kind == STEP_FENCE)
		return;
	machine->so_far.read[cpu][at] = before;
	if (step->kind == STEP_LOAD)
		machine->so_far.read[cpu][at] =
			seen_by(machine, cpu, step->cell);
	else if (step->kind == STEP_ADD)
		put(memory, step->cell, before + step->value);
	else if (step->kind == STEP_EXCHANGE || before == 0)
		put(memory, step->cell, step->value);
}

static void drain(struct machine *machine, unsigned cpu)
{
	struct waiting *buffer = machine->buffer[cpu];

	put((uint8_t *)machine->so_far.word, buffer[0].cell, buffer[0].value);
	memmove(&buffer[0], &buffer[1],
		--machine->buffered[cpu] * sizeof(buffer[0]));
}

static void run_model(const struct machine *machine,
		      const struct program *program, unsigned limit,
		      struct outcomes *all)
{
	bool over = true;

	for (unsigned cpu = 0; cpu < program->cpus; cpu++) {
		struct machine next = *machine;
		unsigned last = machine->last;

		if (machine->buffered[cpu] > 0) {
			over = false;
			drain(&next, cpu);
			run_model(&next, program, limit, all);
			next = *machine;
		}
		if (machine->at[cpu] < program->count[cpu])
			over = false;
		if (!can_step(machine, program, cpu))
			continue;
		next.preemptions += last != CPUS && last != cpu &&
				    machine->at[last] < program->count[last];
		if (next.preemptions > limit)
			continue;
		next.last = cpu;
		take_step(&next, program, cpu);
		run_model(&next, program, limit, all);
	}
	if (over)
		add_outcome(all, &machine->so_far);
}

// --- the explorer's side -----------------------------------------------------

enum orders { RELAXED, SEQ_CST };

static const struct program *current;
static struct outcome current_outcome;
static struct outcomes *current_outcomes;
static union {
	atomic_u32 word[2];
	atomic_u8 byte[8];
} memory;

#define MAKE(order, step, before, place)				\
	do {								\
		__typeof__((place)->plain) none_ = 0;			\
		uint32_t value_ = (step)->value;			\
									\
		switch ((step)->kind) {					\
		case STEP_LOAD:						\
			before = atomic_load_##order(place);		\
			break;						\
		case STEP_STORE:					\
			atomic_store_##order(place, value_);		\
			break;						\
		case STEP_ADD:						\
			before = atomic_fetch_add_##order(place, value_); \
			break;						\
		case STEP_EXCHANGE:					\
			before = atomic_exchange_##order(place, value_); \
			break;						\
		case STEP_COMPARE:					\
			atomic_compare_exchange_##order(place, &none_,	\
							value_);	\
			before = none_;					\
			break;						\
		default:						\
			atomic_fence_seq_cst();				\
			break;						\
		}							\
	} while (0)

static void run_program(void *context)
{
	enum orders orders = *(enum orders *)context;
	unsigned cpu = explore_cpu();

	for (unsigned i = 0; i < current->count[cpu]; i++) {
		const struct step *step = &current->step[cpu][i];
		atomic_u32 *word = &memory.word[step->cell % 2];
		uint32_t before = 0;

		if (orders == SEQ_CST)
			MAKE(seq_cst, step, before, word);
		else if (step->cell == BYTE_CELL)
			MAKE(relaxed, step, before, &memory.byte[1]);
		else
			MAKE(relaxed, step, before, word);
		current_outcome.read[cpu][i] = before;
	}
}

static void clear_memory(void *context)
{
	(void)context;
	memset(&memory, 0, sizeof(memory));
	memset(&current_outcome, 0, sizeof(current_outcome));
}

static void note_outcome(void *context)
{
	(void)context;
	memcpy(current_outcome.word, &memory, sizeof(memory));
	add_outcome(current_outcomes, &current_outcome);
}

struct how {
	unsigned preemptions;
	enum explore_model model;
	enum orders orders;
};

static uint64_t run_explorer(const struct program *program, struct how how,
			     struct outcomes *all)
{
	static struct explored explored;
	struct exploration exploration = {
		.name = "random", .set_up = clear_memory,
		.context = &how.orders, .check = note_outcome,
		.preemptions = how.preemptions, .model = how.model,
	};

	for (unsigned i = 0; i < program->cpus; i++)
		exploration.cpu[i] = run_program;
	current = program;
	current_outcomes = all;
	all->count = 0;
	CHECK(explore(&exploration, &explored) == EXPLORED_WHOLE);
	return explored.schedules;
}

// --- programs ----------------------------------------------------------------

static struct program make_program(uint64_t *random, unsigned cells)
{
	/* Half of the programs have two processors, and more steps each. */
	struct program program = { .cpus = 2 + check_random(random) % 2 };
	unsigned longest = program.cpus == 2 ? STEPS : 2;
	unsigned value = 1;

	for (unsigned cpu = 0; cpu < program.cpus; cpu++) {
		program.count[cpu] = 1 + check_random(random) % longest;
		for (unsigned i = 0; i < program.count[cpu]; i++) {
			struct step *step = &program.step[cpu][i];

			/* Mostly loads and stores. */
			step->kind = check_random(random) % 16;
			if (step->kind >= STEP_KINDS)
				step->kind %= 2;
			step->cell = check_random(random) % cells;
			step->value = value++;
		}
	}
	return program;
}

CASE(explorer_agrees_with_a_stupid_machine)
{
	static struct outcomes modelled, bounded, explored, explored_bounded;
	uint64_t random = check_seed(), schedules = 0, outcomes = 0;

	for (unsigned round = 0; round < 3000; round++) {
		struct program program = make_program(&random, CELLS);
		struct machine machine = { .last = CPUS };
		unsigned limit = round % 3;

		modelled.count = bounded.count = 0;
		run_model(&machine, &program, ~0U, &modelled);
		schedules += run_explorer(&program, (struct how){ 0 },
					  &explored);
		outcomes += explored.count;
		CHECK(explored.count == modelled.count);
		CHECK(includes(&explored, &modelled));
		/* A bound hides nothing that is within it. */
		run_model(&machine, &program, limit, &bounded);
		run_explorer(&program, (struct how){
			.preemptions = EXPLORE_AT_MOST(limit) },
			&explored_bounded);
		CHECK(includes(&explored_bounded, &bounded));
		CHECK(includes(&modelled, &explored_bounded));
	}
	printf("# %lu schedules, %lu outcomes\n", (unsigned long)schedules,
	       (unsigned long)outcomes);
}

CASE(explorer_models_are_ordered)
{
	static struct outcomes sequential, tso, weak, seq_cst;
	uint64_t random = check_seed();

	for (unsigned round = 0; round < 1000; round++) {
		struct program program = make_program(&random, BYTE_CELL);

		run_explorer(&program, (struct how){
			.model = EXPLORE_SEQUENTIAL }, &sequential);
		run_explorer(&program, (struct how){ 0 }, &tso);
		run_explorer(&program, (struct how){
			.model = EXPLORE_WEAK }, &weak);
		/* x86 does no more than C allows. */
		CHECK(includes(&tso, &sequential));
		CHECK(includes(&weak, &tso));
		/* And all of it is gone when everything is seq_cst. */
		run_explorer(&program, (struct how){
			.model = EXPLORE_WEAK, .orders = SEQ_CST }, &seq_cst);
		CHECK(seq_cst.count == sequential.count);
		CHECK(includes(&seq_cst, &sequential));
		run_explorer(&program, (struct how){
			.orders = SEQ_CST }, &seq_cst);
		CHECK(seq_cst.count == sequential.count);
		CHECK(includes(&seq_cst, &sequential));
	}
}
