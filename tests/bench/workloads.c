// SPDX-License-Identifier: MIT OR Apache-2.0
#include "workloads.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAIRS (8 * GIB_FRAMES)
#define OWNER 12

static pfn_t held[WORKLOAD_FRAMES];
static pfn_t shuffled[PAIRS];
static uint32_t order[PAIRS];

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

/* The unit that is allocated and freed: frames, or blocks. */
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

static inline void allocate(const struct calls *calls, pfn_t *out)
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

static double allocate_all(const struct calls calls, uint64_t count)
{
	double start = cpu_ns();

	for (uint64_t i = 0; i < count; i++)
		allocate(&calls, &held[i]);
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
		spent += allocate_all(calls, count);
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
		spent += allocate_all(calls, count);
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

		allocate(&calls, &frame);
		give(&calls, frame);
	}
	return (cpu_ns() - start) / (double)PAIRS;
}

/* So often that all runs have as many pairs. */
double workload_bulk(struct run *run)
{
	uint64_t count = run->frames < PAIRS ? run->frames : PAIRS;

	return bulk_of(frames_of(run), count, (unsigned)(PAIRS / count));
}

void workload_warm_up(struct run *run)
{
	(void)workload_bulk(run);
}

double workload_random_free(struct run *run)
{
	return random_of(frames_of(run), PAIRS, 1);
}

double workload_repeat(struct run *run)
{
	return repeat_of(frames_of(run));
}

/* A hundred at a time, the last one back first. */
double workload_burst(struct run *run)
{
	const struct calls calls = frames_of(run);
	double start = cpu_ns();

	for (uint64_t i = 0; i < PAIRS / 100; i++) {
		for (unsigned j = 0; j < 100; j++)
			allocate(&calls, &held[j]);
		for (unsigned j = 100; j-- > 0;)
			give(&calls, held[j]);
	}
	return (cpu_ns() - start) / (double)(PAIRS / 100 * 100);
}

double workload_bulk_2m(struct run *run)
{
	uint64_t count = run->frames / PEER_BLOCK;

	return bulk_of(blocks_of(run), count, (unsigned)(PAIRS / count));
}

double workload_random_2m(struct run *run)
{
	uint64_t count = run->frames / PEER_BLOCK;

	return random_of(blocks_of(run), count, (unsigned)(PAIRS / count));
}

double workload_repeat_2m(struct run *run)
{
	return repeat_of(blocks_of(run));
}

/*
 * All frames allocated, then random ones given back until `full` are left: now
 * hardly a block is whole. A plain fill would leave whole what it did not
 * reach, and then churn has nothing to heal.
 */
static void scatter(struct run *run, uint64_t full)
{
	const struct calls calls = frames_of(run);

	(void)allocate_all(calls, run->frames);
	for (uint64_t count = run->frames; count > full;) {
		uint64_t which = rng() % count;

		give(&calls, held[which]);
		held[which] = held[--count];
	}
}

/* --- many at once --------------------------------------------------------*/

#define MANY 512
/* So many lots are held at a time; the oldest goes back first. */
#define LOTS 64

static void allocate_many(const struct run *run, pfn_t *out)
{
	const struct calls calls = frames_of(run);

	if (run->peer->alloc_many) {
		if (run->peer->alloc_many(run->thread, OWNER, out, MANY) !=
		    ST_OK)
			failed();
		return;
	}
	for (unsigned i = 0; i < MANY; i++)
		allocate(&calls, &out[i]);
}

static void give_many(const struct run *run, const pfn_t *frames)
{
	const struct calls calls = frames_of(run);

	if (run->peer->free_many) {
		if (run->peer->free_many(run->thread, OWNER, frames, MANY) !=
		    ST_OK)
			failed();
		return;
	}
	for (unsigned i = 0; i < MANY; i++)
		give(&calls, frames[i]);
}

double workload_many_repeat(struct run *run)
{
	double start = cpu_ns();

	for (uint64_t i = 0; i < PAIRS; i += MANY) {
		allocate_many(run, held);
		give_many(run, held);
	}
	return (cpu_ns() - start) / (double)PAIRS;
}

