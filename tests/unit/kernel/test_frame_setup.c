// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * kernel/memory/frame_setup.c: pools of any machine, used for real. Arrays
 * are backed exactly where the plan says; the frames have no content.
 */
#include <kernel/memory/frame_setup.h>

#include <base/bits.h>
#include <mm/frame_audit.h>
#include <mm/frame_query.h>
#include <sys/mman.h>

#include "check.h"

#define MEBI(n)		((uint64_t)(n) << 8)
#define GIBI(n)		((uint64_t)(n) << 18)
#define TEBI(n)		((uint64_t)(n) << 28)

#define NODES		8
#define RANGES		700
#define MAPPINGS	4000
#define MARK		((const void *)0x1234)

struct mapping {
	void *memory;
	uint64_t bytes;
};

/* A machine: its memory, and what setup has of it. */
static struct frame_range memory[RANGES];
static size_t memory_count;
static bool is_out[RANGES];
static struct mapping mappings[MAPPINGS];
static size_t mapping_count;
static uint64_t backed_bytes, backed_most;
static unsigned calls, fails_at, fails_again, collapses, finished;
static bool fails_for_good;
static struct numa numa;
static struct numa_node numa_nodes[NODES];
static uint8_t orders[NODES * NODES];
static struct frame_range ranges[RANGES + FRAME_PLAN_CUTS];
static struct frame_setup setup;

/* --- the machine -----------------------------------------------------------*/

/* Each node reaches itself, and then all others in a circle. */
static void set_nodes(unsigned count)
{
	numa = (struct numa){ .nodes = numa_nodes, .node_count = count,
			      .orders = orders };
	for (unsigned from = 0; from < count; from++) {
		numa_nodes[from] = (struct numa_node){ .reachable = count };
		for (unsigned i = 0; i < count; i++)
			orders[from * count + i] =
				(uint8_t)((from + i) % count);
	}
}

static bool has_failed(void)
{
	calls++;
	return calls == fails_at || calls == fails_again ||
	       (fails_for_good && calls > fails_at);
}

static enum status list(struct frame_setup *to)
{
	enum status status = has_failed() ? ST_FULL : ST_OK;

	for (size_t i = 0; status == ST_OK && i < memory_count; i++) {
		struct frame_range range = memory[i];

		CHECK(!is_out[i]);
		if (numa.node_count == 1)
			range.node = 0;
		status = frame_plan_add(&to->plan, range);
	}
	return status;
}

/* Readable only where the plan has ranges of this pool. */
static void back_ranges(const struct frame_plan *plan,
			const struct meta_array *array, char *base)
{
	uint64_t next = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct frame_range *range = &plan->ranges[i];
		uint64_t each = array->frames_per_byte, from, to;

		if (range->pool != array->pool)
			continue;
		from = align_down((range->first - array->first_frame) / each,
				  PAGE_SIZE);
		to = align_up((range->end - 1 - array->first_frame) / each + 1,
			      PAGE_SIZE);
		from = from > next ? from : next;
		if (from < to) {
			CHECK(mprotect(base + from, to - from,
				       PROT_READ | PROT_WRITE) == 0);
			backed_bytes += to - from;
		}
		next = to;
	}
}

