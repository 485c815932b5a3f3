// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A depth-first walk over all schedules. Nothing is saved or restored: each
 * schedule runs from its beginning, along the choices of the one before but
 * for the last of them that has an alternative left.
 *
 * Two events whose order no processor can observe are explored in one order:
 *
 *   (X1) A store goes into its processor's buffer at once: no other one can
 *        observe when. So a store alone is no reason to change processors.
 *   (X2) Its drain can be observed, so it drains right before an access that
 *        looks at its bytes, and where store_buffers.c says it has to go
 *        before one that does. There it may drain, or not.
 *   (X3) A locked access or a full fence finds its own buffer empty.
 *   (X4) In the end all buffers drain, stores to the same bytes in every
 *        order, before `check` looks.
 *   (X5) A processor at atomic_pause waits until a cell has changed since
 *        the first look of its round, for else the round would repeat
 *        itself. When nothing has but stores of others wait, one drains.
 *   (X6) In EXPLORE_WEAK nothing is buffered; instead each load reads any
 *        of the values that weak_memory.c says it may.
 *
 * None of them changes the order of the accesses that count as processors
 * being left, so a bound on preemptions hides nothing more than it says.
 *
 * Preemption bounding is from M. Musuvathi and S. Qadeer, "Iterative Context
 * Bounding for Systematic Testing of Multithreaded Programs" (PLDI 2007).
 */
#include "explorer.h"
#include "check.h"
#include "coroutine.h"
#include "explorer_memory.h"
#include "explorer_trace.h"

#include <base/assert.h>

#define DEFAULT_ACCESSES 2000
#define DEFAULT_SCHEDULES 20000000
#define NO_CPU EXPLORE_CPUS
#define GO '.'
#define NEWEST 'A'
#define OPTIONS WEAK_VALUES

enum processor_state { ABSENT, ALIVE, FINISHED };

struct processor {
	enum processor_state state;
	struct explore_access *pending;	/* made before it is resumed         */
	bool has_looked;		/* in this round of waiting          */
	uint64_t seen;			/* news when it first did            */
	jmp_buf asserted;
	jmp_buf *assert_target;		/* while it does not run             */
	struct coroutine coroutine;
};

struct choice {
	char options[OPTIONS];
	unsigned char count, taken;
};

/* The one walk that can be under way. */
static struct walk {
	const struct exploration *exploration;	/* NULL: none is             */
	uint64_t accesses_limit, schedules_limit;
	struct explored *explored;
	struct explorer_memory memory;
	struct processor cpu[EXPLORE_CPUS];
	unsigned running;		/* the one that runs, or NO_CPU      */
	unsigned last;			/* who made the last access          */
	unsigned preemptions;		/* so far                            */
	uint64_t accesses;
	struct choice choices[EXPLORE_LONGEST];
	unsigned depth, known;		/* choices made, choices to repeat   */
	const char *replay;		/* what is left of it, or NULL       */
	bool bad;
	jmp_buf asserted;		/* in set_up or check                */
} walk = { .running = NO_CPU };

// --- the end of a bad schedule -----------------------------------------------

static void say_failed(enum explore_verdict verdict, const char *file,
		       int line, const char *text)
{
	if (walk.bad)
		return;
	walk.bad = true;
	walk.explored->verdict = verdict;
	walk.explored->file = file;
	walk.explored->line = line;
	walk.explored->text = text;
}

/* In a body: does not return, for the schedule is over. */
static void leave_if_in_body(void)
{
	if (walk.running != NO_CPU) {
		coroutine_yield(&walk.cpu[walk.running].coroutine);
		abort();
	}
}

void explore_failed(const char *file, int line, const char *text)
{
	if (walk.exploration == NULL) {
		check_failed(file, line, text);
		return;
	}
	say_failed(EXPLORED_FAILED, file, line, text);
	leave_if_in_body();
}

void explore_asserted(const char *file, int line, const char *text)
{
	jmp_buf *last_target = walk.running == NO_CPU
				       ? &walk.asserted
				       : &walk.cpu[walk.running].asserted;

	/* Else a caller nearer by waits for it: CHECK_ASSERTS. */
	if (walk.exploration != NULL && check_assert_target == last_target)
		say_failed(EXPLORED_FAILED, file, line, text);
}

