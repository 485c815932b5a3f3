// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The list of free runs in address order, stored in the free memory itself.
 *
 * The first page of every free run holds that run's node: how many frames it
 * has and where the next run starts. The obvious alternatives are worse. A
 * table of runs must grow when runs are freed between others, and a free must
 * not need memory. One link per frame needs no memory either, but would write
 * to every free page at boot, and could not show that two frames are adjacent.
 *
 * The address order costs a walk in a free, and has three advantages:
 * neighbours are merged by reading two nodes, a frame that is free already is
 * detected by reading the same two, and the frames that are allocated depend
 * only on the set of free frames, not on the history of the list. The walk
 * starts at the hint, the run of the last free, so frames freed in ascending
 * order, as in every teardown here, need no walk.
 *
 * A node lies in memory that no code uses, so a stray write or DMA there would
 * not be noticed. Therefore each node has a check word over its address and
 * its contents, which is verified at every read, before any field is used. A
 * node is cleared when its page is no longer the first of a run, so no
 * allocated page contains one.
 *
 * Locks: none. The owner of the list is one CPU, with interrupts off or in
 * a phase where there is only one.
 */
#include <mm/early.h>

#include <base/assert.h>
#include <base/bits.h>

#define FRAME_LIMIT (PHYSICAL_LIMIT >> PAGE_SHIFT)

_Static_assert(EARLY_NONE > FRAME_LIMIT, "E6: no frame has this number");

/* Any odd constants: the multiplier only has to spread bits upward. */
#define CHECK_MAGIC	0x6561726c79206e65UL
#define CHECK_SPREAD	0xc2b2ae3d27d4eb4fUL

/* As it lies in the first page of a run. */
struct node {
	uint64_t check;
	uint64_t frames;
	uint64_t next;		/* first frame of the next run, EARLY_NONE   */
};

/* A node that was read, and the frame that holds it. */
struct free_run {
	uint64_t first;		/* EARLY_NONE: the place before the head     */
	uint64_t frames;
	uint64_t next;
};

/* --- nodes ----------------------------------------------------------------*/

static uint64_t check_of(const struct free_run *run)
{
	uint64_t check = CHECK_MAGIC;

	check = (check ^ run->first) * CHECK_SPREAD;
	check ^= check >> 29;
	check = (check ^ run->frames) * CHECK_SPREAD;
	check ^= check >> 29;
	check = (check ^ run->next) * CHECK_SPREAD;
	/* Never zero: a zeroed page must not look like a node. */
	return check | 1;
}

static struct node *node_at(const struct early *early, uint64_t first)
{
	return window_at_frame(&early->window, (pfn_t){ first });
}

static void node_store(const struct early *early, const struct free_run *run)
{
	*node_at(early, run->first) = (struct node){
		.check = check_of(run),
		.frames = run->frames,
		.next = run->next,
	};
}

static void node_wipe(const struct early *early, uint64_t first)
{
	*node_at(early, first) = (struct node){ 0 };
}

/* False when the page at `first` does not hold a valid node. */
static bool node_load(const struct early *early, uint64_t first,
		      struct free_run *out)
{
	const struct node *node = node_at(early, first);
	uint64_t end;

	*out = (struct free_run){ first, node->frames, node->next };
	if (node->check != check_of(out))
		return false;
	/* The bounds are checked even for a node with a valid check word. */
	if (out->frames == 0 || out->frames > early->free_frames)
		return false;
	if (add_overflows(first, out->frames, &end) || end > FRAME_LIMIT)
		return false;
	return out->next == EARLY_NONE ||
	       (out->next > end && out->next < FRAME_LIMIT);
}

static uint64_t run_end(const struct free_run *run)
{
	return run->first + run->frames;
}

static const struct free_run before_head = { EARLY_NONE, 0, EARLY_NONE };

static void set_next(struct early *early, struct free_run *before,
		     uint64_t next)
{
	if (before->first == EARLY_NONE) {
		early->head.raw = next;
		return;
	}
	before->next = next;
	node_store(early, before);
}