static enum status take(struct frame_setup *to, const struct meta_array *array,
			void **out)
{
	uint64_t bytes = align_up(array->bytes, PAGE_SIZE);
	bool whole = array->frames_per_byte == 0;
	uint64_t before = backed_bytes;
	void *base;

	if (has_failed())
		return ST_NO_MEMORY;
	CHECK(mapping_count < MAPPINGS);
	/* Near those that use it; the tables come before all pools. */
	CHECK(array->node == (mapping_count == 0 ? 0 :
			      to->plan.pool[array->pool].node));
	base = mmap(NULL, bytes, whole ? PROT_READ | PROT_WRITE : PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(base != MAP_FAILED);
	mappings[mapping_count++] = (struct mapping){ base, bytes };
	if (whole)
		backed_bytes += bytes;
	else
		back_ranges(&to->plan, array, base);
	if (backed_most != 0 && backed_bytes > backed_most) {
		backed_bytes = before;
		return ST_NO_MEMORY;
	}
	*out = base;
	return ST_OK;
}

static void give_all(struct frame_setup *from)
{
	(void)from;
	while (mapping_count > 0) {
		mapping_count--;
		CHECK(munmap(mappings[mapping_count].memory,
			     mappings[mapping_count].bytes) == 0);
	}
	backed_bytes = 0;
}

static size_t memory_at(struct frame_run run)
{
	for (size_t i = 0; i < memory_count; i++)
		if (memory[i].first == run.first.raw &&
		    memory[i].end == frame_run_end(run))
			return i;
	CHECK(!"a range that the machine has");
	return 0;
}

static enum status keep_out(struct frame_setup *from, struct frame_run run)
{
	size_t index = memory_at(run);

	(void)from;
	if (has_failed())
		return ST_NO_MEMORY;
	/* Before anything is taken that could lie in it. */
	CHECK(mapping_count == 0 && !is_out[index]);
	CHECK(!memory[index].in_use);
	is_out[index] = true;
	return ST_OK;
}

static void let_in(struct frame_setup *from, struct frame_run run)
{
	size_t index = memory_at(run);

	(void)from;
	CHECK(mapping_count == 0 && is_out[index]);
	is_out[index] = false;
}

static void collapse(struct frame_setup *from, enum status why)
{
	(void)from;
	CHECK(why != ST_OK && numa.node_count > 1);
	set_nodes(1);
	collapses++;
}

static enum status finish(struct frame_setup *from)
{
	CHECK(from->nodes.pools == from->plan.pools);
	if (has_failed())
		return ST_NO_MEMORY;
	finished++;
	return ST_OK;
}

static const struct frame_setup_ops ops = {
	list, take, give_all, keep_out, let_in, collapse, finish,
};

static void start(unsigned nodes)
{
	set_nodes(nodes);
	memory_count = calls = fails_at = fails_again = 0;
	collapses = finished = 0;
	backed_most = 0;
	fails_for_good = false;
	setup = (struct frame_setup){
		.ops = &ops, .numa = &numa,
		.plan = { .ranges = ranges, .capacity = ARRAY_LENGTH(ranges),
			  .slots = 2, .shape = FRAME_SHAPE_PC } };
}

static void add(unsigned node, uint64_t first, uint64_t pages)
{
	CHECK(memory_count < RANGES);
	memory[memory_count++] = (struct frame_range){
		.first = first, .end = first + pages,
		.node = (uint16_t)node };
}

static void add_pc(uint64_t pages)
{
	add(0, 16, pages - 16);
	memory[0].in_use = true;
}

static void stop(void)
{
	give_all(&setup);
	for (size_t i = 0; i < memory_count; i++)
		is_out[i] = false;
}

/* --- its use ---------------------------------------------------------------*/

/* All of it free, as the kernel hands it over. */
static bool runs(void)
{
	if (frame_setup_run(&setup) != ST_OK ||
	    !frame_plan_audit(&setup.plan) || finished != 1)
		return false;
	for (size_t i = 0; i < setup.plan.count; i++) {
		const struct frame_range *range = &ranges[i];
		struct frame_run run = { { range->first },
					 range->end - range->first };

		if (range->pool != FRAME_NO_POOL)
			CHECK(frame_pool_add(setup.nodes.pool[range->pool], 0,
					     run) == ST_OK);
	}
	return true;
}

static bool audits(void)
{
	for (unsigned i = 0; i < setup.nodes.pools; i++)
		if (!frame_pool_audit(setup.nodes.pool[i]))
			return false;
	return true;
}

static uint64_t free_frames(void)
{
	struct frame_stats stats;
	uint64_t sum = 0;

	for (unsigned i = 0; i < setup.nodes.pools; i++) {
		frame_pool_stats(setup.nodes.pool[i], &stats);
		sum += stats.free_frames;
	}
	return sum;
}

static enum status get(enum frame_size size, unsigned node,
		       enum frame_node_rule rule, pfn_t *out)
{
	return frame_alloc(&setup.nodes, 0, &(struct frame_request){
		.size = size, .node = node, .rule = rule, .owner = 1 }, out);
}

static enum status put(pfn_t frame, enum frame_size size)
{
	return frame_free(&setup.nodes, 0, &(struct frame_return){
		frame, size, 0, 0, MARK });
}

/* The pages of the plan may be a little more: the tables are not in it. */
static bool took_what_was_planned(void)
{
	return backed_bytes >= setup.plan.bytes &&
	       backed_bytes <= setup.plan.bytes + 8 * PAGE_SIZE;
}

/* 1,408 GiB of 3 TiB at 16 to 25 TiB. */
CASE(frame_setup_uses_boards_up_to_25_tib)
{
	uint64_t pages = 0, giants[8] = { 0 };
	pfn_t frame;

	start(8);
	add_pc(GIBI(2));
	for (unsigned board = 0; board < 8; board++)
		add(board, TEBI(board * 3) + GIBI(4),
		    GIBI(board == 5 ? 256 : 384));
	CHECK(runs() && setup.nodes.pools == 8 && collapses == 0);
	for (size_t i = 0; i < memory_count; i++)
		pages += memory[i].end - memory[i].first;
	CHECK(free_frames() == pages && audits());
	CHECK(took_what_was_planned());
	CHECK(backed_bytes <= pages * PAGE_SIZE / 10000 * 3);
	for (unsigned board = 0; board < 8; board++)
		while (get(FRAME_1G, board, FRAME_NODE_REQUIRED, &frame) ==
		       ST_OK) {
			CHECK(frame.raw / TEBI(3) == board);
			giants[board]++;
		}
	CHECK(giants[0] == 385 && giants[5] == 256 && giants[7] == 384);
	CHECK(get(FRAME_2M, 7, FRAME_NODE_PREFERRED, &frame) == ST_OK);
	CHECK(frame.raw < GIBI(2) && put(frame, FRAME_2M) == ST_OK);
	CHECK(put((pfn_t){ TEBI(21) + GIBI(387) }, FRAME_1G) == ST_OK);
	CHECK(get(FRAME_4K, 7, FRAME_NODE_REQUIRED, &frame) == ST_OK);
	CHECK(frame.raw == TEBI(21) + GIBI(387) + GIBI(1) - 512);
	CHECK(put(frame, FRAME_4K) == ST_OK && audits());
	CHECK(put((pfn_t){ TEBI(22) }, FRAME_4K) == ST_BAD_RANGE);
	stop();
}

/* All frames of it, the far ones first; each once. */
static void use_up(uint64_t far)
{
	uint64_t pages = 0;
	pfn_t frame;

	for (size_t i = 0; i < memory_count; i++)
		pages += memory[i].end - memory[i].first;
	CHECK(get(FRAME_4K, 0, FRAME_NODE_PREFERRED, &frame) == ST_OK);
	CHECK(frame.raw == far);
	for (uint64_t i = 1; i < pages; i++)
		CHECK(get(FRAME_4K, 0, FRAME_NODE_PREFERRED, &frame) ==
		      ST_OK && frame.raw < MEBI(64));
	CHECK(get(FRAME_4K, 0, FRAME_NODE_PREFERRED, &frame) == ST_NO_MEMORY);
	CHECK(put((pfn_t){ far }, FRAME_4K) == ST_OK);
	CHECK(put((pfn_t){ far - 1 }, FRAME_4K) == ST_BAD_RANGE ||
	      far % 512 != 0);
	CHECK(get(FRAME_4K, 0, FRAME_NODE_REQUIRED, &frame) == ST_OK);
	CHECK(frame.raw == far && audits());
}

CASE(frame_setup_has_one_page_far_away_for_little)
{
	static const uint64_t far[] = {
		TEBI(16) - 1, TEBI(16), TEBI(40) + 512, TEBI(64) - 1 };

	for (size_t i = 0; i < ARRAY_LENGTH(far); i++) {
		start(1);
		add_pc(MEBI(64));
		add(0, far[i], 1);
		CHECK(runs() && setup.nodes.pools == 2);
		CHECK(took_what_was_planned() && backed_bytes <= 80 * KIB);
		use_up(far[i]);
		stop();
	}
}

CASE(frame_setup_has_a_node_of_one_frame)
{
	pfn_t frame;

	start(5);
	add_pc(MEBI(64));
	add(1, MEBI(64), MEBI(64));
	add(2, MEBI(128), 1);
	add(4, GIBI(8), MEBI(64));
	CHECK(runs() && setup.nodes.pools == 4 && setup.nodes.count == 5);
	CHECK(get(FRAME_4K, 2, FRAME_NODE_REQUIRED, &frame) == ST_OK);
	CHECK(frame.raw == MEBI(128));
	CHECK(get(FRAME_4K, 2, FRAME_NODE_REQUIRED, &frame) == ST_NO_MEMORY);
	/* The next in the circle that has any. */
	CHECK(get(FRAME_4K, 2, FRAME_NODE_PREFERRED, &frame) == ST_OK);
	CHECK(frame.raw >= GIBI(8));
	CHECK(get(FRAME_2M, 3, FRAME_NODE_REQUIRED, &frame) == ST_NO_MEMORY);
	CHECK(get(FRAME_2M, 3, FRAME_NODE_PREFERRED, &frame) == ST_OK);
	CHECK(frame.raw >= GIBI(8) && audits());
	stop();
}

/* Also where it was used before, and left something out. */
CASE(frame_setup_passes_on_what_pools_are_told)
{
	static struct frame_reporter reporter;

	start(2);
	add_pc(MEBI(64));
	add(1, MEBI(64), MEBI(64));
	add(0, TEBI(20), 1);
	setup.reporter = &reporter;
	setup.window.offset = 0x123000;
	setup.plan.least_pages = 1000;
	CHECK(runs() && setup.nodes.pools == 3);
	CHECK(setup.plan.left_out_ranges == 0);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(setup.nodes.pool[i]->reporter == &reporter);
		CHECK(setup.nodes.pool[i]->window.offset == 0x123000);
	}
	stop();
}

