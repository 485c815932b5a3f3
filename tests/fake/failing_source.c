// SPDX-License-Identifier: MIT OR Apache-2.0
#include "failing_source.h"

#include <base/assert.h>

#include <stdlib.h>
#include <string.h>

static unsigned char *page_of(struct failing_source *source, uint64_t index)
{
	return source->memory + index * PAGE_SIZE;
}

static enum status failing_source_take(struct frame_source *base, pfn_t *out)
{
	struct failing_source *source = (struct failing_source *)base;

	ASSERT(source->budget > 0);
	source->budget--;
	if (++source->takes == source->fail_at)
		return ST_NO_MEMORY;
	if (source->pages_out >= source->capacity)
		return ST_NO_MEMORY;
	do {
		source->cursor = (source->cursor + 1) % source->frames;
	} while (source->out[source->cursor]);
	source->out[source->cursor] = true;
	source->pages_out++;
	*out = (pfn_t){ source->first.raw + source->cursor };
	return ST_OK;
}

static bool all_zero(const unsigned char *page)
{
	for (size_t i = 0; i < PAGE_SIZE; i += sizeof(uint64_t))
		if (*(const uint64_t *)(page + i) != 0)
			return false;
	return true;
}

static void failing_source_give(struct frame_source *base, pfn_t frame)
{
	struct failing_source *source = (struct failing_source *)base;
	unsigned char *page;

	ASSERT(failing_source_is_out(source, frame));
	if (source->on_give != NULL)
		source->on_give(source->context, frame);
	page = page_of(source, frame.raw - source->first.raw);
	source->given_dirty += !all_zero(page);
	memset(page, FAILING_SOURCE_PATTERN, PAGE_SIZE);
	source->out[frame.raw - source->first.raw] = false;
	source->pages_out--;
	source->gives++;
}

void failing_source_init(struct failing_source *source, pfn_t first,
			 uint64_t frames)
{
	ASSERT(frames > 0 && frames <= FAILING_SOURCE_FRAMES_MAX);
	*source = (struct failing_source){
		.base = { failing_source_take, failing_source_give },
		.memory = aligned_alloc(PAGE_SIZE, frames * PAGE_SIZE),
		.first = first,
		.frames = frames,
		.capacity = frames,
		.budget = UINT64_MAX,
	};
	ASSERT(source->memory != NULL);
	memset(source->memory, FAILING_SOURCE_PATTERN, frames * PAGE_SIZE);
	source->window.offset =
		(uint64_t)(uintptr_t)source->memory - pfn_to_paddr(first).raw;
}

void failing_source_free(struct failing_source *source)
{
	free(source->memory);
	source->memory = NULL;
}

bool failing_source_is_out(const struct failing_source *source, pfn_t frame)
{
	uint64_t index = frame.raw - source->first.raw;

	return index < source->frames && source->out[index];
}
