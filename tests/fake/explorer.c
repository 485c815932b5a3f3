// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A depth-first walk over all schedules. Nothing is saved or restored: each
 * schedule runs from its beginning, along the choices of the one before but
 * for the last of them that has an alternative left.
 *
 * A store goes into its processor's buffer at once: nobody else can tell
 * when. What others can tell is when it reaches memory, its drain. Two
 * events whose order nobody can tell are explored in one order only, and
 * drains are put off for as long as their order cannot be told:
 *
 *   (X1) A processor sees its own stores at once, others when drained.
 *   (X2) A buffer drains in the order of its stores.
 *   (X3) A locked access or a full fence finds its own buffer empty.
 *   (X4) Before an access, any prefix of any buffer may drain that ends in
 *        a store to bytes which the access touches, or in one to bytes for
 *        which a store waits in another buffer that has to drain; no other
 *        drain could be told from a later one.
 *   (X5) After the last access, stores to the same bytes in different
 *        buffers drain in every order.
 *
 * A processor at atomic_pause waits until a cell has changed since the first
 * load of its round, for otherwise the round would only repeat itself; when
 * none has but a buffer is not empty, the oldest store of one must drain.
 *
 * x86's model is that of P. Sewell et al., "x86-TSO: A Rigorous and Usable
 * Programmer's Model" (CACM 2010); preemption bounding is from M. Musuvathi
 * and S. Qadeer, "Iterative Context Bounding" (PLDI 2007).
 */
#include "explorer.h"
#include "check.h"
#include "coroutine.h"

#include <base/assert.h>
#include <base/bits.h>

#define BUFFER_STORES 64
#define DEFAULT_ACCESSES 2000
#define DEFAULT_SCHEDULES 20000000
#define NOBODY EXPLORE_CPUS
#define GO '.'
#define OPTIONS (EXPLORE_CPUS + 1)

struct store {
	uint8_t *place;
	unsigned bytes;
	uint64_t value;
};

enum processor_state { ABSENT, ALIVE, FINISHED };

struct processor {
	enum processor_state state;
	struct explore_access *pending;	/* made before it is resumed         */
	struct store buffer[BUFFER_STORES];	/* the oldest first          */
	unsigned buffered;
	uint64_t changes;		/* that it made to memory            */
	/* Changes by others when its round of waiting first looked. */
	uint64_t seen;
	bool has_looked;
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
	struct processor cpu[EXPLORE_CPUS];
	unsigned running;		/* whose body runs, or NOBODY        */
	unsigned last;			/* who made the last access          */
	unsigned preemptions;		/* this and the rest: so far         */
	uint64_t accesses, changes;
	struct choice choices[EXPLORE_LONGEST];
	unsigned depth, known;		/* choices made, choices to repeat   */
	const char *replay;		/* what is left of it, or NULL       */
	bool bad;
	jmp_buf asserted;		/* in set_up or check                */
} walk = { .running = NOBODY };

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
	if (walk.running != NOBODY) {
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
	jmp_buf *last_target = walk.running == NOBODY
				       ? &walk.asserted
				       : &walk.cpu[walk.running].asserted;

	/* Else somebody nearer by waits for it: CHECK_ASSERTS. */
	if (walk.exploration != NULL && check_assert_target == last_target)
		say_failed(EXPLORED_FAILED, file, line, text);
}

static void say_too_long(void)
{
	say_failed(EXPLORED_TOO_LONG, __FILE__, __LINE__,
		   "a schedule does not end within its limit");
}

// --- what a replay prints ----------------------------------------------------

static const char *const kind_names[] = {
	[EXPLORE_LOAD] = "load", [EXPLORE_STORE] = "store",
	[EXPLORE_EXCHANGE] = "exchange", [EXPLORE_COMPARE] = "compare",
	[EXPLORE_ADD] = "add", [EXPLORE_OR] = "or", [EXPLORE_AND] = "and",
	[EXPLORE_FENCE] = "fence", [EXPLORE_PAUSE] = "pause",
};

static void print_place(const void *place)
{
	uint64_t offset = (uintptr_t)place -
			  (uintptr_t)walk.exploration->context;

	if (offset < walk.exploration->context_bytes)
		printf(" +%#lx", (unsigned long)offset);
	else
		printf(" %p", place);
}

