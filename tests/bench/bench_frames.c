// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The frame allocators, side by side: ns of thread CPU time for one frame
 * lent and given back, medians of interleaved rounds, the harness included
 * (peer `floor` is the harness alone), and how many large frames are left
 * after churn.
 *
 * Usage: bench_frames [ROUNDS]     (at least 5; records as FORMATS has them)
 *
 * A measurement against a slow peer says nothing: unless the bitmap is
 * within 4.5 times the floor in bulk, and 5 in random, nothing is reported
 * and the status is 1.
 */
#include "peer.h"

#include <base/assert.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define GIB_FRAMES 262144UL
#define LARGE_PAGE (2UL << 20)
#define PAIRS (8 * GIB_FRAMES)
#define OWNER 12
#define BULK_RATIO 4.5
#define RANDOM_RATIO 5.0

static pfn_t held[64 * GIB_FRAMES];
static pfn_t shuffled[PAIRS];
static uint32_t order[PAIRS];

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

/* --- tools -----------------------------------------------------------------*/

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static uint64_t rng_state = 88172645463325252UL;

static inline uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static void choose_order(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t j = rng() % (i + 1);

		order[i] = order[j];
		order[j] = (uint32_t)i;
	}
}

/* Written in sequence, as held[] was: to the caches it looks the same. */
static void shuffle(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		shuffled[i] = held[order[i]];
}

static _Noreturn void failed(void)
{
	fprintf(stderr, "bench_frames: a frame was refused\n");
	abort();
}

/* --- workloads: ns per pair ----------------------------------------------*/

struct run {
	const struct peer *peer;
	void *self;
	void *thread;
	uint64_t frames;
};

/* What is lent and given back: frames, or blocks. */
struct calls {
	alloc_call alloc;
	free_call free;
	void *thread;
};

static struct calls frames_of(const struct run *run)
{
	return (struct calls){ run->peer->alloc, run->peer->free, run->thread };
}

static struct calls blocks_of(const struct run *run)
{
	return (struct calls){ run->peer->alloc_block, run->peer->free_block,
			       run->thread };
}

static inline void lend(const struct calls *calls, pfn_t *out)
{
	if (__builtin_expect(calls->alloc(calls->thread, OWNER, out) != ST_OK,
			     0))
		failed();
}

static inline void give(const struct calls *calls, pfn_t frame)
{
	if (__builtin_expect(calls->free(calls->thread, frame, calls) != ST_OK,
			     0))
		failed();
}

static double lend_all(const struct calls calls, uint64_t count)
{
	double start = cpu_ns();

	for (uint64_t i = 0; i < count; i++)
		lend(&calls, &held[i]);
	return cpu_ns() - start;
}

static double give_all(const struct calls calls, const pfn_t *frames,
		       uint64_t count)
{
	double start = cpu_ns();

	for (uint64_t i = 0; i < count; i++)
		give(&calls, frames[i]);
	return cpu_ns() - start;
}

static double bulk_of(struct calls calls, uint64_t count, unsigned times)
{
	double spent = 0;

	for (unsigned round = 0; round < times; round++) {
		spent += lend_all(calls, count);
		spent += give_all(calls, held, count);
	}
	return spent / (double)(count * times);
}

/* As bulk, but given back in random order. */
static double random_of(struct calls calls, uint64_t count, unsigned times)
{
	double spent = 0;

	choose_order(count);
	for (unsigned round = 0; round < times; round++) {
		spent += lend_all(calls, count);
		shuffle(count);
		spent += give_all(calls, shuffled, count);
	}
	return spent / (double)(count * times);
}

static double repeat_of(const struct calls calls)
{
	double start = cpu_ns();

	for (uint64_t i = 0; i < PAIRS; i++) {
		pfn_t frame;

		lend(&calls, &frame);
		give(&calls, frame);
	}
	return (cpu_ns() - start) / (double)PAIRS;
}

static double bulk(struct run *run)
{
	return bulk_of(frames_of(run), PAIRS, 1);
}

static double random_free(struct run *run)
{
	return random_of(frames_of(run), PAIRS, 1);
}

static double repeat(struct run *run)
{
	return repeat_of(frames_of(run));
}

/* A hundred at a time, the last one back first. */
static double burst(struct run *run)
{
	const struct calls calls = frames_of(run);
	double start = cpu_ns();

	for (uint64_t i = 0; i < PAIRS / 100; i++) {
		for (unsigned j = 0; j < 100; j++)
			lend(&calls, &held[j]);
		for (unsigned j = 100; j-- > 0;)
			give(&calls, held[j]);
	}
	return (cpu_ns() - start) / (double)(PAIRS / 100 * 100);
}

