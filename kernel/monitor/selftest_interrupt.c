// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * interrupt: on each CPU a timer interrupts a task that allocates and frees,
 * and the handler allocates and frees as well: single frames, a block, an
 * aligned run, and many frames at once.
 *
 * The timer comes at an instruction that nothing foresees, mostly within a call
 * of the task. Each frame is stamped by the task or handler that has it, and
 * the stamp is read before the frame is freed. If a handler used a cache that a
 * task is in the middle of, both would get one frame: a stamp would be wrong,
 * or a cache would assert that it is not this context's.
 *
 * The handler frees at one interrupt what it allocated at the one before, so
 * the task runs while the handler's frames are out.
 */
#include "selftest_interrupt.h"

#include <arch/cpu_local.h>
#include <base/assert.h>
#include <base/bits.h>
#include <base/string.h>

#include <kernel/arch/clock.h>
#include <kernel/arch/cpu_local.h>
#include <kernel/arch/lapic.h>
#include <kernel/arch/window.h>
#include <kernel/memory/frames.h>
#include <kernel/memory/page_counts.h>
#include <kernel/memory/pages.h>
#include <kernel/smp/smp.h>
#include <kernel/sync/pending.h>

#define ALARMS		200
/* From one alarm to the next: not always the same part of a call. */
#define ALARM_US	20
#define ALARM_SPREAD_US	37
/* A CPU whose timer stands still ends here. */
#define LIMIT_US	20000000

#define SINGLES		24
#define MANY		70
#define RUN_PAGES	16
#define RUN_ALIGN_SHIFT	4
/* The task splits one of so many blocks in place. */
#define SPLIT_ONE_OF	8
#define OWNER_OF_TEST	OWNER_USER_ANON
#define SHARERS		(FRAME_BYTE_SHARERS + 1)

/* The frames that a task or a handler has, and the errors that it found. */
struct user {
	uint64_t mark;			/* [C] of all of its stamps          */
	unsigned singles;
	uint64_t many, blocks, runs;	/* 0, or all                         */
	uint64_t allocated, refused, wrong;
	pfn_t single[SINGLES], block, run;
	pfn_t of_many[MANY];
};

/* In a page of each CPU. [O] but for what the handler and its task share. */
struct cpu_test {
	struct user task, handler;
	atomic_u32 in_call;		/* 1: the task is within a call      */
	atomic_u32 alarms, inside;	/* counted by the handler            */
	uint64_t splits;
};

_Static_assert(sizeof(struct cpu_test) <= PAGE_SIZE, "one page for each CPU");

struct interrupt_test {
	struct frame_run run;		/* [C] by CPU                        */
	atomic_u32 no_timer;
};

static struct cpu_test *test_of(const struct interrupt_test *test, unsigned cpu)
{
	return pfn_to_pointer((pfn_t){ test->run.first.raw + cpu });
}

/* --- stamps ----------------------------------------------------------------*/

static void stamp(const struct user *user, pfn_t frame)
{
	*(uint64_t *)pfn_to_pointer(frame) = user->mark + frame.raw;
}

static void check(struct user *user, pfn_t frame)
{
	user->wrong += *(uint64_t *)pfn_to_pointer(frame) !=
		       user->mark + frame.raw;
}

/* --- one user --------------------------------------------------------------*/

static uint64_t got(struct user *user, enum status status)
{
	user->allocated += status == ST_OK;
	user->refused += status == ST_NO_MEMORY;
	user->wrong += status != ST_OK && status != ST_NO_MEMORY;
	return status == ST_OK;
}

static struct frame_request request_of(enum frame_size size)
{
	return (struct frame_request){
		.size = size, .patience = FRAME_NO_WAIT, .node = FRAMES_HOME,
		.owner = OWNER_OF_TEST,
		.pages = RUN_PAGES, .align_shift = RUN_ALIGN_SHIFT,
	};
}

