// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Races of all CPUs for the last free frame. All memory but one frame is
 * allocated, and every CPU asks for a frame at the same moment: exactly one
 * CPU gets it, and all others are refused. Then as many frames as CPUs are
 * free; each CPU allocates one, frees it and allocates again, and none may be
 * refused: at any moment one frame is free, or in a cache whose CPU can be
 * asked to drain it.
 */
#include "stress_internal.h"

#include <arch/cpu_local.h>
#include <base/bits.h>
#include <base/string.h>
#include <boot/layout.h>

#include <kernel/arch/cpu_local.h>
#include <kernel/arch/window.h>
#include <kernel/memory/frames.h>
#include <kernel/memory/page_counts.h>
#include <kernel/memory/pages.h>
#include <kernel/smp/smp.h>
#include <kernel/sync/pending.h>

#define ROUNDS_MOST	64
#define TURNS		8	/* of each CPU, with a frame for each        */

struct race {
	unsigned cpus;			/* [C]                               */
	uint64_t *wrong;		/* [C]                               */
	unsigned turns;			/* [C] during a round                */
	struct stress_watch *watch;	/* [C]                               */
	struct held held;		/* memory held outside the race      */
	bool is_last_frame;		/* [C] all other frames are held */
	atomic_u32 arrived;		/* [A] CPUs at the start of a round  */
	atomic_u32 odd;			/* [A] refusals with another status  */
	pfn_t ours[STACK_CPUS];		/* `cpus` of them, between rounds    */
	pfn_t won[STACK_CPUS];		/* by CPU; 0 = none                  */
};

/* --- a round ---------------------------------------------------------------*/

/* All CPUs begin at once. A CPU that waits polls: others may wait for it. */
static void wait_for_all(struct race *race)
{
	/* Acquire and release: the round sees all that was done before it. */
	atomic_fetch_add_acq_rel(&race->arrived, 1);
	while (atomic_load_acquire(&race->arrived) < race->cpus) {
		pending_poll();
		atomic_pause();
	}
}

static void run(void *argument)
{
	struct race *race = argument;
	pfn_t frame = { 0 };
	enum status status;

	wait_for_all(race);
	status = stress_take(FRAME_4K, &frame);
	for (unsigned i = 1; i < race->turns && status == ST_OK &&
			     !stress_is_over(race->watch); i++) {
		stress_give(race->wrong, FRAME_4K, frame);
		pending_poll();
		status = stress_take(FRAME_4K, &frame);
	}
	if (status == ST_OK)
		race->won[cpu_local_id()] = frame;
	else if (status != ST_NO_MEMORY)
		/* Relaxed: read when all CPUs are done. */
		atomic_fetch_add_relaxed(&race->odd, 1);
}

/* Frees the first `frames` of `ours`; no others are free then. */
static void let_go(struct race *race, unsigned frames)
{
	uint64_t free_pages;

	for (unsigned i = 0; i < frames; i++)
		stress_give(race->wrong, FRAME_4K, race->ours[i]);
	frames_drain_all();
	free_pages = memory_count_free_pages();
	if (free_pages != frames)
		stress_wrong(race->wrong, "free before a race", free_pages);
}

/* Free the frames that were won, and the frame that none got. */
static unsigned gather(struct race *race, unsigned frames)
{
	unsigned have = 0, won;

	for (unsigned cpu = 0; cpu < STACK_CPUS; cpu++) {
		pfn_t frame = race->won[cpu];

		race->won[cpu] = (pfn_t){ 0 };
		if (frame.raw == 0)
			continue;
		for (unsigned i = 0; i < have; i++)
			if (race->ours[i].raw == frame.raw)
				stress_wrong(race->wrong, "won twice",
					     frame.raw);
		if (have < frames)
			race->ours[have] = frame;
		have++;
	}
	won = have;
	for (; have < frames; have++)
		if (stress_take(FRAME_4K, &race->ours[have]) != ST_OK)
			stress_wrong(race->wrong, "lost in a race", have);
	return won;
}

static unsigned run_round(struct race *race, unsigned frames)
{
	unsigned won;

	race->turns = frames == race->cpus ? TURNS : 1;
	let_go(race, frames);
	atomic_store_relaxed(&race->arrived, 0);
	smp_call_all_tasks(run, race);
	if (atomic_load_relaxed(&race->odd) != 0)
		stress_wrong(race->wrong, "refused for an odd reason", frames);
	won = gather(race, frames);
	if (won != frames)
		stress_wrong(race->wrong, "winners of a race", won);
	return won;
}

static enum status begin(struct race *race)
{
	unsigned have = 0;
	enum status status = ST_OK;

	while (have < race->cpus && status == ST_OK)
		status = stress_take(FRAME_4K, &race->ours[have++]);
	if (status == ST_OK) {
		race->is_last_frame = stress_hold_all(&race->held, race->watch);
		return ST_OK;
	}
	for (unsigned i = 0; i + 1 < have; i++)
		stress_give(race->wrong, FRAME_4K, race->ours[i]);
	return status;
}

static void end(struct race *race)
{
	stress_free_held(&race->held, race->wrong);
	for (unsigned i = 0; i < race->cpus; i++)
		stress_give(race->wrong, FRAME_4K, race->ours[i]);
}

static void run_rounds(struct race *race, struct stress_result *out)
{
	do {
		out->rounds++;
		out->winners += run_round(race, 1);
		/* A frame for each CPU. */
		run_round(race, race->cpus);
	} while (out->rounds < ROUNDS_MOST && !stress_is_over(race->watch));
}

enum status stress_race(struct stress_watch *watch, struct stress_result *out)
{
	struct frame_run run_of_race = {
		.frames = align_up(sizeof(struct race), PAGE_SIZE) / PAGE_SIZE,
	};
	enum status status = pages_alloc(&run_of_race, OWNER_VMEM);
	struct race *race;

	if (status != ST_OK)
		return status;
	race = pfn_to_pointer(run_of_race.first);
	memset(race, 0, sizeof(*race));
	race->cpus = smp_online_count();
	race->wrong = &out->wrong;
	race->watch = watch;
	status = begin(race);
	if (status == ST_OK) {
		if (race->is_last_frame)
			run_rounds(race, out);
		end(race);
	}
	pages_free(run_of_race, OWNER_VMEM);
	return status;
}
