// SPDX-License-Identifier: MIT OR Apache-2.0
#include "pages.h"

#include <base/assert.h>
#include <boot/layout.h>

#include <kernel/boot/boot_memory.h>

#include "frames.h"

static enum status alloc_on_node(struct frame_run *run, unsigned node,
				 enum owner owner)
{
	return frames_alloc(&(struct frame_request){
		.size = run->frames == 1 ? FRAME_4K : FRAME_RUN,
		.pages = run->frames,
		.node = node,
		.owner = (uint8_t)owner,
	}, &run->first);
}

enum status pages_alloc_near(struct frame_run *run, unsigned cpu,
			     enum owner owner)
{
	return alloc_on_node(run, frames_home_of(cpu), owner);
}

enum status pages_alloc(struct frame_run *run, enum owner owner)
{
	return alloc_on_node(run, FRAMES_HOME, owner);
}

void pages_free(struct frame_run run, enum owner owner)
{
	MUST(frames_free(&(struct frame_return){
		.frame = run.first,
		.size = run.frames == 1 ? FRAME_4K : FRAME_RUN,
		.pages = run.frames,
		.owner = (uint8_t)owner,
		.caller = __builtin_return_address(0),
	}));
}

enum status memory_owner_of(pfn_t frame, enum owner *out)
{
	enum status status = ledger_find(&boot_memory.ledger, frame, out);
	struct frame_info info;

	/* Before frames_start no pool has the frame: then it is free. */
	if (status != ST_OK || *out != OWNER_FREE ||
	    frames_query(frame, &info) != ST_OK)
		return status;
	if (info.state == FRAME_STATE_CACHED)
		*out = OWNER_CACHED;
	else if (info.state == FRAME_STATE_ALLOCATED)
		*out = ledger_byte_owner(info.owner);
	else if (frame.raw < MIB >> PAGE_SHIFT)
		*out = OWNER_LOW;
	return ST_OK;
}

/* --- page tables -----------------------------------------------------------*/

static enum status take_table(struct frame_source *source, pfn_t *out)
{
	struct frame_run run = { .frames = 1 };
	enum status status = pages_alloc(&run, OWNER_PAGE_TABLE);

	(void)source;
	*out = run.first;
	return status;
}

static void give_table(struct frame_source *source, pfn_t frame)
{
	(void)source;
	pages_free((struct frame_run){ frame, 1 }, OWNER_PAGE_TABLE);
}

static struct frame_source table_source = {
	.take = take_table,
	.give = give_table,
};

static bool is_table_frame(const void *context, pfn_t frame)
{
	enum owner owner;

	(void)context;
	return memory_owner_of(frame, &owner) == ST_OK &&
	       owner == OWNER_PAGE_TABLE;
}

void pages_serve_table(struct table *table)
{
	table->source = &table_source;
	table->features.may_be_table = is_table_frame;
}
