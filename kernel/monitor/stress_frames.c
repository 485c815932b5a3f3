// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Stresses the frame pools. Each CPU has two holders of memory: its task, and
 * an interrupt handler that other CPUs call at any time. A holder allocates
 * chunks of all kinds and frees them in any order, and tasks exchange chunks,
 * so that many are freed on another CPU than they were allocated on.
 *
 * A chunk is one word: its first frame, its size, its holder and a sequence
 * number. Every frame of it begins with that word, and ends with one derived
 * from it and from the frame's own number. A holder that frees a chunk checks
 * and clears all its stamps. A holder that allocates one must find no valid
 * stamp: a frame with one still belongs to another holder. The middle of each
 * frame is filled with nonzero data that stays, as a test for requests of
 * zeroed memory.
 */
#include "stress_internal.h"

#include <arch/cpu_local.h>
#include <base/bits.h>
#include <base/string.h>

#include <kernel/arch/clock.h>
#include <kernel/arch/cpu_local.h>
#include <kernel/arch/window.h>
#include <kernel/debug/audit.h>
#include <kernel/log/log.h>
#include <kernel/memory/frames.h>
#include <kernel/memory/page_counts.h>
#include <kernel/memory/pages.h>
#include <kernel/platform/numa_nodes.h>
#include <kernel/smp/smp.h>
#include <kernel/sync/ipi.h>
#include <kernel/sync/pending.h>

#define CHUNKS_MAX	160
#define HANDLER_CHUNKS	32
#define EXCHANGE_SLOTS	64	/* over which tasks exchange chunks  */
#define STEPS		64	/* between two checks for Ctrl-C     */
#define STEPS_LEAST	8	/* of each CPU, however late it is   */
#define HANDLER_STEPS	4
#define BLOCKS_LEFT	16	/* in the second part, at most       */
#define GRACE_US	30000000 /* to allocate all memory            */
#define WORDS_PER_PAGE	(PAGE_SIZE / sizeof(uint64_t))

struct holder {
	uint64_t random;
	uint64_t sequence;
	uint64_t operations, refused, exchanged, wrong;
	uint32_t count, limit;
	bool rising;
	uint64_t chunks[CHUNKS_MAX];
};

/* One page for each CPU. */
struct crew {
	struct holder task;
	struct holder handler;
};

_Static_assert(sizeof(struct crew) <= PAGE_SIZE, "a page for each");

struct stress {
	struct frame_run run;		/* the crews' pages                  */
	struct stress_watch watch;
	atomic_u64 slot[EXCHANGE_SLOTS]; /* [A] chunks without a holder      */
};

/* --- a chunk as a word -----------------------------------------------------*/

#define PAGES_SHIFT	34
#define PAGES_MASK	0x3ffUL
#define SIZE_SHIFT	44
#define SIZE_MASK	3UL
#define HOLDER_SHIFT	46
#define HOLDER_MASK	0x1ffUL
#define SEQUENCE_SHIFT	55

_Static_assert(USABLE_LIMIT / PAGE_SIZE <= 1UL << PAGES_SHIFT,
	       "a chunk has the number of its frame");

static uint64_t chunk_of(pfn_t first, const struct frame_request *request,
			 uint64_t sequence)
{
	uint64_t holder = 2 * cpu_local_id() + cpu_local_context();

	return first.raw | (request->pages & PAGES_MASK) << PAGES_SHIFT |
	       (uint64_t)request->size << SIZE_SHIFT |
	       (holder & HOLDER_MASK) << HOLDER_SHIFT |
	       sequence << SEQUENCE_SHIFT;
}

static pfn_t chunk_first(uint64_t chunk)
{
	return (pfn_t){ chunk & ((1UL << PAGES_SHIFT) - 1) };
}

static uint64_t chunk_pages(uint64_t chunk)
{
	return chunk >> PAGES_SHIFT & PAGES_MASK;
}

static enum frame_size chunk_size(uint64_t chunk)
{
	return (enum frame_size)(chunk >> SIZE_SHIFT & SIZE_MASK);
}

/* --- stamps ----------------------------------------------------------------*/

static uint64_t *words_of(pfn_t frame)
{
	return pfn_to_pointer(frame);
}

/* The last word of a stamp. */
static uint64_t last_word(pfn_t frame, uint64_t chunk)
{
	return ~chunk ^ (frame.raw + 1) * 0x9e3779b97f4a7c15;
}

static void stamp(uint64_t chunk)
{
	pfn_t frame = chunk_first(chunk);

	for (uint64_t i = chunk_pages(chunk); i > 0; i--, frame.raw++) {
		uint64_t *words = words_of(frame);

		words[0] = chunk;
		words[WORDS_PER_PAGE / 2] = ~frame.raw;
		words[WORDS_PER_PAGE - 1] = last_word(frame, chunk);
	}
}

