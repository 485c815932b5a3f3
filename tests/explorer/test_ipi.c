// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * kernel/sync/ipi.c between processors of the explorer. There are no interrupts
 * here: a processor that is only asked looks at its mailbox now and then,
 * which is when an interrupt might have come.
 */
#include <tests/explorer/include/base/atomic_builtin.h>

#include <kernel/sync/ipi.c>

#include "check.h"
#include "explorer.h"

#define CPUS 3

static struct cpu_local cpus[CPUS];
static unsigned cpu_count;
static unsigned outside;		/* the caller outside explorations   */
static uint32_t sent[8];		/* [message] by apic                 */
static trap_handler *call_handler;
static unsigned ended_interrupts;

unsigned cpu_local_id(void)
{
	return explore_cpu() < EXPLORE_CPUS ? explore_cpu() : outside;
}

struct cpu_local *cpu_local_at(unsigned index)
{
	return index < cpu_count ? &cpus[index] : NULL;
}

unsigned cpu_local_limit(void)
{
	return cpu_count;
}

bool cpu_local_is_online(unsigned index)
{
	return index < cpu_count && cpus[index].start.plain == START_ONLINE;
}

uint64_t interrupts_off(void)
{
	return 0;
}

void interrupts_restore(uint64_t flags)
{
	(void)flags;
}

bool lock_holds_interrupt_lock(void)
{
	return cpus[cpu_local_id()].locks.count != 0;
}

/* Outside explorations the interrupt comes at once. */
enum status lapic_send(uint32_t apic, uint32_t message)
{
	unsigned sender = outside;

	sent[apic] = message;
	if (explore_cpu() < EXPLORE_CPUS || message == LAPIC_NMI)
		return ST_OK;
	outside = apic - 1;
	call_handler(NULL);
	outside = sender;
	return ST_OK;
}

void lapic_interrupt(uint32_t apic)
{
	MUST(lapic_send(apic, LAPIC_VECTOR(VECTOR_CALL)));
}

void trap_set_handler(unsigned vector, trap_handler *handler)
{
	CHECK(vector == VECTOR_CALL);
	call_handler = handler;
}

void lapic_end(void)
{
	ended_interrupts++;
}

static void set_up(unsigned count)
{
	memset(cpus, 0, sizeof(cpus));
	memset(sent, 0, sizeof(sent));
	others_stopped.plain = 0;
	cpu_count = count;
	outside = 0;
	ipi_init();
	for (unsigned i = 0; i < count; i++) {
		cpus[i].index = i;
		cpus[i].apic = i + 1;
		cpus[i].start.plain = START_ONLINE;
	}
}

// --- who calls whom, and who has answered ------------------------------------

static atomic_u32 answers[CPUS][CPUS];	/* [caller][who answered]            */
static atomic_u32 ended;		/* bodies                            */
static const unsigned numbers[CPUS] = { 0, 1, 2 };

static void note_answer(void *argument)
{
	unsigned caller = *(const unsigned *)argument;

	atomic_fetch_add_relaxed(&answers[caller][cpu_local_id()], 1);
}

static void clear_two(void *context)
{
	(void)context;
	memset(answers, 0, sizeof(answers));
	ended.plain = 0;
	set_up(2);
}

static void clear_three(void *context)
{
	clear_two(context);
	set_up(3);
}

/* An interrupt comes for who has nothing to wait for, too. */
static void end_body(void)
{
	atomic_fetch_add_release(&ended, 1);
	while (atomic_load_acquire(&ended) != cpu_count) {
		ipi_handle();
		atomic_pause();
	}
}

static void call_others(void *context)
{
	unsigned me = cpu_local_id();

	(void)context;
	ipi_call_others(note_answer, (void *)&numbers[me]);
	for (unsigned i = 0; i < cpu_count; i++)
		EXPLORE_CHECK(answers[me][i].plain == (i != me));
	end_body();
}