/* --- the embedded source --------------------------------------------------*/

static struct early *source_early(struct frame_source *source)
{
	return (struct early *)((char *)source -
				offsetof(struct early, source));
}

static enum status source_take(struct frame_source *source, pfn_t *out)
{
	return early_take(source_early(source), out);
}

static void source_give(struct frame_source *source, pfn_t frame)
{
	struct frame_run page = { frame, 1 };

	MUST(early_free_run(source_early(source), page));
}

/* --- start ----------------------------------------------------------------*/

static enum status runs_check(const struct frame_run *runs, size_t count)
{
	uint64_t reached = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t end;

		if (runs[i].frames == 0 || runs[i].first.raw < reached)
			return ST_CORRUPT;
		if (add_overflows(runs[i].first.raw, runs[i].frames, &end) ||
		    end > FRAME_LIMIT)
			return ST_CORRUPT;
		reached = end;
	}
	return ST_OK;
}

static void append(struct early *early, struct free_run *last,
		   struct free_run *run)
{
	set_next(early, last, run->first);
	node_store(early, run);
	early->free_frames += run->frames;
	early->run_count++;
	*last = *run;
}

enum status early_init(struct early *early, struct window window,
		       const struct frame_run *runs, size_t count)
{
	struct free_run last = before_head;
	enum status status = runs_check(runs, count);

	if (status != ST_OK)
		return status;
	*early = (struct early){
		.source = { .take = source_take, .give = source_give },
		.window = window,
		.head = { EARLY_NONE },
		.hint = { EARLY_NONE },
	};
	for (size_t i = 0; i < count; ) {
		struct free_run run = {
			runs[i].first.raw, runs[i].frames, EARLY_NONE,
		};

		for (i++; i < count && runs[i].first.raw == run_end(&run); i++)
			run.frames += runs[i].frames;
		append(early, &last, &run);
	}
	return ST_OK;
}

/* --- take -----------------------------------------------------------------*/

/* Removes [first..first + frames) from `run`, whose predecessor is `before`. */
static void cut(struct early *early, struct free_run before,
		struct free_run run, struct frame_run wanted)
{
	uint64_t wanted_end = frame_run_end(wanted);
	struct free_run head = {
		run.first, wanted.first.raw - run.first, run.next,
	};
	struct free_run tail = {
		wanted_end, run_end(&run) - wanted_end, run.next,
	};

	ASSERT(head.frames < run.frames && tail.frames < run.frames);
	if (head.frames == 0) {
		node_wipe(early, run.first);
		if (early->hint.raw == run.first)
			early->hint.raw = before.first;
		early->run_count--;
		head = before;
	}
	if (tail.frames > 0) {
		node_store(early, &tail);
		early->run_count++;
		set_next(early, &head, tail.first);
	} else {
		set_next(early, &head, run.next);
	}
	early->free_frames -= wanted.frames;
}

enum status early_take(struct early *early, pfn_t *out)
{
	struct free_run run;

	if (early->head.raw == EARLY_NONE)
		return ST_NO_MEMORY;
	if (!node_load(early, early->head.raw, &run))
		return ST_CORRUPT;
	*out = (pfn_t){ run.first };
	cut(early, before_head, run, (struct frame_run){ *out, 1 });
	return ST_OK;
}

/* The lowest aligned place in `run` for the request, if there is one. */
static bool find_place(const struct free_run *run,
		       const struct early_run_request *request, uint64_t *out)
{
	uint64_t alignment = max_u64(request->align_frames, 1);
	uint64_t end = run_end(run);
	uint64_t first = align_up(max_u64(run->first, request->floor.raw),
				  alignment);

	if (request->limit.raw != 0)
		end = min_u64(end, request->limit.raw);
	if (first >= end || end - first < request->frames)
		return false;
	*out = first;
	return true;
}