static void check_unstamped(struct holder *me, uint64_t chunk)
{
	pfn_t frame = chunk_first(chunk);

	for (uint64_t i = chunk_pages(chunk); i > 0; i--, frame.raw++) {
		const uint64_t *words = words_of(frame);

		if (words[0] != 0 && words[WORDS_PER_PAGE - 1] ==
					     last_word(frame, words[0]))
			stress_wrong(&me->wrong, "allocated twice", frame.raw);
	}
}

static void check_and_wipe(struct holder *me, uint64_t chunk)
{
	pfn_t frame = chunk_first(chunk);

	for (uint64_t i = chunk_pages(chunk); i > 0; i--, frame.raw++) {
		uint64_t *words = words_of(frame);

		if (words[0] != chunk || words[WORDS_PER_PAGE - 1] !=
						 last_word(frame, chunk))
			stress_wrong(&me->wrong, "not my stamp", frame.raw);
		words[0] = words[WORDS_PER_PAGE - 1] = 0;
	}
}

static void check_zeroed(struct holder *me, uint64_t chunk)
{
	const uint64_t *words = words_of(chunk_first(chunk));

	for (uint64_t i = 0; i < chunk_pages(chunk) * WORDS_PER_PAGE; i++) {
		if (words[i] == 0)
			continue;
		stress_wrong(&me->wrong, "not zeroed", chunk_first(chunk).raw);
		return;
	}
}

/* --- a step ----------------------------------------------------------------*/

static uint64_t next_random(struct holder *me)
{
	me->random = me->random * 6364136223846793005UL + 1442695040888963407UL;
	return me->random >> 33;
}

/* Mostly single frames; the slow requests are rare. */
static void choose_size(struct holder *me, struct frame_request *want)
{
	uint64_t random = next_random(me) % 256;

	want->size = FRAME_4K;
	want->pages = 1;
	if (random < 6) {
		want->size = FRAME_2M;
		want->pages = SIZE_2M / PAGE_SIZE;
	} else if (random < 20 && cpu_local_context() == CPU_TASK) {
		want->size = FRAME_RUN;
		want->pages = 2 + next_random(me) % (random < 8 ? 300 : 30);
	}
}

static struct frame_request choose(struct holder *me)
{
	struct frame_request want = {
		.node = FRAMES_HOME,
		.owner = OWNER_OF_STRESS,
	};
	uint64_t random = next_random(me) % 256;

	choose_size(me, &want);
	if (cpu_local_context() != CPU_TASK)
		return want;
	if (random < 32)
		want.contents = FRAME_ZEROED;
	else if (random < 48)
		want.limit = FRAME_BELOW_4G;
	else if (random == 48 && want.pages == 1)
		want.limit = FRAME_BELOW_1M;
	else if (random < 80)
		want.node = (unsigned)(next_random(me) %
				       frames_nodes()->count);
	if (random == 79)
		want.rule = FRAME_NODE_REQUIRED;
	return want;
}

/* In the same order as enum frame_limit. */
static const uint64_t limit_frames[] = {
	PHYSICAL_LIMIT >> PAGE_SHIFT, 4 * GIB >> PAGE_SHIFT, MIB >> PAGE_SHIFT,
};

static void check_place(struct holder *me, const struct frame_request *want,
			pfn_t first)
{
	if (first.raw + want->pages > limit_frames[want->limit])
		stress_wrong(&me->wrong, "beyond the limit", first.raw);
	if (want->size == FRAME_2M && !is_aligned(first.raw, want->pages))
		stress_wrong(&me->wrong, "not aligned", first.raw);
	if (want->rule == FRAME_NODE_REQUIRED &&
	    nodes_at(pfn_to_paddr(first)) != want->node)
		stress_wrong(&me->wrong, "another node's", first.raw);
}

static void take(struct holder *me)
{
	struct frame_request want = choose(me);
	enum status status;
	uint64_t chunk;
	pfn_t first;

	status = frames_alloc(&want, &first);
	if (status != ST_OK) {
		/* ST_CONFLICT: others freed during the search: no result. */
		if (status != ST_NO_MEMORY && status != ST_CONFLICT)
			stress_wrong(&me->wrong, "refused because",
				     (uint64_t)status);
		me->refused++;
		me->rising = false;
		return;
	}
	chunk = chunk_of(first, &want, me->sequence++);
	check_place(me, &want, first);
	check_unstamped(me, chunk);
	if (want.contents == FRAME_ZEROED)
		check_zeroed(me, chunk);
	stamp(chunk);
	me->chunks[me->count++] = chunk;
	me->operations++;
}

