// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The frame allocators, side by side: ns of thread CPU time for one frame
 * allocated and freed, medians of interleaved rounds, and how many large
 * frames are left after churn.
 *
 * Usage: bench_frames [ROUNDS [PART OF A WORKLOAD'S NAME]]
 *	(at least 5; prints records as in docs/monitor.md)
 *
 * `ns` has the harness in it. `net` is what is above the peer `shape`, which
 * is a call that does nothing for each alloc and each free. Peer `floor` deals
 * out numbers; peer `lock` does so under a lock. `spread` is from the least to
 * the most of the rounds, of their median: it tells how busy the host was.
 *
 * A measurement against a slow peer says nothing. An allocator with one lock
 * costs at least what `lock` does, on any processor: unless the bitmap is
 * within 1.25 times that in bulk, and 1.4 in random, nothing is reported and
 * the status is 1. Likewise when the floor is beyond twice the shape.
 */
#include "workloads.h"

#include <base/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE (2UL << 20)
#define BULK_RATIO 1.25
#define RANDOM_RATIO 1.4
#define FLOOR_RATIO 2.0

_Noreturn void assert_failed(const char *file, int line, const char *text)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, text);
	abort();
}

/* In large pages, as the kernel maps what its allocator needs. */
void *peer_zeroed(uint64_t bytes)
{
	uint64_t unit = bytes < LARGE_PAGE ? 4096 : LARGE_PAGE;
	uint64_t whole = (bytes + unit - 1) & ~(unit - 1);
	void *memory = aligned_alloc(unit, whole);

	if (memory == NULL)
		abort();
	(void)madvise(memory, whole, MADV_HUGEPAGE);
	return memset(memory, 0, whole);
}

/* The first of these are named where a row is printed or judged. */
enum { SHAPE, FLOOR, LOCK, BITMAP };
static const struct peer *const peers[] = {
	[SHAPE] = &peer_shape, [FLOOR] = &peer_floor, [LOCK] = &peer_one_lock,
	[BITMAP] = &peer_bitmap, &peer_list, &peer_buddy, &peer_ours };
#define PEERS (sizeof(peers) / sizeof(peers[0]))

/* --- the table -----------------------------------------------------------*/

enum unit {
	NS,		/* for a pair                                        */
	PERCENT,	/* of the large frames that could be left            */
};

/* Which peers are measured; where large frames are, those that have some. */
enum field {
	ALL,		/* but the lock                                      */
	JUDGED,		/* the lock as well: the bitmap is held against it   */
	LARGE,		/* all that have large frames                        */
	FEW,		/* shape, floor, bitmap, ours                        */
	FEW_LARGE,
};

struct workload {
	const char *name;
	double (*measure)(struct run *run);
	unsigned gib;
	unsigned cpus;		/* that the allocator is told of             */
	unsigned rounds;	/* 0: as asked for                           */
	enum field field;
	enum unit unit;
};

#define BULK_ROW	0
#define RANDOM_ROW	3