static void say_too_long(void)
{
	say_failed(EXPLORED_TOO_LONG, __FILE__, __LINE__,
		   "a schedule does not end within its limit");
}

// --- one access --------------------------------------------------------------

static void drain_oldest(unsigned cpu)
{
	struct store oldest = store_buffers_drain(&walk.memory.buffers, cpu);

	if (walk.replay != NULL)
		explorer_trace_drain(walk.exploration, cpu, &oldest);
}

static void make(unsigned cpu, struct explore_access *access, unsigned age)
{
	explorer_memory_make(&walk.memory, cpu, access, age);
	if (walk.replay != NULL)
		explorer_trace_access(walk.exploration, cpu, access);
}

/* The value that its processor is resumed with. */
static void make_pending(unsigned number, unsigned age)
{
	struct processor *cpu = &walk.cpu[number];
	struct explore_access *access = cpu->pending;
	unsigned owes = explorer_memory_owes(&walk.memory, number, access);

	while (owes-- > 0)
		drain_oldest(number);
	make(number, access, age);
	if (access->kind == EXPLORE_PAUSE || !cpu->has_looked)
		cpu->seen = store_buffers_news(&walk.memory.buffers, number);
	cpu->has_looked = access->kind != EXPLORE_PAUSE;
	/* Old news is none to memory, but it is to who read it late. */
	if (age > 0)
		cpu->seen = UINT64_MAX;
}

/* It stands at atomic_pause, and what it looked at is as it was (X5). */
static bool has_no_news(unsigned cpu)
{
	return walk.cpu[cpu].pending->kind == EXPLORE_PAUSE &&
	       store_buffers_news(&walk.memory.buffers, cpu) ==
		       walk.cpu[cpu].seen;
}

/* The drains that the next access of `cpu`, or the end, can observe. */
static struct look look_of(unsigned cpu)
{
	struct look look = { .kind = LOOK_AT_THE_END, .cpu = cpu };

	if (cpu == NO_CPU)
		return look;
	look = explorer_memory_look(&walk.memory, cpu, walk.cpu[cpu].pending);
	if (has_no_news(cpu))
		look.kind = LOOK_AT_NEWS;
	return look;
}

// --- choices -----------------------------------------------------------------

/* The first option, or the one that a replay names. */
static unsigned char first_taken(const char *options, unsigned count)
{
	if (walk.replay == NULL || *walk.replay == '\0')
		return 0;
	for (unsigned i = 0; i < count; i++)
		if (options[i] == *walk.replay) {
			walk.replay++;
			return i;
		}
	say_failed(EXPLORED_FAILED, __FILE__, __LINE__,
		   "the schedule to replay does not fit");
	return 0;
}

static char choose(const char *options, unsigned count)
{
	struct choice *choice = &walk.choices[walk.depth];
	char taken;

	if (walk.depth == EXPLORE_LONGEST) {
		say_too_long();
		return options[0];
	}
	if (walk.depth == walk.known) {
		memcpy(choice->options, options, count);
		choice->count = count;
		choice->taken = first_taken(options, count);
		walk.known++;
	}
	/* Otherwise the bodies depend on more than set_up and schedule. */
	ASSERT(choice->count == count &&
	       memcmp(choice->options, options, count) == 0);
	taken = options[choice->taken];
	walk.explored->schedule[walk.depth++] = taken;
	return taken;
}

/* Turns to the next schedule; false when there is none. */
static bool turn_to_next(void)
{
	while (walk.known > 0) {
		struct choice *choice = &walk.choices[walk.known - 1];

		if (++choice->taken < choice->count)
			return true;
		walk.known--;
	}
	return false;
}

static bool may_preempt(void)
{
	unsigned limit = walk.exploration->preemptions;

	return limit == 0 || walk.preemptions + 1 < limit;
}

/* Lets drain what the next access of `mover` can tell (X2, X4, X5). */
static void choose_drains(unsigned mover)
{
	/* Mostly no buffer has a store: then there is nothing to choose. */
	while (!walk.bad &&
	       store_buffers_others_wait(&walk.memory.buffers, NO_CPU)) {
		struct look look = look_of(mover);
		unsigned stops[STORE_CPUS], count = 0;
		char options[OPTIONS], taken;

		if (look.kind == LOOK_NOWHERE || look.kind == LOOK_AT_BYTES)
			options[count++] = GO;
		store_buffers_find_stops(&walk.memory.buffers, &look, stops);
		for (unsigned c = 0; c < STORE_CPUS; c++)
			if (stops[c] > 0)
				options[count++] = 'a' + c;
		if (count == 0 || (count == 1 && options[0] == GO))
			return;
		taken = choose(options, count);
		if (walk.bad || taken == GO)
			return;
		for (unsigned i = stops[taken - 'a']; i > 0; i--)
			drain_oldest(taken - 'a');
	}
}