static void give(struct holder *me, uint64_t chunk)
{
	check_and_wipe(me, chunk);
	if (frames_free(&(struct frame_return){
		    .frame = chunk_first(chunk),
		    .size = chunk_size(chunk),
		    .pages = chunk_pages(chunk),
		    .owner = OWNER_OF_STRESS,
		    .caller = __builtin_return_address(0) }) != ST_OK)
		stress_wrong(&me->wrong, "not taken back",
			     chunk_first(chunk).raw);
	me->operations++;
}

static void give_one(struct holder *me)
{
	uint64_t *one = &me->chunks[next_random(me) % me->count];
	uint64_t chunk = *one;

	*one = me->chunks[--me->count];
	give(me, chunk);
}

static void step(struct holder *me)
{
	if (me->count == 0 || next_random(me) % 256 == 0)
		me->rising = me->count < me->limit;
	if (me->count == me->limit)
		me->rising = false;
	/* While the count rises, three steps in four allocate; else one. */
	if (me->count < me->limit &&
	    (me->count == 0 || (next_random(me) % 4 != 0) == me->rising))
		take(me);
	else
		give_one(me);
}

/* --- the CPUs --------------------------------------------------------------*/

static struct crew *crew_of(const struct stress *stress, unsigned cpu)
{
	return pfn_to_pointer((pfn_t){ stress->run.first.raw + cpu });
}

/* Stores one of the chunks in a slot, and takes the chunk that was there. */
static void exchange(struct stress *stress, struct holder *me)
{
	uint64_t at = next_random(me) % EXCHANGE_SLOTS;
	uint64_t *one = &me->chunks[next_random(me) % me->count];

	/* Acquire and release: the stamps travel with the chunks. */
	*one = atomic_exchange_acq_rel(&stress->slot[at], *one);
	if (*one == 0)
		*one = me->chunks[--me->count];
	me->exchanged++;
}

/* Runs in an interrupt handler of the CPU that was called. */
static void work_in_handler(void *argument)
{
	struct holder *me = &crew_of(argument, cpu_local_id())->handler;

	for (unsigned i = 0; i < HANDLER_STEPS; i++)
		step(me);
}

static void call_random_cpu(struct stress *stress, struct holder *me)
{
	unsigned cpu = (unsigned)(next_random(me) % cpu_local_limit());

	if (cpu != cpu_local_id() && cpu_local_is_online(cpu))
		ipi_call(cpu, work_in_handler, stress);
}

static void work_a_little(const struct stress *stress, struct holder *me)
{
	for (unsigned i = 0; i < STEPS; i++) {
		if (i >= STEPS_LEAST && stress_was_over(&stress->watch))
			return;
		step(me);
		pending_poll();
	}
}

static void work(void *argument)
{
	struct stress *stress = argument;
	struct holder *me = &crew_of(stress, cpu_local_id())->task;

	for (;;) {
		work_a_little(stress, me);
		if (me->count > 0)
			exchange(stress, me);
		if (stress_is_over(&stress->watch))
			return;
		if (next_random(me) % 4 == 0)
			call_random_cpu(stress, me);
	}
}

static void give_all(struct holder *me)
{
	while (me->count > 0) {
		give_one(me);
		pending_poll();
	}
}

/* Frees the chunks of the task and, from the task, those of the handler. */
static void stop_work(void *argument)
{
	struct crew *crew = crew_of(argument, cpu_local_id());

	give_all(&crew->task);
	give_all(&crew->handler);
}

/* --- the whole -------------------------------------------------------------*/

static void check_quiet(uint64_t *wrong, const char *when)
{
	if (!frames_audit())
		stress_wrong(wrong, when, 0);
	if (audit_ledger() != 0)
		stress_wrong(wrong, when, 1);
}

static uint64_t allocated_now(void)
{
	struct frame_count count;

	frames_count(&count);
	return count.allocated[OWNER_OF_STRESS];
}

static uint64_t pages_of(const struct holder *holder)
{
	uint64_t pages = 0;

	for (uint32_t i = 0; i < holder->count; i++)
		pages += chunk_pages(holder->chunks[i]);
	return pages;
}

/* The pages of all holders and of the exchange slots. */
static uint64_t pages_held(struct stress *stress)
{
	uint64_t pages = 0;

	for (unsigned cpu = 0; cpu < cpu_local_limit(); cpu++)
		pages += pages_of(&crew_of(stress, cpu)->task) +
			 pages_of(&crew_of(stress, cpu)->handler);
	for (unsigned i = 0; i < EXCHANGE_SLOTS; i++)
		pages += chunk_pages(atomic_load_relaxed(&stress->slot[i]));
	return pages;
}