CASE(frame_setup_asks_nodes_out_of_reach_last)
{
	static const uint8_t row[] = { 2, 1, 3, 0 };

	start(4);
	add_pc(GIBI(1));
	add(1, GIBI(4), GIBI(1));
	add(2, GIBI(8), GIBI(1));
	add(3, GIBI(12), GIBI(1));
	memcpy(&orders[2 * 4], row, 4);
	numa_nodes[2].reachable = 2;
	CHECK(runs());
	CHECK(memcmp(&setup.nodes.order[2 * 4],
		     (uint8_t[]){ 2, 1, 0, 3 }, 4) == 0);
	CHECK(memcmp(&setup.nodes.order[1 * 4],
		     (uint8_t[]){ 1, 2, 3, 0 }, 4) == 0);
	stop();
}

/* --- when it is too much ---------------------------------------------------*/

/* Stripes of two nodes, a page far away, crumbs. */
static void add_odd_machine(void)
{
	add_pc(MEBI(64));
	for (unsigned i = 0; i < 6; i++)
		add(i % 2, MEBI(64 + 64 * i), MEBI(64));
	add(1, GIBI(40), 3);
	add(0, TEBI(20), 1);
	add(1, TEBI(30), 1);
}

CASE(frame_setup_survives_each_failure)
{
	unsigned most;

	start(2);
	add_odd_machine();
	CHECK(runs() && collapses == 0);
	most = calls;
	CHECK(most > 10);
	stop();
	for (unsigned n = 1; n <= most; n++) {
		start(2);
		add_odd_machine();
		fails_at = n;
		CHECK(runs() && collapses == 1 && audits());
		CHECK(setup.nodes.count == 1 && took_what_was_planned());
		CHECK(free_frames() + setup.plan.left_out_pages ==
		      MEBI(448) - 16 + 5);
		stop();
	}
}

