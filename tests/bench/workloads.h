/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * workloads.h - what the frame allocators are given to do.
 *
 * Each returns ns of thread CPU time for a frame allocated and given back, the
 * harness included, or the percentage of large frames that are left.
 */
#ifndef TESTS_WORKLOADS_H
#define TESTS_WORKLOADS_H

#include "peer.h"

#define GIB_FRAMES 262144UL
/* The most that any of them holds at once. */
#define WORKLOAD_FRAMES (64 * GIB_FRAMES)

struct run {
	const struct peer *peer;
	void *self;
	void *thread;
	uint64_t frames;
};

/* The first touch of everything, which is no allocator's cost. */
void workload_warm_up(struct run *run);

double workload_bulk(struct run *run);
double workload_repeat(struct run *run);
double workload_burst(struct run *run);
double workload_random_free(struct run *run);
double workload_bulk_2m(struct run *run);
double workload_random_2m(struct run *run);
double workload_repeat_2m(struct run *run);
/* As repeat and bulk, 512 frames in one call where the peer has that call. */
double workload_many_repeat(struct run *run);
double workload_many_bulk(struct run *run);
/* The same where memory is half allocated, in frames at random. */
double workload_many_scattered(struct run *run);
double workload_churn(struct run *run);
double workload_churn_scattered(struct run *run);
double workload_two_threads(struct run *run);
double workload_heal_7(struct run *run);
double workload_heal_7_memory(struct run *run);
double workload_heal_20(struct run *run);
double workload_heal_mixed(struct run *run);

#endif
