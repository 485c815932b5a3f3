// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The frame allocators, side by side: ns of thread CPU time for one frame
 * allocated and given back, medians of interleaved rounds, the harness included
 * (peer `floor` is the harness alone), and how many large frames are left
 * after churn.
 *
 * Usage: bench_frames [ROUNDS]     (at least 5; records as FORMATS has them)
 *
 * A measurement against a slow peer says nothing: unless the bitmap is
 * within 4.5 times the floor in bulk, and 5 in random, nothing is reported
 * and the status is 1.
 */
#include "workloads.h"

#include <base/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE (2UL << 20)
#define BULK_RATIO 4.5
#define RANDOM_RATIO 5.0

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

static const struct peer *const peers[] = {
	&peer_floor, &peer_bitmap, &peer_list, &peer_buddy, &peer_ours };
#define PEERS (sizeof(peers) / sizeof(peers[0]))

/* --- the table -----------------------------------------------------------*/

struct workload {
	const char *name;
	double (*measure)(struct run *run);
	unsigned gib;
	unsigned cpus;
	unsigned rounds;	/* 0: as asked for                           */
	bool large;
	const char *unit;
};

static const struct workload workloads[] = {
	{ "bulk_4k", workload_bulk, 8, 1, 0, false, "ns" },
	{ "repeat_4k", workload_repeat, 8, 1, 0, false, "ns" },
	{ "burst_4k", workload_burst, 8, 1, 0, false, "ns" },
	{ "random_4k", workload_random_free, 8, 1, 0, false, "ns" },
	{ "bulk_2m", workload_bulk_2m, 8, 1, 0, true, "ns" },
	{ "random_2m", workload_random_2m, 8, 1, 0, true, "ns" },
	{ "repeat_2m", workload_repeat_2m, 8, 1, 0, true, "ns" },
	{ "churn_4k_8g", workload_churn, 8, 1, 0, false, "ns" },
	{ "churn_4k_64g", workload_churn, 64, 1, 0, false, "ns" },
	{ "churn_scattered_8g", workload_churn_scattered, 8, 1, 0, false,
	  "ns" },
	{ "churn_scattered_64g", workload_churn_scattered, 64, 1, 0, false,
	  "ns" },
	{ "two_threads_4k", workload_two_threads, 8, 2, 0, false, "ns" },
	{ "large_left_7x", workload_heal_7, 8, 1, 1, true, "percent" },
	{ "large_left_7x_memory", workload_heal_7_memory, 8, 1, 1, true,
	  "percent" },
	{ "large_left_20x", workload_heal_20, 8, 1, 1, true, "percent" },
	{ "large_left_mixed", workload_heal_mixed, 8, 1, 1, true, "percent" },
};
#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))
#define ROUNDS_MAX 32

static double results[WORKLOADS][PEERS][ROUNDS_MAX];

static bool takes_part(const struct workload *workload,
		       const struct peer *peer)
{
	if (workload->large && peer->alloc_block == NULL)
		return false;
	if (strcmp(workload->unit, "percent") == 0)
		return peer != &peer_floor;
	/* 64 GiB of page structs do not fit beside the rest. */
	return workload->gib < 64 || peer != &peer_buddy;
}

static double once(const struct workload *workload, const struct peer *peer)
{
	struct run run = { .peer = peer, .frames = workload->gib * GIB_FRAMES };
	double result;

	run.self = peer->make(run.frames, workload->cpus);
	run.thread = peer->enter(run.self, 0);
	/* First touches are not what is measured. */
	if (strcmp(workload->unit, "ns") == 0 && workload->gib < 64)
		workload_warm_up(&run);
	if (peer->drain)
		peer->drain(run.thread);
	result = workload->measure(&run);
	peer->destroy(run.self);
	return result;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static bool peer_is_fair(unsigned row, double limit)
{
	double floor = results[row][0][0], bitmap = results[row][1][0];

	if (bitmap <= limit * floor)
		return true;
	fprintf(stderr, "bench_frames: the bitmap is %.2f times the floor in "
		"%s, more than %.1f: no report\n", bitmap / floor,
		workloads[row].name, limit);
	return false;
}

static void print_row(unsigned row)
{
	for (unsigned i = 0; i < PEERS; i++) {
		double base = results[row][1][0];
		bool percent = strcmp(workloads[row].unit, "percent") == 0;

		if (!takes_part(&workloads[row], peers[i]))
			continue;
		printf("@frames workload=%s peer=%s %s=%.1f",
		       workloads[row].name, peers[i]->name,
		       workloads[row].unit, results[row][i][0]);
		if (!percent)
			printf(" of_bitmap=%.2f", results[row][i][0] / base);
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 5;
	const char *only = argc > 2 ? argv[2] : "";

	if (rounds < 5 && *only == 0)
		rounds = 5;
	if (rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	for (unsigned round = 0; round < rounds; round++)
		for (unsigned row = 0; row < WORKLOADS; row++)
			for (unsigned i = 0; i < PEERS; i++) {
				const struct workload *load = &workloads[row];

				if (!strstr(load->name, only) ||
				    (load->rounds && round >= load->rounds) ||
				    !takes_part(load, peers[i]))
					continue;
				results[row][i][round] = once(load, peers[i]);
			}
	for (unsigned row = 0; row < WORKLOADS; row++)
		for (unsigned i = 0; i < PEERS; i++)
			results[row][i][0] = median(results[row][i],
				workloads[row].rounds ? workloads[row].rounds :
							rounds);
	if (*only == 0 &&
	    (!peer_is_fair(0, BULK_RATIO) || !peer_is_fair(3, RANDOM_RATIO))) {
		printf("@end cmd=bench_frames status=1\n");
		return 1;
	}
	for (unsigned row = 0; row < WORKLOADS; row++)
		if (strstr(workloads[row].name, only))
			print_row(row);
	for (unsigned i = 1; i < PEERS; i++)
		printf("@frames_metadata peer=%s bytes_per_gib=%lu\n",
		       peers[i]->name,
		       (unsigned long)(peers[i]->overhead(64 * GIB_FRAMES) /
				       64));
	printf("@end cmd=bench_frames status=0\n");
	return 0;
}
