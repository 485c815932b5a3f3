/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * region_runs.h - queries of a region list about runs of pages.
 */
#ifndef MM_REGION_RUNS_H
#define MM_REGION_RUNS_H

#include <base/range.h>
#include <mm/region.h>

/* Writes each region of kind free as a run, ascending; at most list->count. */
size_t region_free_runs(const struct region_list *list,
			struct frame_run *runs);

/* True when every byte of [start..start + bytes) is of kind free or later. */
bool region_is_usable(const struct region_list *list, paddr_t start,
		      uint64_t bytes);

#endif