static uint64_t ranges_out(void)
{
	uint64_t out = 0;

	for (size_t i = 0; i < memory_count; i++)
		out += is_out[i];
	return out;
}

/*
 * On one node there is nothing but to leave memory out: here two pages, each
 * a range. A try lists, takes the tables, three arrays for each of four pools,
 * and finishes.
 */
CASE(frame_setup_leaves_out_the_smallest_at_each_failure)
{
	enum { STEPS = 1 + 1 + 3 * 4 + 1 };

	for (unsigned n = 2; n <= STEPS + 1; n++) {
		start(1);
		add_odd_machine();
		for (size_t i = 0; i < memory_count; i++)
			memory[i].node = 0;
		fails_at = n;
		CHECK(runs() && collapses == 0 && audits());
		CHECK(ranges_out() == (n <= STEPS ? 2 : 0));
		CHECK(setup.plan.left_out_ranges == ranges_out());
		CHECK(setup.nodes.pools == 4 - ranges_out());
		stop();
	}
}

/* To keep those two out may fail as well: then the three pages follow. */
CASE(frame_setup_leaves_out_more_at_each_failure)
{
	enum { STEPS = 1 + 2 + 1 + 3 * 2 + 1 };

	for (unsigned n = 2; n <= STEPS; n++) {
		start(1);
		add_odd_machine();
		for (size_t i = 0; i < memory_count; i++)
			memory[i].node = 0;
		fails_at = 5;
		fails_again = fails_at + n;
		CHECK(runs() && audits());
		CHECK(ranges_out() == 3 && setup.nodes.pools == 1);
		stop();
	}
}