static void clear_slots(struct stress *stress, struct holder *me)
{
	for (unsigned i = 0; i < EXCHANGE_SLOTS; i++) {
		uint64_t chunk = atomic_exchange_acq_rel(&stress->slot[i],
							 0);

		if (chunk != 0)
			give(me, chunk);
	}
}

static enum status hire(struct stress *stress)
{
	unsigned cpus = cpu_local_limit();
	enum status status;

	*stress = (struct stress){
		.run.frames = cpus,
		.watch.listener = cpu_local_id(),
	};
	status = pages_alloc(&stress->run, OWNER_VMEM);
	if (status != ST_OK)
		return status;
	for (unsigned cpu = 0; cpu < cpus; cpu++) {
		struct crew *crew = crew_of(stress, cpu);

		memset(crew, 0, sizeof(*crew));
		crew->task.random = 2 * cpu + 1;
		crew->task.limit = CHUNKS_MAX;
		crew->handler.random = 2 * cpu + 2;
		crew->handler.limit = HANDLER_CHUNKS;
	}
	return ST_OK;
}

static void add(struct stress_result *out, const struct holder *holder)
{
	out->operations += holder->operations;
	out->refused += holder->refused;
	out->exchanged += holder->exchanged;
	out->wrong += holder->wrong;
}

static void dismiss(struct stress *stress, struct stress_result *out)
{
	for (unsigned cpu = 0; cpu < cpu_local_limit(); cpu++) {
		struct crew *crew = crew_of(stress, cpu);

		add(out, &crew->task);
		add(out, &crew->handler);
		out->in_handlers += crew->handler.operations;
	}
	pages_free(stress->run, OWNER_VMEM);
}

static void run_part(struct stress *stress, struct stress_result *out)
{
	uint64_t allocated = allocated_now();

	smp_call_all_tasks(work, stress);
	check_quiet(&out->wrong, "audit with all in hand");
	if (allocated_now() - allocated != pages_held(stress))
		stress_wrong(&out->wrong, "allocated is not what is held",
			     allocated_now() - allocated);
	smp_call_all_tasks(stop_work, stress);
	clear_slots(stress, &crew_of(stress, 0)->task);
	check_quiet(&out->wrong, "audit before draining");
	if (allocated_now() != allocated)
		stress_wrong(&out->wrong, "still allocated",
			     allocated_now() - allocated);
}

/* Runs with only a few free blocks, which split and merge all the time. */
static void run_in_need(struct stress *stress, struct stress_result *out)
{
	pfn_t left[BLOCKS_LEFT];
	unsigned want = 1 + out->cpus / 4, have = 0;
	struct held held;
	bool whole;

	want = (unsigned)min_u64(want, BLOCKS_LEFT);
	while (have < want && stress_take(FRAME_2M, &left[have]) == ST_OK)
		have++;
	whole = stress_hold_all(&held, &stress->watch);
	while (have > 0)
		stress_give(&out->wrong, FRAME_2M, left[--have]);
	if (whole)
		run_part(stress, out);
	stress_free_held(&held, &out->wrong);
}

/* Each part has its own end, however long the part before it took. */
static enum status run_parts(struct stress *stress, uint64_t us,
			     struct stress_result *out)
{
	struct stress_watch *watch = &stress->watch;
	uint64_t start = clock_microseconds();
	enum status status = ST_OK;

	watch->hold_limit_us = start + 2 * us + GRACE_US;
	watch->end_us = start + us / 8 * 3;
	run_part(stress, out);
	watch->end_us = start + us / 8 * 6;
	if (!stress_is_cancelled(watch))
		run_in_need(stress, out);
	dismiss(stress, out);
	watch->end_us = start + us;
	if (!stress_is_cancelled(watch))
		status = stress_race(watch, out);
	out->cancelled = stress_is_cancelled(watch);
	return status;
}

enum status stress_frames(uint64_t seconds, struct stress_result *out)
{
	uint64_t before, start = clock_microseconds();
	struct stress stress;
	enum status status;

	*out = (struct stress_result){ .cpus = smp_online_count() };
	frames_drain_all();
	before = memory_count_free_pages();
	status = hire(&stress);
	if (status != ST_OK)
		return status;
	status = run_parts(&stress, seconds * 1000000, out);
	frames_drain_all();
	check_quiet(&out->wrong, "audit after draining");
	if (memory_count_free_pages() != before)
		stress_wrong(&out->wrong, "free pages before the stress",
			     before);
	out->elapsed_us = clock_microseconds() - start;
	return status;
}