static double bulk_2m(struct run *run)
{
	return bulk_of(blocks_of(run), run->frames / PEER_BLOCK, 64);
}

static double random_2m(struct run *run)
{
	return random_of(blocks_of(run), run->frames / PEER_BLOCK, 64);
}

static double repeat_2m(struct run *run)
{
	return repeat_of(blocks_of(run));
}

/*
 * In each step a random frame goes back and another is lent in its place.
 * What goes back is chosen some steps ahead and fetched: the harness's own
 * array is large, and waiting for it is not what is measured.
 */
#define AHEAD 32

static double churn_steps(const struct calls calls, uint64_t full)
{
	uint64_t chosen[AHEAD];
	double start;

	for (unsigned i = 0; i < AHEAD; i++)
		chosen[i] = (uint64_t)(uint32_t)rng() * full >> 32;
	start = cpu_ns();
	for (uint64_t i = 0; i < PAIRS; i++) {
		uint64_t which = chosen[i % AHEAD];
		uint64_t next = (uint64_t)(uint32_t)rng() * full >> 32;

		chosen[i % AHEAD] = next;
		__builtin_prefetch(&held[next], 1);
		give(&calls, held[which]);
		lend(&calls, &held[which]);
	}
	return (cpu_ns() - start) / (double)PAIRS;
}

/*
 * For what is left whole, a coin decides whether a random frame goes back or
 * a new one is lent: freeing and lending in turn would mostly show that a
 * frame just freed is the next to be lent.
 */
#define CHURN_SLACK 8192

static void churn_pairs(const struct calls calls, uint64_t full,
			uint64_t pairs)
{
	uint64_t count = full;

	for (uint64_t i = 0; i < 2 * pairs; i++) {
		uint64_t roll = rng();
		uint64_t which = (uint64_t)(uint32_t)roll * count >> 32;

		if ((roll >> 40 & 1 && count > full - CHURN_SLACK) ||
		    count == full) {
			give(&calls, held[which]);
			held[which] = held[--count];
		} else {
			lend(&calls, &held[count++]);
		}
	}
	while (count < full)
		lend(&calls, &held[count++]);
}

/*
 * All frames lent, then random ones given back until `full` are left: now
 * hardly a block is whole. A plain fill would leave whole what it did not
 * reach, and then churn has nothing to heal.
 */
static void scatter(struct run *run, uint64_t full)
{
	const struct calls calls = frames_of(run);

	(void)lend_all(calls, run->frames);
	for (uint64_t count = run->frames; count > full;) {
		uint64_t which = rng() % count;

		give(&calls, held[which]);
		held[which] = held[--count];
	}
}

static double churn_after(struct run *run, double times)
{
	uint64_t full = run->frames / 2;

	scatter(run, full);
	churn_pairs(frames_of(run), full, (uint64_t)(times * (double)full));
	return churn_steps(frames_of(run), full);
}

/* As it is when it has gone on for some time. */
static double churn(struct run *run)
{
	return churn_after(run, 4);
}

/* As it begins: what is free is everywhere. */
static double churn_scattered(struct run *run)
{
	return churn_after(run, 0.25);
}

/* --- two threads ---------------------------------------------------------*/

#define RING 4096

struct ring {
	_Alignas(64) uint64_t written;
	_Alignas(64) uint64_t read;
	_Alignas(64) pfn_t slots[RING];
	struct run *run;
	double ns;
};

static void *free_all(void *argument)
{
	struct ring *ring = argument;
	void *thread = ring->run->peer->enter(ring->run->self, 1);
	const struct calls calls = { NULL, ring->run->peer->free, thread };
	double start = cpu_ns(), idle = 0;

	for (uint64_t done = 0; done < PAIRS;) {
		uint64_t end = __atomic_load_n(&ring->written,
					       __ATOMIC_ACQUIRE);

		if (end == done) {
			double from = cpu_ns();

			while (__atomic_load_n(&ring->written,
					       __ATOMIC_ACQUIRE) == done)
				__builtin_ia32_pause();
			idle += cpu_ns() - from;
			continue;
		}
		for (; done < end; done++)
			give(&calls, ring->slots[done % RING]);
		__atomic_store_n(&ring->read, done, __ATOMIC_RELEASE);
	}
	ring->ns = cpu_ns() - start - idle;
	if (ring->run->peer->drain)
		ring->run->peer->drain(thread);
	return NULL;
}

