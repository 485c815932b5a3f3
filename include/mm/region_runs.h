/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * region_runs.h - questions about runs of pages to a list of regions.
 */
#ifndef MM_REGION_RUNS_H
#define MM_REGION_RUNS_H

#include <base/range.h>
#include <mm/region.h>

/* Each region of kind free as a run, ascending; at most list->count. */
size_t region_free_runs(const struct region_list *list,
			struct frame_run *runs);

/* Is every byte of [start..start + bytes) of kind free or later? */
bool region_is_usable(const struct region_list *list, paddr_t start,
		      uint64_t bytes);

#endif
