/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * failing_source.h - a frame_source over an array that can say no.
 *
 * Frames are lent in a rotating order, so that a page given back is not the
 * next one lent, full of a pattern that reads as a present entry. Refuses
 * (ASSERT) a give of what is not out. A page that comes back is counted in
 * `given_dirty` unless it is all zero, then filled with the pattern.
 */
#ifndef TESTS_STINGY_SOURCE_H
#define TESTS_STINGY_SOURCE_H

#include <mm/source.h>
#include <mm/window.h>

#define STINGY_FRAMES_MAX 4096
#define STINGY_PATTERN 0xa5

struct stingy_source {
	struct frame_source base;
	struct window window;		/* reaches the frames                */
	unsigned char *memory;
	pfn_t first;
	uint64_t frames;
	uint64_t cursor;
	bool out[STINGY_FRAMES_MAX];

	uint64_t fail_at;		/* take number n fails; 0 = none     */
	uint64_t capacity;		/* most frames out at a time         */
	uint64_t budget;		/* takes left before an ASSERT       */

	uint64_t takes;			/* that were asked for               */
	uint64_t gives;
	uint64_t pages_out;
	uint64_t given_dirty;

	void (*on_give)(void *context, pfn_t frame);
	void *context;
};

/* `frames` frames from `first` on. Ends with stingy_free. */
void stingy_init(struct stingy_source *source, pfn_t first, uint64_t frames);
void stingy_free(struct stingy_source *source);

/* Is it one of the array's frames, and lent? */
bool stingy_is_out(const struct stingy_source *source, pfn_t frame);

#endif