/* The busy time of both, for a pair. */
static double two_threads(struct run *run)
{
	static struct ring ring;
	const struct calls calls = frames_of(run);
	pthread_t other;
	double start, idle = 0;

	memset(&ring, 0, sizeof(ring));
	ring.run = run;
	if (pthread_create(&other, NULL, free_all, &ring) != 0)
		abort();
	start = cpu_ns();
	for (uint64_t done = 0; done < PAIRS; done += 64) {
		double from = cpu_ns();

		while (done + 64 - __atomic_load_n(&ring.read,
						   __ATOMIC_ACQUIRE) > RING)
			__builtin_ia32_pause();
		idle += cpu_ns() - from;
		for (unsigned i = 0; i < 64; i++)
			lend(&calls, &ring.slots[(done + i) % RING]);
		__atomic_store_n(&ring.written, done + 64, __ATOMIC_RELEASE);
	}
	start = cpu_ns() - start - idle;
	pthread_join(other, NULL);
	return (start + ring.ns) / (double)PAIRS;
}

/* --- what is left whole --------------------------------------------------*/

static uint64_t large_left(struct run *run)
{
	uint64_t count = 0;
	pfn_t frame;

	if (run->peer->drain)
		run->peer->drain(run->thread);
	while (run->peer->alloc_block(run->thread, OWNER, &frame) == ST_OK)
		count++;
	return count;
}

static uint64_t most_lent(const struct run *run)
{
	return run->frames * 9 / 10;
}

static double heal(struct run *run, uint64_t pairs)
{
	uint64_t full = most_lent(run);
	uint64_t ideal = (run->frames - full) / PEER_BLOCK;

	scatter(run, full);
	churn_pairs(frames_of(run), full, pairs);
	return 100.0 * (double)large_left(run) / (double)ideal;
}

/* Times what is lent. */
static double heal_7(struct run *run)
{
	return heal(run, 7 * most_lent(run));
}

/* Times what there is. */
static double heal_7_memory(struct run *run)
{
	return heal(run, 7 * run->frames);
}

static double heal_20(struct run *run)
{
	return heal(run, 20 * most_lent(run));
}

/*
 * Mixed lifetimes: memory in use swings between 60 and 90 %, ten times. Of
 * ten frames that go back, seven are from the latest twentieth, three from
 * anywhere.
 */
static double heal_mixed(struct run *run)
{
	uint64_t full = most_lent(run), low = run->frames * 6 / 10;
	uint64_t ideal = (run->frames - full) / PEER_BLOCK;
	uint64_t recent = run->frames / 20, count = full;
	const struct calls calls = frames_of(run);

	(void)lend_all(calls, full);
	for (unsigned swing = 0; swing < 10; swing++) {
		while (count > low) {
			uint64_t roll = rng();
			uint64_t which = roll % 10 < 7 ?
				count - 1 - (roll >> 8) % recent :
				(roll >> 8) % count;

			give(&calls, held[which]);
			held[which] = held[--count];
			if (roll >> 40 & 1)
				lend(&calls, &held[count++]);
		}
		while (count < full)
			lend(&calls, &held[count++]);
	}
	return 100.0 * (double)large_left(run) / (double)ideal;
}

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
	{ "bulk_4k", bulk, 8, 1, 0, false, "ns" },
	{ "repeat_4k", repeat, 8, 1, 0, false, "ns" },
	{ "burst_4k", burst, 8, 1, 0, false, "ns" },
	{ "random_4k", random_free, 8, 1, 0, false, "ns" },
	{ "bulk_2m", bulk_2m, 8, 1, 0, true, "ns" },
	{ "random_2m", random_2m, 8, 1, 0, true, "ns" },
	{ "repeat_2m", repeat_2m, 8, 1, 0, true, "ns" },
	{ "churn_4k_8g", churn, 8, 1, 0, false, "ns" },
	{ "churn_4k_64g", churn, 64, 1, 0, false, "ns" },
	{ "churn_scattered_8g", churn_scattered, 8, 1, 0, false, "ns" },
	{ "churn_scattered_64g", churn_scattered, 64, 1, 0, false, "ns" },
	{ "two_threads_4k", two_threads, 8, 2, 0, false, "ns" },
	{ "large_left_7x", heal_7, 8, 1, 1, true, "percent" },
	{ "large_left_7x_memory", heal_7_memory, 8, 1, 1, true, "percent" },
	{ "large_left_20x", heal_20, 8, 1, 1, true, "percent" },
	{ "large_left_mixed", heal_mixed, 8, 1, 1, true, "percent" },
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
		(void)bulk_of(frames_of(&run), PAIRS, 1);
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