static void trace_access(unsigned cpu, const struct explore_access *access,
			 const char *remark)
{
	if (walk.replay == NULL || cpu == NOBODY)
		return;
	printf("# cpu%u %s", cpu, kind_names[access->kind]);
	if (access->place != NULL)
		print_place(access->place);
	if (access->kind == EXPLORE_COMPARE)
		printf(" with %#lx", (unsigned long)access->expected);
	if (access->kind > EXPLORE_LOAD && access->kind < EXPLORE_FENCE)
		printf(" value %#lx", (unsigned long)access->operand);
	if (access->kind != EXPLORE_STORE && access->kind < EXPLORE_FENCE)
		printf(" saw %#lx", (unsigned long)access->result);
	printf("%s   %s:%d\n", remark, access->file, access->line);
}

static void trace_drain(unsigned cpu, const struct store *store)
{
	if (walk.replay == NULL)
		return;
	printf("# cpu%u drain", cpu);
	print_place(store->place);
	printf(" value %#lx\n", (unsigned long)store->value);
}

// --- memory and the buffers in front of it -----------------------------------

static uint64_t read_memory(const void *place, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, place, bytes);
	return value;
}

static void write_memory(unsigned cpu, void *place, unsigned bytes,
			 uint64_t value)
{
	if (memcmp(place, &value, bytes) == 0)
		return;
	memcpy(place, &value, bytes);
	walk.changes++;
	if (cpu != NOBODY)
		walk.cpu[cpu].changes++;
}

static uint64_t changes_by_others(unsigned cpu)
{
	return walk.changes - walk.cpu[cpu].changes;
}

static bool overlap(const struct store *store, const void *place,
		    unsigned bytes)
{
	uintptr_t first = (uintptr_t)store->place, other = (uintptr_t)place;

	return first < other + bytes && other < first + store->bytes;
}

static void put_in_buffer(unsigned cpu, const struct explore_access *access)
{
	struct processor *owner = &walk.cpu[cpu];

	ASSERT(owner->buffered < BUFFER_STORES);
	owner->buffer[owner->buffered++] = (struct store){
		access->place, access->bytes, access->operand
	};
	trace_access(cpu, access, "");
}

static void drain_oldest(unsigned cpu)
{
	struct processor *owner = &walk.cpu[cpu];
	struct store oldest = owner->buffer[0];

	owner->buffered--;
	memmove(&owner->buffer[0], &owner->buffer[1],
		owner->buffered * sizeof(struct store));
	trace_drain(cpu, &oldest);
	write_memory(cpu, oldest.place, oldest.bytes, oldest.value);
}