CASE(frame_setup_gives_all_back_when_nothing_helps)
{
	for (unsigned n = 1; n <= 60; n++) {
		enum status status;

		start(2);
		add_odd_machine();
		fails_at = n;
		fails_for_good = true;
		status = frame_setup_run(&setup);
		if (status == ST_OK) {
			CHECK(n > calls);
			stop();
			break;
		}
		CHECK(collapses == 1 && finished == 0);
		CHECK(mapping_count == 0 && setup.nodes.pools == 0);
		for (size_t i = 0; i < memory_count; i++)
			CHECK(!is_out[i]);
		stop();
		CHECK(n < 60);
	}
}

CASE(frame_setup_needs_some_memory)
{
	start(1);
	add_odd_machine();
	fails_at = 1;
	CHECK(frame_setup_run(&setup) == ST_FULL && mapping_count == 0);
	stop();
	start(3);
	CHECK(frame_setup_run(&setup) == ST_NO_MEMORY && mapping_count == 0);
}

/* 600 pages, 20 GiB apart: more pools than there may be. */
CASE(frame_setup_keeps_out_what_would_take_too_much)
{
	start(2);
	add_pc(MEBI(64));
	for (unsigned i = 1; i <= 600; i++)
		add(i % 2, GIBI(20 * i), 1);
	CHECK(runs() && collapses == 1 && setup.nodes.pools == 1);
	CHECK(setup.plan.left_out_pages == 600);
	CHECK(free_frames() == MEBI(64) - 16 && backed_bytes < 64 * KIB);
	CHECK(is_out[1] && is_out[600] && !is_out[0]);
	CHECK(put((pfn_t){ GIBI(20) }, FRAME_4K) == ST_BAD_RANGE);
	stop();
	/* And where memory for metadata is scarcer than the plan can know. */
	start(1);
	add_pc(MEBI(64));
	for (unsigned i = 1; i <= 20; i++)
		add(0, GIBI(20 * i), i);
	backed_most = 160 * KIB;
	CHECK(runs() && setup.plan.least_pages == 16);
	CHECK(setup.plan.left_out_ranges == 15 && setup.nodes.pools == 6);
	CHECK(backed_bytes <= backed_most && audits());
	stop();
}
