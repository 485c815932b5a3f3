/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * failing_source.h - a frame_source over an array that fails on request.
 *
 * Frames are taken in a rotating order, so a freed page is not the next one
 * taken; each is filled with a pattern that reads as a present entry. To free
 * a page that is not taken fails an ASSERT. A freed page is counted in
 * `given_dirty` unless it is all zero, and is filled with the pattern again.
 */
#ifndef TESTS_FAILING_SOURCE_H
#define TESTS_FAILING_SOURCE_H

#include <mm/source.h>
#include <mm/window.h>

#define FAILING_SOURCE_FRAMES_MAX	4096
#define FAILING_SOURCE_PATTERN		0xa5

struct failing_source {
	struct frame_source base;
	struct window window;		/* reaches the frames                */
	unsigned char *memory;
	pfn_t first;
	uint64_t frames;
	uint64_t cursor;
	bool out[FAILING_SOURCE_FRAMES_MAX];

	uint64_t fail_at;		/* take number n fails; 0 = none     */
	uint64_t capacity;		/* most frames out at a time         */
	uint64_t budget;		/* takes left before an ASSERT       */

	uint64_t takes;			/* requests so far                   */
	uint64_t gives;
	uint64_t pages_out;
	uint64_t given_dirty;

	void (*on_give)(void *context, pfn_t frame);
	void *context;
};

/* `frames` frames from `first` on. Ends with failing_source_free. */
void failing_source_init(struct failing_source *source, pfn_t first,
			 uint64_t frames);
void failing_source_free(struct failing_source *source);

/* True when it is one of the array's frames, and taken. */
bool failing_source_is_out(const struct failing_source *source, pfn_t frame);

#endif