/* Memory, under what the processor's own buffer holds (X1). */
static uint64_t read_through_buffer(const struct processor *owner,
				    const struct explore_access *access)
{
	uint64_t value = read_memory(access->place, access->bytes);
	uint8_t *bytes = (uint8_t *)&value;

	for (unsigned i = 0; i < owner->buffered; i++) {
		const struct store *store = &owner->buffer[i];

		for (unsigned b = 0; b < store->bytes; b++) {
			uint64_t at = (uintptr_t)store->place + b -
				      (uintptr_t)access->place;

			if (at < access->bytes)
				bytes[at] = store->value >> 8 * b;
		}
	}
	return value;
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

/* A locked access, or a store that nothing delays. */
static void change_memory(unsigned cpu, struct explore_access *access)
{
	access->result = read_memory(access->place, access->bytes);
	write_memory(cpu, access->place, access->bytes,
		     combine(access, access->result));
}

// --- which drains can be told ------------------------------------------------

/* How many of its own stores have to drain before its access. */
static unsigned owed(unsigned cpu)
{
	const struct processor *owner = &walk.cpu[cpu];

	switch (owner->pending->kind) {
	case EXPLORE_LOAD:
	case EXPLORE_PAUSE:
		return 0;
	case EXPLORE_STORE:
		return owner->buffered == BUFFER_STORES;
	default:
		return owner->buffered;
	}
}

static bool others_have_stores(unsigned cpu)
{
	for (unsigned c = 0; c < EXPLORE_CPUS; c++)
		if (c != cpu && walk.cpu[c].buffered > 0)
			return true;
	return false;
}

/* It stands at atomic_pause, and what it looked at is as it was. */
static bool has_no_news(unsigned cpu)
{
	return walk.cpu[cpu].pending->kind == EXPLORE_PAUSE &&
	       changes_by_others(cpu) == walk.cpu[cpu].seen;
}

/* Stores to the same bytes wait in another buffer. */
static bool is_contended(unsigned cpu, const struct store *store)
{
	for (unsigned c = 0; c < EXPLORE_CPUS; c++)
		for (unsigned i = 0; c != cpu && i < walk.cpu[c].buffered; i++)
			if (overlap(&walk.cpu[c].buffer[i], store->place,
				    store->bytes))
				return true;
	return false;
}

/* The access of `mover` (or the end, for NOBODY) can tell if it drains. */
static bool is_looked_at(unsigned mover, unsigned cpu, unsigned number)
{
	const struct store *store = &walk.cpu[cpu].buffer[number];
	const struct explore_access *access;

	if (mover == NOBODY)
		return is_contended(cpu, store);
	access = walk.cpu[mover].pending;
	if (cpu == mover || access->kind == EXPLORE_FENCE)
		return false;
	if (access->kind == EXPLORE_PAUSE)
		return number == 0 && has_no_news(mover);
	if (access->kind == EXPLORE_STORE &&
	    walk.exploration->model == EXPLORE_TSO)
		return false;
	return overlap(store, access->place, access->bytes);
}

/* Includes what has to drain before or after its like in [0..upto). */
static bool widen(unsigned upto[EXPLORE_CPUS], unsigned cpu)
{
	bool grown = false;

	for (unsigned i = 0; i < upto[cpu]; i++) {
		const struct store *store = &walk.cpu[cpu].buffer[i];

		for (unsigned c = 0; c < EXPLORE_CPUS; c++) {
			const struct processor *other = &walk.cpu[c];

			for (unsigned j = upto[c]; j < other->buffered; j++)
				if (c != cpu && overlap(&other->buffer[j],
							store->place,
							store->bytes)) {
					upto[c] = j + 1;
					grown = true;
				}
		}
	}
	return grown;
}

/* upto[c]: how many stores in the buffer of `c` may matter to `mover`. */
static void find_drains(unsigned mover, unsigned upto[EXPLORE_CPUS])
{
	bool grown;

	for (unsigned c = 0; c < EXPLORE_CPUS; c++) {
		upto[c] = c == mover ? owed(mover) : 0;
		for (unsigned i = 0; i < walk.cpu[c].buffered; i++)
			if (is_looked_at(mover, c, i))
				upto[c] = i + 1;
	}
	do {
		grown = false;
		for (unsigned c = 0; c < EXPLORE_CPUS; c++)
			grown |= widen(upto, c);
	} while (grown);
}

/* Stores of `cpu` that drain before the next choice; 0: no choice. */
static unsigned next_stop(unsigned mover, unsigned cpu, unsigned upto)
{
	for (unsigned i = 0; i < upto; i++)
		if (is_looked_at(mover, cpu, i) ||
		    is_contended(cpu, &walk.cpu[cpu].buffer[i]))
			return i + 1;
	return 0;
}

static bool may_go(unsigned mover)
{
	if (mover != NOBODY)
		return !has_no_news(mover) || !others_have_stores(mover);
	for (unsigned c = 0; c < EXPLORE_CPUS; c++)
		for (unsigned i = 0; i < walk.cpu[c].buffered; i++)
			if (is_contended(c, &walk.cpu[c].buffer[i]))
				return false;
	return true;
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

/* Lets stores drain that the access of `mover` can tell (X4, X5). */
static void choose_drains(unsigned mover)
{
	while (!walk.bad) {
		unsigned upto[EXPLORE_CPUS], stops[EXPLORE_CPUS], count = 0;
		char options[OPTIONS], taken;

		find_drains(mover, upto);
		if (may_go(mover))
			options[count++] = GO;
		for (unsigned c = 0; c < EXPLORE_CPUS; c++) {
			stops[c] = next_stop(mover, c, upto[c]);
			if (stops[c] > 0)
				options[count++] = 'a' + c;
		}
		if (count == 1 && options[0] == GO)
			return;
		taken = choose(options, count);
		if (walk.bad || taken == GO)
			return;
		for (unsigned i = stops[taken - 'a']; i > 0; i--)
			drain_oldest(taken - 'a');
	}
}

static bool can_go_on(unsigned cpu)
{
	return walk.cpu[cpu].state == ALIVE &&
	       (!has_no_news(cpu) || others_have_stores(cpu));
}

/* Who makes the next access; NOBODY when nobody can. */
static unsigned choose_processor(void)
{
	unsigned limit = walk.exploration->preemptions, count = 0, next;
	bool goes_on = walk.last != NOBODY && can_go_on(walk.last);
	bool costs = goes_on &&
		     walk.cpu[walk.last].pending->kind != EXPLORE_PAUSE;
	char options[OPTIONS];

	if (goes_on)
		options[count++] = '0' + walk.last;
	for (unsigned c = 0; c < EXPLORE_CPUS; c++)
		if (c != walk.last && can_go_on(c) &&
		    (!costs || limit == 0 || walk.preemptions + 1 < limit))
			options[count++] = '0' + c;
	if (count == 0)
		return NOBODY;
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
	walk.running = NOBODY;
	cpu->assert_target = check_assert_target;
	check_assert_target = outside;
}

uint64_t explore_access(struct explore_access *access)
{
	unsigned number = walk.running;
	struct processor *cpu = &walk.cpu[number];

	if (number == NOBODY) {
		if (access->kind == EXPLORE_LOAD)
			access->result = read_memory(access->place,
						     access->bytes);
		else if (access->kind < EXPLORE_FENCE)
			change_memory(NOBODY, access);
		return access->result;
	}
	if (++walk.accesses > walk.explored->longest)
		walk.explored->longest = walk.accesses;
	if (walk.accesses > walk.accesses_limit) {
		say_too_long();
		leave_if_in_body();
	}
	/* Nobody can tell when a store enters the buffer. */
	if (access->kind == EXPLORE_STORE &&
	    walk.exploration->model == EXPLORE_TSO &&
	    cpu->buffered < BUFFER_STORES) {
		put_in_buffer(number, access);
		return 0;
	}
	cpu->pending = access;
	coroutine_yield(&cpu->coroutine);
	return access->result;
}

/* What the processor is resumed with: its pending access, made. */
static void make_access(unsigned number)
{
	struct processor *cpu = &walk.cpu[number];
	struct explore_access *access = cpu->pending;

	for (unsigned i = owed(number); i > 0; i--)
		drain_oldest(number);
	if (access->kind == EXPLORE_LOAD) {
		access->result = read_through_buffer(cpu, access);
	} else if (access->kind == EXPLORE_PAUSE) {
		cpu->has_looked = false;
		cpu->seen = changes_by_others(number);
	} else if (access->kind == EXPLORE_STORE &&
		   walk.exploration->model == EXPLORE_TSO) {
		put_in_buffer(number, access);
		return;
	} else if (access->kind != EXPLORE_FENCE) {
		change_memory(number, access);
	}
	if (access->kind < EXPLORE_FENCE && !cpu->has_looked) {
		cpu->has_looked = true;
		cpu->seen = changes_by_others(number);
	}
	trace_access(number, access, "");
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
		cpu->buffered = 0;
		cpu->changes = cpu->seen = 0;
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
	unsigned next;

	walk.depth = walk.preemptions = 0;
	walk.accesses = walk.changes = 0;
	walk.last = NOBODY;
	call_guarded(walk.exploration->set_up);
	start_processors();
	while (!walk.bad && (next = choose_processor()) != NOBODY) {
		choose_drains(next);
		if (walk.bad)
			break;
		make_access(next);
		walk.last = next;
		resume(next);
	}
	for (unsigned c = 0; c < EXPLORE_CPUS; c++)
		if (walk.cpu[c].state == ALIVE)
			say_failed(EXPLORED_STUCK, __FILE__, __LINE__,
				   "every processor waits for another");
	choose_drains(NOBODY);
	for (unsigned c = 0; c < EXPLORE_CPUS; c++)
		while (!walk.bad && walk.cpu[c].buffered > 0)
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
	walk.running = NOBODY;
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