static void allocate(struct user *user)
{
	struct frame_request request = request_of(FRAME_4K);

	while (user->singles < SINGLES &&
	       got(user, frames_alloc(&request,
				      &user->single[user->singles])))
		stamp(user, user->single[user->singles++]);
	user->many = got(user, frames_alloc_many(
		&request, (struct frame_array){ user->of_many, MANY }));
	for (unsigned i = 0; i < MANY * user->many; i++)
		stamp(user, user->of_many[i]);
	request = request_of(FRAME_2M);
	user->blocks = got(user, frames_alloc(&request, &user->block));
	if (user->blocks != 0)
		stamp(user, user->block);
	request = request_of(FRAME_RUN);
	user->runs = got(user, frames_alloc(&request, &user->run));
	if (user->runs == 0)
		return;
	user->wrong += user->run.raw % RUN_PAGES != 0;
	stamp(user, user->run);
}

static void free_one(struct user *user, enum frame_size size, pfn_t frame)
{
	user->wrong += frames_free(&(struct frame_return){
		.frame = frame, .size = size, .pages = RUN_PAGES,
		.owner = OWNER_OF_TEST,
		.caller = __builtin_return_address(0) }) != ST_OK;
}

static void free_at_once(struct user *user)
{
	for (unsigned i = 0; i < MANY; i++)
		check(user, user->of_many[i]);
	user->wrong += frames_free_many(&(struct frame_many_return){
		.frames = user->of_many, .count = MANY,
		.owner = OWNER_OF_TEST,
		.caller = __builtin_return_address(0) }) != ST_OK;
}

static void free_all(struct user *user)
{
	while (user->singles > 0) {
		pfn_t frame = user->single[--user->singles];

		check(user, frame);
		free_one(user, FRAME_4K, frame);
	}
	if (user->many != 0)
		free_at_once(user);
	if (user->blocks != 0) {
		check(user, user->block);
		free_one(user, FRAME_2M, user->block);
	}
	if (user->runs != 0) {
		check(user, user->run);
		free_one(user, FRAME_RUN, user->run);
	}
	user->many = user->blocks = user->runs = 0;
}

static bool has_any(const struct user *user)
{
	return (user->singles | user->many | user->blocks | user->runs) != 0;
}

/* The block becomes frames with a count, which are freed one by one. */
static void split_block(struct cpu_test *test)
{
	struct user *task = &test->task;
	struct frame_byte_change change = {
		task->block, FRAME_2M, OWNER_OF_TEST, SHARERS };
	uint8_t found;

	if (task->blocks == 0)
		return;
	check(task, task->block);
	task->wrong += frames_split(&change) != ST_OK;
	for (uint64_t i = 0; i < SIZE_2M / PAGE_SIZE; i++) {
		change = (struct frame_byte_change){
			{ task->block.raw + i }, FRAME_4K, SHARERS,
			SHARERS - 1 };
		task->wrong += frames_exchange_byte(&change, &found) != ST_OK ||
			       found != SHARERS;
		free_one(task, FRAME_4K, change.frame);
	}
	task->blocks = 0;
	test->splits++;
}

/* --- the task and its handler ----------------------------------------------*/

static uint64_t alarm_us(uint32_t alarms)
{
	return ALARM_US + alarms * 7 % ALARM_SPREAD_US;
}

static void handle_alarm(void *argument)
{
	struct cpu_test *test = argument;
	/* Relaxed, all three: the task that reads them is on this CPU. */
	uint32_t alarms = atomic_load_relaxed(&test->alarms) + 1;

	atomic_store_relaxed(&test->alarms, alarms);
	atomic_store_relaxed(&test->inside,
			     atomic_load_relaxed(&test->inside) +
				     atomic_load_relaxed(&test->in_call));
	if (has_any(&test->handler))
		free_all(&test->handler);
	else
		allocate(&test->handler);
	if (alarms < ALARMS)
		test->handler.wrong += lapic_alarm(alarm_us(alarms),
						   handle_alarm, test) != ST_OK;
}

static void work(struct cpu_test *test, unsigned round)
{
	atomic_store_relaxed(&test->in_call, 1);
	allocate(&test->task);
	if (round % SPLIT_ONE_OF == 0)
		split_block(test);
	free_all(&test->task);
	atomic_store_relaxed(&test->in_call, 0);
}