static const struct workload workloads[] = {
	[BULK_ROW] = { "bulk_4k", workload_bulk, 8, 1, 0, JUDGED, NS },
	{ "repeat_4k", workload_repeat, 8, 1, 0, ALL, NS },
	{ "burst_4k", workload_burst, 8, 1, 0, ALL, NS },
	[RANDOM_ROW] = { "random_4k", workload_random_free, 8, 1, 0, JUDGED,
			 NS },
	{ "bulk_4k_1g_16cpu", workload_bulk, 1, 16, 0, FEW, NS },
	{ "bulk_2m", workload_bulk_2m, 8, 1, 0, LARGE, NS },
	{ "bulk_2m_4cpu", workload_bulk_2m, 8, 4, 0, FEW_LARGE, NS },
	{ "bulk_2m_16cpu", workload_bulk_2m, 8, 16, 0, FEW_LARGE, NS },
	{ "bulk_2m_64cpu", workload_bulk_2m, 8, 64, 0, FEW_LARGE, NS },
	{ "random_2m", workload_random_2m, 8, 1, 0, LARGE, NS },
	{ "random_2m_4cpu", workload_random_2m, 8, 4, 0, FEW_LARGE, NS },
	{ "random_2m_16cpu", workload_random_2m, 8, 16, 0, FEW_LARGE, NS },
	{ "random_2m_64cpu", workload_random_2m, 8, 64, 0, FEW_LARGE, NS },
	{ "repeat_2m", workload_repeat_2m, 8, 1, 0, LARGE, NS },
	{ "repeat_2m_4cpu", workload_repeat_2m, 8, 4, 0, FEW_LARGE, NS },
	{ "repeat_2m_16cpu", workload_repeat_2m, 8, 16, 0, FEW_LARGE, NS },
	{ "repeat_2m_64cpu", workload_repeat_2m, 8, 64, 0, FEW_LARGE, NS },
	{ "many_repeat_4k", workload_many_repeat, 8, 1, 0, FEW, NS },
	{ "many_bulk_4k", workload_many_bulk, 8, 1, 0, FEW, NS },
	{ "many_scattered_4k", workload_many_scattered, 8, 1, 0, FEW, NS },
	{ "churn_4k_8g", workload_churn, 8, 1, 0, ALL, NS },
	{ "churn_4k_64g", workload_churn, 64, 1, 0, ALL, NS },
	{ "churn_scattered_8g", workload_churn_scattered, 8, 1, 0, ALL, NS },
	{ "churn_scattered_64g", workload_churn_scattered, 64, 1, 0, ALL, NS },
	{ "two_threads_4k", workload_two_threads, 8, 2, 0, ALL, NS },
	{ "large_left_7x", workload_heal_7, 8, 1, 1, LARGE, PERCENT },
	{ "large_left_7x_memory", workload_heal_7_memory, 8, 1, 1, LARGE,
	  PERCENT },
	{ "large_left_20x", workload_heal_20, 8, 1, 1, LARGE, PERCENT },
	{ "large_left_mixed", workload_heal_mixed, 8, 1, 1, LARGE, PERCENT },
};
#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))
#define ROUNDS_MAX 32

static double results[WORKLOADS][PEERS][ROUNDS_MAX];
static double spread[WORKLOADS][PEERS];	/* from least to most, of the median */
/* Rows that are asked for, and those that the others are judged by. */
static bool is_measured[WORKLOADS], is_reported[WORKLOADS];

static bool takes_part(const struct workload *workload, unsigned peer)
{
	enum field field = workload->field;

	if (peer == LOCK)
		return field == JUDGED;
	if (workload->unit == PERCENT && peer <= FLOOR)
		return false;
	if ((field == LARGE || field == FEW_LARGE) &&
	    peers[peer]->alloc_block == NULL)
		return false;
	if ((field == FEW || field == FEW_LARGE) &&
	    (peers[peer] == &peer_list || peers[peer] == &peer_buddy))
		return false;
	/* 64 GiB of page structs do not fit beside the rest. */
	return workload->gib < 64 || peers[peer] != &peer_buddy;
}

static double once(const struct workload *workload, const struct peer *peer)
{
	struct run run = { .peer = peer, .frames = workload->gib * GIB_FRAMES };
	double result;

	run.self = peer->make(run.frames, workload->cpus);
	run.thread = peer->enter(run.self, 0);
	/* First touches are not what is measured. */
	if (workload->unit == NS && workload->gib < 64)
		workload_warm_up(&run);
	if (peer->drain)
		peer->drain(run.thread);
	result = workload->measure(&run);
	peer->destroy(run.self);
	return result;
}

static unsigned rounds_of(const struct workload *workload, unsigned rounds)
{
	return workload->rounds ? workload->rounds : rounds;
}