static void call_twice(void *context)
{
	unsigned me = cpu_local_id();

	(void)context;
	for (unsigned round = 1; round <= 2; round++) {
		ipi_call(1 - me, note_answer, (void *)&numbers[me]);
		EXPLORE_CHECK(answers[me][1 - me].plain == round);
	}
	end_body();
}

static void only_answer(void *context)
{
	(void)context;
	end_body();
}

static void all_ended(void *context)
{
	(void)context;
	EXPLORE_CHECK(ended.plain == cpu_count);
	for (unsigned i = 0; i < cpu_count; i++) {
		EXPLORE_CHECK(cpus[i].call.unanswered.plain == 0);
		EXPLORE_CHECK(cpus[i].mailbox.callers[0].plain == 0);
		EXPLORE_CHECK(cpus[i].context == CPU_TASK);
	}
}

CASE(ipi_ends_where_two_call_each_other)
{
	static const struct exploration each_other = {
		.name = "ipi_each_other", .set_up = clear_two,
		.cpu = { call_others, call_others }, .check = all_ended,
		.preemptions = EXPLORE_AT_MOST(2),
	};

	explore_whole(&each_other);
}

CASE(ipi_does_every_call_once_and_before_the_caller_goes_on)
{
	static const struct exploration one_way = {
		.name = "ipi_one_way", .set_up = clear_two,
		.cpu = { call_twice, only_answer }, .check = all_ended,
		.preemptions = EXPLORE_AT_MOST(2),
	};

	explore_whole(&one_way);
}

CASE(ipi_ends_where_three_call_all_others)
{
	static const struct exploration all = {
		.name = "ipi_all", .set_up = clear_three,
		.cpu = { call_others, call_others, call_others },
		.check = all_ended, .preemptions = EXPLORE_AT_MOST(1),
		.model = EXPLORE_SEQUENTIAL,
	};

	explore_whole(&all);
}

#define ARGUMENT ((void *)&numbers[0])

// --- what callers must not do ------------------------------------------------

CASE(ipi_calls_no_cpu_on_a_machine_with_one)
{
	set_up(1);
	ipi_call_others(note_answer, ARGUMENT);
	CHECK(sent[1] == 0 && cpus[0].counters.calls_made == 0);
}

CASE(ipi_ends_each_interrupt)
{
	set_up(3);
	ended_interrupts = 0;
	memset(answers, 0, sizeof(answers));
	ipi_call_others(note_answer, ARGUMENT);
	CHECK(ended_interrupts == 2);
	CHECK(answers[0][1].plain == 1 && answers[0][2].plain == 1);
}

CASE(ipi_does_not_ask_who_is_not_online)
{
	set_up(3);
	cpus[1].start.plain = START_ARRIVED;
	cpus[2].start.plain = START_WAITING;
	ipi_call_others(note_answer, ARGUMENT);
	CHECK(sent[2] == 0 && sent[3] == 0);
	CHECK_ASSERTS(ipi_call(1, note_answer, ARGUMENT));
}

CASE(ipi_is_not_for_handlers_nor_under_their_locks)
{
	set_up(2);
	cpus[0].context = CPU_INTERRUPT;
	CHECK_ASSERTS(ipi_call(1, note_answer, ARGUMENT));
	cpus[0].context = CPU_TASK;
	cpus[0].locks.count = 1;
	CHECK_ASSERTS(ipi_call(1, note_answer, ARGUMENT));
	cpus[0].locks.count = 0;
	CHECK_ASSERTS(ipi_call(0, note_answer, ARGUMENT));
}

CASE(ipi_stops_all_others_and_asks_them_no_more)
{
	set_up(3);
	outside = 1;
	ipi_stop_others();
	CHECK(sent[1] == LAPIC_NMI && sent[3] == LAPIC_NMI);
	CHECK(sent[2] == 0);
	ipi_call_others(note_answer, ARGUMENT);
	CHECK(cpus[1].counters.calls_made == 0);
}
