// SPDX-License-Identifier: MIT OR Apache-2.0
#include "pages.h"

#include <base/assert.h>

#include <kernel/boot/kernel.h>

#include "frames.h"

static enum status take_of_node(struct frame_run *run, unsigned node,
				enum owner owner)
{
	return frames_alloc(&(struct frame_request){
		.size = run->frames == 1 ? FRAME_4K : FRAME_RUN,
		.pages = run->frames,
		.node = node,
		.owner = (uint8_t)owner,
	}, &run->first);
}

enum status memory_take_run_near(struct frame_run *run, unsigned cpu,
				 enum owner owner)
{
	if (frames_are_up())
		return take_of_node(run, frames_home_of(cpu), owner);
	return memory_take_run(run, owner);
}

enum status memory_take_run(struct frame_run *run, enum owner owner)
{
	if (frames_are_up())
		return take_of_node(run, FRAMES_HOME, owner);
	return memory_take_run_at(&(struct early_run_request){
		.frames = run->frames }, owner, &run->first);
}

void memory_give_run(struct frame_run run, enum owner owner)
{
	if (frames_are_up()) {
		MUST(frames_free(&(struct frame_return){
			.frame = run.first,
			.size = run.frames == 1 ? FRAME_4K : FRAME_RUN,
			.pages = run.frames,
			.caller = __builtin_return_address(0),
		}));
		return;
	}
	memory_give_run_early(run, owner);
}

enum status memory_owner_of(pfn_t frame, enum owner *out)
{
	enum status status = ledger_find(&kernel.ledger, frame, out);
	struct frame_info info;
	unsigned node;

	if (status != ST_OK || *out != OWNER_FREE || !frames_are_up())
		return status;
	if (frames_query(frame, &info, &node) != ST_OK)
		*out = OWNER_RESERVED;
	else if (info.state == FRAME_STATE_CACHED)
		*out = OWNER_CACHED;
	else if (info.state == FRAME_STATE_ALLOCATED)
		*out = ledger_byte_owner(info.owner);
	else if (frame.raw < MIB >> PAGE_SHIFT)
		*out = OWNER_LOW;
	return ST_OK;
}
