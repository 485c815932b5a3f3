/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pages.h - runs of pages for the kernel itself, and whose a page is. */
#ifndef KERNEL_MEMORY_PAGES_H
#define KERNEL_MEMORY_PAGES_H

#include <base/range.h>
#include <base/status.h>
#include <boot/owner.h>

/*
 * run->frames frames in a row for `owner`; run->first says where.
 * Fails: ST_NO_MEMORY, ST_BAD_RANGE.
 */
enum status memory_take_run(struct frame_run *run, enum owner owner);
/* From frames_start on: of the node of CPU `cpu`, or as near as can be. */
enum status memory_take_run_near(struct frame_run *run, unsigned cpu,
				 enum owner owner);
void memory_give_run(struct frame_run run, enum owner owner);
/*
 * Who has this frame now. Fails: ST_NOT_FOUND when the firmware never named
 * it.
 */
enum status memory_owner_of(pfn_t frame, enum owner *out);

#endif