static void measure_round(unsigned round, unsigned rounds)
{
	for (unsigned row = 0; row < WORKLOADS; row++) {
		const struct workload *load = &workloads[row];

		if (!is_measured[row] || round >= rounds_of(load, rounds))
			continue;
		for (unsigned i = 0; i < PEERS; i++)
			if (takes_part(load, i))
				results[row][i][round] = once(load, peers[i]);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Each median becomes the first of its results. */
static void find_medians(unsigned rounds)
{
	for (unsigned row = 0; row < WORKLOADS; row++)
		for (unsigned i = 0; i < PEERS; i++) {
			unsigned count = rounds_of(&workloads[row], rounds);
			double *of = results[row][i], median;

			qsort(of, count, sizeof(*of), compare);
			median = of[count / 2];
			spread[row][i] = (of[count - 1] - of[0]) / median;
			of[0] = median;
		}
}

/* --- the report ----------------------------------------------------------*/

static bool peer_is_fair(unsigned row, unsigned peer, unsigned base,
			 double limit)
{
	double ratio = results[row][peer][0] / results[row][base][0];

	printf("@frames_fair workload=%s peer=%s of=%s ratio=%.2f limit=%.2f\n",
	       workloads[row].name, peers[peer]->name, peers[base]->name,
	       ratio, limit);
	if (ratio <= limit)
		return true;
	fprintf(stderr, "bench_frames: %s is %.2f times %s in %s, more than "
		"%.2f: no report\n", peers[peer]->name, ratio,
		peers[base]->name, workloads[row].name, limit);
	return false;
}

static bool peers_are_fair(void)
{
	bool fair = peer_is_fair(BULK_ROW, FLOOR, SHAPE, FLOOR_RATIO);

	fair = peer_is_fair(RANDOM_ROW, FLOOR, SHAPE, FLOOR_RATIO) && fair;
	fair = peer_is_fair(BULK_ROW, BITMAP, LOCK, BULK_RATIO) && fair;
	return peer_is_fair(RANDOM_ROW, BITMAP, LOCK, RANDOM_RATIO) && fair;
}

static void print_row(unsigned row)
{
	const struct workload *load = &workloads[row];
	double shape = results[row][SHAPE][0], base = results[row][BITMAP][0];

	for (unsigned i = 0; i < PEERS; i++) {
		double result = results[row][i][0];

		if (!takes_part(load, i))
			continue;
		printf("@frames workload=%s gib=%u cpus=%u peer=%s", load->name,
		       load->gib, load->cpus, peers[i]->name);
		if (load->unit == PERCENT)
			printf(" percent=%.1f\n", result);
		else
			printf(" ns=%.2f net=%.2f of_bitmap=%.3f "
			       "net_of_bitmap=%.3f spread=%.2f\n", result,
			       result - shape, result / base,
			       (result - shape) / (base - shape),
			       spread[row][i]);
	}
}

static void print_metadata(void)
{
	for (unsigned i = BITMAP; i < PEERS; i++)
		printf("@frames_metadata peer=%s bytes_per_gib=%lu\n",
		       peers[i]->name,
		       (unsigned long)(peers[i]->overhead(64 * GIB_FRAMES) /
				       64));
}

static void choose_rows(const char *only)
{
	for (unsigned row = 0; row < WORKLOADS; row++) {
		is_reported[row] = strstr(workloads[row].name, only) != NULL;
		is_measured[row] = is_reported[row] || row == BULK_ROW ||
				   row == RANDOM_ROW;
	}
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 5;
	bool fair;

	choose_rows(argc > 2 ? argv[2] : "");
	if (rounds < 5)
		rounds = 5;
	if (rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	for (unsigned round = 0; round < rounds; round++)
		measure_round(round, rounds);
	find_medians(rounds);
	fair = peers_are_fair();
	if (fair) {
		for (unsigned row = 0; row < WORKLOADS; row++)
			if (is_reported[row])
				print_row(row);
		print_metadata();
	}
	printf("@end cmd=bench_frames status=%d\n", !fair);
	return !fair;
}
