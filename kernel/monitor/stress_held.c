// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Allocates all memory for stress, and frees it. The list of the chunks is in
 * some of the frames themselves, so no other memory is needed.
 */
#include "stress_internal.h"

#include <base/bits.h>

#include <kernel/arch/clock.h>
#include <kernel/arch/cpu_local.h>
#include <kernel/arch/window.h>
#include <kernel/console/input.h>
#include <kernel/log/log.h>
#include <kernel/memory/frames.h>
#include <kernel/platform/numa_nodes.h>

#define WRONGS_SHOWN	20
#define CHAIN_END	UINT64_MAX
#define CHUNKS		64	/* between two checks of the time    */
#define SIZE_BITS	2
#define SIZE_MASK	3
#define NOTES_MOST	(PAGE_SIZE / sizeof(uint64_t) - 2)

void stress_wrong(uint64_t *wrong, const char *what, uint64_t value)
{
	if ((*wrong)++ < WRONGS_SHOWN)
		log_line(LOG_ERROR, "stress: wrong what=\"%s\" value=0x%lx "
				    "cpu=%u", what, value, cpu_local_id());
}

bool stress_is_cancelled(struct stress_watch *watch)
{
	/* Relaxed: the flag publishes no other data. */
	if (atomic_load_relaxed(&watch->cancelled) == 0 &&
	    cpu_local_id() == watch->listener && input_take_cancel())
		atomic_store_relaxed(&watch->cancelled, 1);
	return atomic_load_relaxed(&watch->cancelled) != 0;
}

bool stress_was_over(const struct stress_watch *watch)
{
	return atomic_load_relaxed(&watch->cancelled) != 0 ||
	       clock_microseconds() >= watch->end_us;
}

bool stress_is_over(struct stress_watch *watch)
{
	return stress_is_cancelled(watch) || stress_was_over(watch);
}

enum status stress_take(enum frame_size size, pfn_t *out)
{
	return frames_alloc(&(struct frame_request){
		.size = size,
		.node = FRAMES_HOME,
		.owner = OWNER_OF_STRESS,
	}, out);
}

void stress_give(uint64_t *wrong, enum frame_size size, pfn_t frame)
{
	if (frames_free(&(struct frame_return){
		    .frame = frame,
		    .size = size,
		    .caller = __builtin_return_address(0) }) != ST_OK)
		stress_wrong(wrong, "not taken back", frame.raw);
}

/* A frame with a list of chunks; the chunks themselves are not touched. */
struct notes {
	uint64_t previous;		/* frame of notes, or CHAIN_END      */
	uint64_t count;
	uint64_t chunks[NOTES_MOST];
};

_Static_assert(sizeof(struct notes) == PAGE_SIZE, "notes fill a frame");

static struct notes *notes_at(uint64_t frame)
{
	return pfn_to_pointer((pfn_t){ frame });
}

/* Begins at the node of the last chunk: full nodes are not searched again. */
static enum status take_near(struct held *held, enum frame_size size,
			     pfn_t *out)
{
	enum status status = frames_alloc(&(struct frame_request){
		.size = size,
		.node = held->node,
		.owner = OWNER_OF_STRESS,
	}, out);

	if (status == ST_OK)
		held->node = nodes_at(pfn_to_paddr(*out));
	return status;
}

/* False: no frame is free for another list, so all memory is held. */
static bool has_room(struct held *held)
{
	struct notes *notes;
	pfn_t frame;

	if (held->notes != CHAIN_END &&
	    notes_at(held->notes)->count < NOTES_MOST)
		return true;
	if (take_near(held, FRAME_4K, &frame) != ST_OK)
		return false;
	notes = notes_at(frame.raw);
	notes->previous = held->notes;
	notes->count = 0;
	held->notes = frame.raw;
	return true;
}

static void note(struct held *held, pfn_t frame, enum frame_size size)
{
	struct notes *notes = notes_at(held->notes);

	notes->chunks[notes->count++] = frame.raw << SIZE_BITS | size;
}

static bool has_time(struct stress_watch *watch)
{
	if (stress_is_cancelled(watch))
		return false;
	if (clock_microseconds() < watch->hold_limit_us)
		return true;
	log_line(LOG_WARNING, "stress: left out what needs all memory "
			      "why=\"it took too long to take\"");
	return false;
}

bool stress_hold_all(struct held *held, struct stress_watch *watch)
{
	static const enum frame_size sizes[] = { FRAME_1G, FRAME_2M, FRAME_4K };
	unsigned chunks = 0;
	pfn_t frame;

	*held = (struct held){ CHAIN_END, FRAMES_HOME };
	for (unsigned i = 0; i < ARRAY_LENGTH(sizes); i++) {
		while (has_room(held) &&
		       take_near(held, sizes[i], &frame) == ST_OK) {
			note(held, frame, sizes[i]);
			if (chunks++ % CHUNKS == 0 && !has_time(watch))
				return false;
		}
	}
	return true;
}

void stress_free_held(struct held *held, uint64_t *wrong)
{
	while (held->notes != CHAIN_END) {
		struct notes *notes = notes_at(held->notes);
		pfn_t frame = { held->notes };

		while (notes->count > 0) {
			uint64_t chunk = notes->chunks[--notes->count];

			stress_give(wrong, chunk & SIZE_MASK,
				    (pfn_t){ chunk >> SIZE_BITS });
		}
		held->notes = notes->previous;
		stress_give(wrong, FRAME_4K, frame);
	}
}