double workload_many_bulk(struct run *run)
{
	double start = cpu_ns();

	for (uint64_t i = 0; i < run->frames; i += MANY)
		allocate_many(run, &held[i]);
	for (uint64_t i = 0; i < run->frames; i += MANY)
		give_many(run, &held[i]);
	return (cpu_ns() - start) / (double)run->frames;
}

double workload_many_scattered(struct run *run)
{
	static pfn_t lots[LOTS][MANY];
	double start;

	scatter(run, run->frames / 2);
	for (unsigned i = 0; i < LOTS; i++)
		allocate_many(run, lots[i]);
	start = cpu_ns();
	for (uint64_t i = 0; i < PAIRS / MANY; i++) {
		give_many(run, lots[i % LOTS]);
		allocate_many(run, lots[i % LOTS]);
	}
	return (cpu_ns() - start) / (double)PAIRS;
}

/* --- churn ---------------------------------------------------------------*/

/*
 * In each step a random frame is freed and another is allocated in its place.
 * The frame is chosen some steps ahead and fetched: the harness's own
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
		allocate(&calls, &held[which]);
	}
	return (cpu_ns() - start) / (double)PAIRS;
}

/*
 * For what is left whole, a coin decides whether a random frame goes back or
 * a new one is allocated: freeing and allocating in turn would mostly show that
 * a frame just freed is the next to be allocated.
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
			allocate(&calls, &held[count++]);
		}
	}
	while (count < full)
		allocate(&calls, &held[count++]);
}

static double churn_after(struct run *run, double times)
{
	uint64_t full = run->frames / 2;

	scatter(run, full);
	churn_pairs(frames_of(run), full, (uint64_t)(times * (double)full));
	return churn_steps(frames_of(run), full);
}

/* As it is when it has gone on for some time. */
double workload_churn(struct run *run)
{
	return churn_after(run, 4);
}

/* As it begins: what is free is everywhere. */
double workload_churn_scattered(struct run *run)
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
double workload_two_threads(struct run *run)
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
			allocate(&calls, &ring.slots[(done + i) % RING]);
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

static uint64_t most_allocated(const struct run *run)
{
	return run->frames * 9 / 10;
}

static double heal(struct run *run, uint64_t pairs)
{
	uint64_t full = most_allocated(run);
	uint64_t ideal = (run->frames - full) / PEER_BLOCK;

	scatter(run, full);
	churn_pairs(frames_of(run), full, pairs);
	return 100.0 * (double)large_left(run) / (double)ideal;
}

/* Times what is allocated. */
double workload_heal_7(struct run *run)
{
	return heal(run, 7 * most_allocated(run));
}

/* Times what there is. */
double workload_heal_7_memory(struct run *run)
{
	return heal(run, 7 * run->frames);
}

double workload_heal_20(struct run *run)
{
	return heal(run, 20 * most_allocated(run));
}

/*
 * Mixed lifetimes: memory in use swings between 60 and 90 %, ten times. Of
 * ten frames that go back, seven are from the latest twentieth, three from
 * anywhere.
 */
double workload_heal_mixed(struct run *run)
{
	uint64_t full = most_allocated(run), low = run->frames * 6 / 10;
	uint64_t ideal = (run->frames - full) / PEER_BLOCK;
	uint64_t recent = run->frames / 20, count = full;
	const struct calls calls = frames_of(run);

	(void)allocate_all(calls, full);
	for (unsigned swing = 0; swing < 10; swing++) {
		while (count > low) {
			uint64_t roll = rng();
			uint64_t which = roll % 10 < 7 ?
				count - 1 - (roll >> 8) % recent :
				(roll >> 8) % count;

			give(&calls, held[which]);
			held[which] = held[--count];
			if (roll >> 40 & 1)
				allocate(&calls, &held[count++]);
		}
		while (count < full)
			allocate(&calls, &held[count++]);
	}
	return 100.0 * (double)large_left(run) / (double)ideal;
}