static void run_on_cpu(void *argument)
{
	struct interrupt_test *all = argument;
	struct cpu_test *test = test_of(all, cpu_local_id());
	uint64_t end_us = clock_microseconds() + LIMIT_US;

	if (lapic_alarm(ALARM_US, handle_alarm, test) != ST_OK) {
		atomic_fetch_add_relaxed(&all->no_timer, 1);
		return;
	}
	for (unsigned round = 0;
	     atomic_load_relaxed(&test->alarms) < ALARMS &&
	     clock_microseconds() < end_us; round++) {
		work(test, round);
		pending_poll();
	}
	lapic_alarm_stop();
	free_all(&test->handler);
}

/* --- the result ------------------------------------------------------------*/

struct result {
	uint64_t cpus, alarms, least_inside, in_handlers, in_tasks;
	uint64_t refused, splits, wrong;
};

static void add(struct result *sum, const struct cpu_test *test)
{
	sum->cpus++;
	sum->alarms += atomic_load_relaxed(&test->alarms);
	sum->least_inside = min_u64(sum->least_inside,
				    atomic_load_relaxed(&test->inside));
	sum->in_handlers += test->handler.allocated;
	sum->in_tasks += test->task.allocated;
	sum->refused += test->handler.refused + test->task.refused;
	sum->splits += test->splits;
	sum->wrong += test->handler.wrong + test->task.wrong;
}

/*
 * Drains of this CPU's cache by a request for more memory than any machine
 * has.
 */
static uint64_t drains_of_refusal(enum frame_patience patience)
{
	struct frame_request request = request_of(FRAME_RUN);
	const struct frame_cache *cache = frames_cache_of(cpu_local_id(),
							  CPU_TASK);
	uint32_t before = cache->drains;
	pfn_t frame;

	request.pages = UINT64_MAX >> PAGE_SHIFT;
	request.patience = patience;
	if (frames_alloc(&request, &frame) != ST_NO_MEMORY)
		return UINT64_MAX;
	return cache->drains - before;
}

static enum status report_result(const struct command_call *call,
				 const struct result *sum)
{
	uint64_t no_wait = drains_of_refusal(FRAME_NO_WAIT);
	uint64_t wait = drains_of_refusal(FRAME_WAIT);

	sink_print(call->out, "@selftest name=interrupt cpus=%lu alarms=%lu "
			      "least_inside=%lu in_handlers=%lu in_tasks=%lu ",
		   sum->cpus, sum->alarms, sum->least_inside,
		   sum->in_handlers, sum->in_tasks);
	sink_print(call->out, "refused=%lu splits=%lu wrong=%lu "
			      "drains_no_wait=%lu drains_wait=%lu\n",
		   sum->refused, sum->splits, sum->wrong, no_wait, wait);
	if (sum->wrong != 0 || sum->alarms != sum->cpus * ALARMS ||
	    sum->least_inside == 0 || sum->in_handlers == 0 || no_wait != 0 ||
	    wait != 1)
		return ST_CORRUPT;
	frames_drain_all();
	return frames_audit() ? ST_OK : ST_CORRUPT;
}

enum status selftest_interrupt(const struct command_call *call)
{
	struct interrupt_test test = { .run.frames = cpu_local_limit() };
	struct result sum = { .least_inside = UINT64_MAX };
	enum status status = pages_alloc(&test.run, OWNER_VMEM);

	if (status != ST_OK)
		return status;
	for (unsigned cpu = 0; cpu < cpu_local_limit(); cpu++) {
		struct cpu_test *one = test_of(&test, cpu);

		memset(one, 0, sizeof(*one));
		one->task.mark = (2UL * cpu + 1) << 48;
		one->handler.mark = (2UL * cpu + 2) << 48;
	}
	smp_call_all_tasks(run_on_cpu, &test);
	for (unsigned cpu = 0; cpu < cpu_local_limit(); cpu++)
		if (cpu_local_is_online(cpu))
			add(&sum, test_of(&test, cpu));
	pages_free(test.run, OWNER_VMEM);
	if (atomic_load_relaxed(&test.no_timer) != 0)
		return ST_UNSUPPORTED;
	return report_result(call, &sum);
}
