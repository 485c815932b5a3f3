/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * pages.h - runs of pages from the frame pools for the kernel itself, and the
 * owner of each page. From frames_start on; boot_alloc serves until then.
 */
#ifndef KERNEL_MEMORY_PAGES_H
#define KERNEL_MEMORY_PAGES_H

#include <base/range.h>
#include <base/status.h>
#include <boot/owner.h>
#include <mm/table.h>

/*
 * Allocates run->frames adjacent frames for `owner`, on the node of the CPU
 * that calls or the nearest possible, and sets run->first.
 * Fails: ST_NO_MEMORY, ST_BAD_ARGUMENT.
 */
enum status pages_alloc(struct frame_run *run, enum owner owner);

/* The same on the node of CPU `cpu`, or the nearest possible. */
enum status pages_alloc_near(struct frame_run *run, unsigned cpu,
			     enum owner owner);

/*
 * Frees a whole run of pages_alloc, or one that the pools adopted. Panics when
 * the run is wrong: a run of several pages when a page of it is not `owner`'s.
 */
void pages_free(struct frame_run run, enum owner owner);

/* From now on `table` takes its pages from the pools. For frames_start. */
void pages_serve_table(struct table *table);

/*
 * The current owner of this frame; before frames_start too. Fails:
 * ST_NOT_FOUND when the firmware never named it.
 */
enum status memory_owner_of(pfn_t frame, enum owner *out);

#endif
