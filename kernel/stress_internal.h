/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* stress_internal.h - what the parts of stress_frames.h share. */
#ifndef KERNEL_STRESS_INTERNAL_H
#define KERNEL_STRESS_INTERNAL_H

#include <mm/frame.h>

#include "stress_frames.h"

#define OWNER_OF_STRESS	OWNER_USER_ANON

/* Counts one more and names the first few. */
void stress_wrong(uint64_t *wrong, const char *what, uint64_t value);

/* One plain piece; no FRAME_RUN. Fails: as frames_alloc. */
enum status stress_take(enum frame_size size, pfn_t *out);
void stress_give(uint64_t *wrong, enum frame_size size, pfn_t frame);

/* All memory that can be had, as a chain: each piece begins with a link. */
struct hoard {
	uint64_t chain;
};
void stress_hoard(struct hoard *hoard);
void stress_give_hoard(struct hoard *hoard, uint64_t *wrong);

/*
 * Races for the last frame, until `seconds` have gone by.
 * Fails: ST_NO_MEMORY: too little to begin with.
 */
enum status stress_race(uint64_t seconds, struct stress_result *out);

#endif