/*
 * Which of several values it reads: the newest but for so many. One that is
 * out of date counts as a preemption does.
 */
static unsigned choose_age(unsigned cpu)
{
	unsigned count = explorer_memory_choices(&walk.memory, cpu,
						 walk.cpu[cpu].pending);
	char options[OPTIONS];
	unsigned age;

	if (count == 0)
		say_failed(EXPLORED_FAILED, walk.cpu[cpu].pending->file,
			   walk.cpu[cpu].pending->line,
			   "EXPLORE_WEAK cannot follow this cell");
	if (!may_preempt() && count > 1)
		count = 1;
	for (unsigned i = 0; i < count; i++)
		options[i] = NEWEST + i;
	if (walk.bad || count <= 1)
		return 0;
	age = choose(options, count) - NEWEST;
	walk.preemptions += age > 0;
	return age;
}

static bool can_go_on(unsigned cpu)
{
	return walk.cpu[cpu].state == ALIVE &&
	       (!has_no_news(cpu) ||
		store_buffers_others_wait(&walk.memory.buffers, cpu));
}

/* The processor that makes the next access; NO_CPU when none can. */
static unsigned choose_processor(void)
{
	unsigned count = 0, next;
	bool goes_on = walk.last != NO_CPU && can_go_on(walk.last);
	bool costs = goes_on &&
		     walk.cpu[walk.last].pending->kind != EXPLORE_PAUSE;
	char options[OPTIONS];

	if (goes_on)
		options[count++] = '0' + walk.last;
	for (unsigned c = 0; c < EXPLORE_CPUS; c++)
		if (c != walk.last && can_go_on(c) &&
		    (!costs || may_preempt()))
			options[count++] = '0' + c;
	if (count == 0)
		return NO_CPU;
	next = choose(options, count) - '0';
	walk.preemptions += costs && next != walk.last;
	return next;
}

// --- one schedule ------------------------------------------------------------

static void body(void *argument)
{
	struct processor *cpu = argument;

	if (setjmp(cpu->asserted) == 0) {
		check_assert_target = &cpu->asserted;
		walk.exploration->cpu[walk.running](walk.exploration->context);
		cpu->state = FINISHED;
	} else {
		say_failed(EXPLORED_FAILED, __FILE__, __LINE__,
			   "an ASSERT failed in a body");
	}
	coroutine_yield(&cpu->coroutine);
	abort();
}

/* Until its next access, or its end. */
static void resume(unsigned number)
{
	struct processor *cpu = &walk.cpu[number];
	jmp_buf *outside = check_assert_target;

	check_assert_target = cpu->assert_target;
	walk.running = number;
	coroutine_resume(&cpu->coroutine);
	walk.running = NO_CPU;
	cpu->assert_target = check_assert_target;
	check_assert_target = outside;
}

uint64_t explore_access(struct explore_access *access)
{
	unsigned number = walk.running;

	if (number == NO_CPU) {
		explorer_memory_make(&walk.memory, NO_CPU, access, 0);
		return access->result;
	}
	if (++walk.accesses > walk.explored->longest)
		walk.explored->longest = walk.accesses;
	if (walk.accesses > walk.accesses_limit) {
		say_too_long();
		leave_if_in_body();
	}
	if (explorer_memory_is_local(&walk.memory, number, access)) {
		make(number, access, 0);
		return 0;
	}
	walk.cpu[number].pending = access;
	coroutine_yield(&walk.cpu[number].coroutine);
	return access->result;
}

/* set_up or check: an ASSERT in there fails the schedule. */
static void call_guarded(void (*function)(void *context))
{
	jmp_buf *outside = check_assert_target;

	if (function == NULL || walk.bad)
		return;
	if (setjmp(walk.asserted) == 0) {
		check_assert_target = &walk.asserted;
		function(walk.exploration->context);
	} else {
		say_failed(EXPLORED_FAILED, __FILE__, __LINE__,
			   "an ASSERT failed in set_up or check");
	}
	check_assert_target = outside;
}

