/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * numa_model.h - random SRATs and SLITs, and a slow model to compare with.
 *
 * The model reads the bytes itself and handles one page at a time: it finds
 * every entry that covers the page, then the one that wins.
 */
#ifndef TESTS_NUMA_MODEL_H
#define TESTS_NUMA_MODEL_H

#include <kernel/platform/numa.h>

#include "acpi_draft.h"

/* Entries in a random SRAT, at most. */
#define SAMPLE_ENTRIES	24
/* Most random ranges lie in these first pages. */
#define SAMPLE_PAGES	64

struct numa_sample {
	struct acpi_draft srat, slit;
	struct numa_tables tables;	/* of exact copies, with NULL, too   */
};

void numa_sample_make(struct numa_sample *sample, uint64_t *state);
void numa_sample_free(struct numa_sample *sample);

/* NULL when `numa` agrees with the model of `tables`; else the difference. */
const char *numa_model_compare(const struct numa *numa,
			       const struct numa_tables *tables);

/* Likewise, after numa_count_regions of a list below SAMPLE_PAGES. */
const char *numa_model_compare_regions(const struct numa *numa,
				       const struct numa_tables *tables,
				       const struct region_list *list);

/* The number of samples of each kind. */
struct numa_census {
	uint64_t rounds;
	uint64_t several_nodes;		/* a good SRAT with at least two     */
	uint64_t distances;		/* and a good SLIT for them          */
	uint64_t settled;		/* ranges that lost an overlap       */
};

bool numa_census_is_rich(const struct numa_census *census);

/* A sample, built, compared and freed; also with random regions. */
const char *numa_model_round(uint64_t *state, struct numa_census *census);

#endif