enum status early_alloc_run(struct early *early,
			    const struct early_run_request *request, pfn_t *out)
{
	struct free_run before = before_head;
	uint64_t at = early->head.raw;
	uint64_t place;

	ASSERT(request->floor.raw < FRAME_LIMIT);
	if (request->frames == 0)
		return ST_BAD_RANGE;
	if (request->align_frames & (request->align_frames - 1))
		return ST_BAD_ARGUMENT;
	while (at != EARLY_NONE) {
		struct free_run run;

		if (request->limit.raw != 0 && at >= request->limit.raw)
			break;
		if (!node_load(early, at, &run))
			return ST_CORRUPT;
		if (find_place(&run, request, &place)) {
			*out = (pfn_t){ place };
			cut(early, before, run,
			    (struct frame_run){ *out, request->frames });
			return ST_OK;
		}
		before = run;
		at = run.next;
	}
	return ST_NO_MEMORY;
}

/* --- give -----------------------------------------------------------------*/

/* The last run that starts at or below `first`, or the place before all. */
static enum status find_before(const struct early *early, uint64_t first,
			       struct free_run *out)
{
	uint64_t at = early->head.raw;

	if (early->hint.raw != EARLY_NONE && early->hint.raw <= first)
		at = early->hint.raw;
	*out = before_head;
	out->next = early->head.raw;
	/* EARLY_NONE is above every frame, so it ends the walk too. */
	while (at <= first) {
		if (!node_load(early, at, out))
			return ST_CORRUPT;
		at = out->next;
	}
	return ST_OK;
}

/* Inserts `given` between two runs and merges it with those that it touches. */
static void insert(struct early *early, struct free_run before,
		   struct free_run given, const struct free_run *after)
{
	ASSERT(run_end(&given) <= after->first);		/* E2 */
	if (after->first == run_end(&given)) {
		given.frames += after->frames;
		given.next = after->next;
		node_wipe(early, after->first);
		early->run_count--;
	}
	if (before.first != EARLY_NONE && run_end(&before) == given.first) {
		given.first = before.first;
		given.frames += before.frames;
		node_store(early, &given);
	} else {
		node_store(early, &given);
		set_next(early, &before, given.first);
		early->run_count++;
	}
	early->hint.raw = given.first;
}

enum status early_free_run(struct early *early, struct frame_run run)
{
	struct free_run before, after = before_head, given;
	enum status status;
	uint64_t end;

	if (run.frames == 0 ||
	    add_overflows(run.first.raw, run.frames, &end) ||
	    end > FRAME_LIMIT)
		return ST_BAD_RANGE;
	status = find_before(early, run.first.raw, &before);
	if (status != ST_OK)
		return status;
	if (before.first != EARLY_NONE && run_end(&before) > run.first.raw)
		return ST_CONFLICT;
	if (before.next < end)
		return ST_CONFLICT;
	/* Only a run that is about to be merged has to be verified. */
	if (before.next == end && !node_load(early, before.next, &after))
		return ST_CORRUPT;
	given = (struct free_run){ run.first.raw, run.frames, before.next };
	insert(early, before, given, &after);
	early->free_frames += run.frames;
	ASSERT(early->free_frames <= FRAME_LIMIT);		/* E4 */
	return ST_OK;
}

/* --- look -----------------------------------------------------------------*/

void early_visit(const struct early *early,
		 bool (*visit)(void *context, struct frame_run run),
		 void *context)
{
	uint64_t at = early->head.raw;
	struct free_run run;

	for (; at != EARLY_NONE && node_load(early, at, &run); at = run.next) {
		struct frame_run seen = { { run.first }, run.frames };

		if (!visit(context, seen))
			return;
	}
}

bool early_audit(const struct early *early)
{
	uint64_t at = early->head.raw;
	uint64_t frames = 0, runs = 0;
	bool hint_seen = early->hint.raw == EARLY_NONE;
	struct free_run run;

	/* node_load refuses a next run that is not beyond this one's end. */
	for (; at != EARLY_NONE; at = run.next) {
		if (!node_load(early, at, &run))
			return false;
		hint_seen = hint_seen || early->hint.raw == at;
		frames += run.frames;
		runs++;
	}
	return hint_seen && frames == early->free_frames &&
	       runs == early->run_count;
}
