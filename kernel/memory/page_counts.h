/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* page_counts.h - how many pages each owner has. */
#ifndef KERNEL_MEMORY_PAGE_COUNTS_H
#define KERNEL_MEMORY_PAGE_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include <base/range.h>
#include <base/status.h>
#include <boot/owner.h>

uint64_t memory_count_free_pages(void);
/* Visits every free run, node by node, until `visit` returns false. */
void memory_visit_free(bool (*visit)(void *context, struct frame_run run),
		       void *context);
/* The pages of each owner; their sum is the number of named pages. */
void memory_count_owners(uint64_t pages[OWNER_COUNT]);
/* Pages; usable is what is free, cached or the kernel's. */
struct memory_sums {
	uint64_t usable;	/* all that can be allocated here            */
	uint64_t kernel;
	uint64_t cached;	/* free, in the CPUs' caches                 */
	uint64_t reserved;	/* the rest of what the map names            */
};
struct memory_sums memory_sum(void);
/* The pages that the firmware named, from its raw map, now. */
enum status memory_count_named_pages(uint64_t *out);

#endif