static void start_processors(void)
{
	for (unsigned c = 0; c < EXPLORE_CPUS; c++) {
		struct processor *cpu = &walk.cpu[c];

		cpu->state = ABSENT;
		cpu->seen = 0;
		cpu->has_looked = false;
		cpu->pending = NULL;
		if (walk.exploration->cpu[c] != NULL && !walk.bad) {
			cpu->state = ALIVE;
			coroutine_start(&cpu->coroutine, body, cpu);
			resume(c);
		}
	}
}

static void run_schedule(void)
{
	unsigned next, age;

	walk.depth = walk.preemptions = 0;
	walk.accesses = 0;
	walk.last = NO_CPU;
	explorer_memory_init(&walk.memory, walk.exploration->model);
	call_guarded(walk.exploration->set_up);
	start_processors();
	while (!walk.bad && (next = choose_processor()) != NO_CPU) {
		choose_drains(next);
		age = choose_age(next);
		if (walk.bad)
			break;
		make_pending(next, age);
		walk.last = next;
		resume(next);
	}
	for (unsigned c = 0; c < EXPLORE_CPUS; c++)
		if (walk.cpu[c].state == ALIVE)
			say_failed(EXPLORED_STUCK, __FILE__, __LINE__,
				   "every processor waits for another");
	choose_drains(NO_CPU);
	for (unsigned c = 0; c < EXPLORE_CPUS; c++)
		while (!walk.bad && walk.memory.buffers.cpu[c].count > 0)
			drain_oldest(c);
	call_guarded(walk.exploration->check);
	walk.explored->schedule[walk.depth] = '\0';
	walk.explored->accesses += walk.accesses;
	walk.explored->schedules++;
}

// --- all of them -------------------------------------------------------------

static void start_walk(const struct exploration *exploration,
		       const char *replay, struct explored *explored)
{
	memset(explored, 0, sizeof(*explored));
	walk.exploration = exploration;
	walk.accesses_limit = exploration->accesses_limit;
	if (walk.accesses_limit == 0)
		walk.accesses_limit = DEFAULT_ACCESSES;
	walk.schedules_limit = exploration->schedules_limit;
	if (walk.schedules_limit == 0)
		walk.schedules_limit = DEFAULT_SCHEDULES;
	walk.explored = explored;
	walk.replay = replay;
	walk.running = NO_CPU;
	walk.known = 0;
	walk.bad = false;
}

enum explore_verdict explore(const struct exploration *exploration,
			     struct explored *explored)
{
	start_walk(exploration, NULL, explored);
	do {
		if (explored->schedules == walk.schedules_limit)
			say_failed(EXPLORED_TOO_MANY, __FILE__, __LINE__,
				   "more schedules than the limit");
		else
			run_schedule();
	} while (!walk.bad && turn_to_next());
	/* Built against the headers that ship, anything would pass. */
	if (explored->accesses == 0)
		say_failed(EXPLORED_FAILED, __FILE__, __LINE__,
			   "no access was seen: wrong include path?");
	walk.exploration = NULL;
	return explored->verdict;
}

enum explore_verdict explore_replay(const struct exploration *exploration,
				    const char *schedule,
				    struct explored *explored)
{
	start_walk(exploration, schedule, explored);
	run_schedule();
	walk.exploration = NULL;
	return explored->verdict;
}

unsigned explore_cpu(void)
{
	return walk.running;
}

void explore_whole(const struct exploration *exploration)
{
	static struct explored explored, again;
	size_t bytes = strlen(exploration->name);
	const char *wanted = getenv("EXPLORE");

	if (wanted != NULL && strncmp(wanted, exploration->name, bytes) == 0 &&
	    wanted[bytes] == ':') {
		explore_replay(exploration, wanted + bytes + 1, &explored);
	} else if (explore(exploration, &explored) != EXPLORED_WHOLE) {
		printf("# EXPLORE=%s:%s # schedule %lu\n", exploration->name,
		       explored.schedule, (unsigned long)explored.schedules);
		explore_replay(exploration, explored.schedule, &again);
	}
	if (explored.verdict != EXPLORED_WHOLE)
		check_failed(explored.file, explored.line, explored.text);
}
