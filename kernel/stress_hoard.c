// SPDX-License-Identifier: MIT OR Apache-2.0
#include "stress_internal.h"

#include <base/bits.h>

#include "cpu_local.h"
#include "frames.h"
#include "kernel.h"
#include "log.h"

#define WRONGS_SHOWN	20
#define CHAIN_END	UINT64_MAX
#define SIZE_BITS	2
#define SIZE_MASK	3

void stress_wrong(uint64_t *wrong, const char *what, uint64_t value)
{
	if ((*wrong)++ < WRONGS_SHOWN)
		log_line(LOG_ERROR, "stress: wrong what=\"%s\" value=0x%lx "
				    "cpu=%u", what, value, cpu_local_id());
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

static uint64_t *link_of(pfn_t frame)
{
	return window_at_frame(&kernel.window, frame);
}

void stress_hoard(struct hoard *hoard)
{
	static const enum frame_size sizes[] = { FRAME_1G, FRAME_2M, FRAME_4K };
	pfn_t frame;

	hoard->chain = CHAIN_END;
	for (unsigned i = 0; i < ARRAY_LENGTH(sizes); i++) {
		while (stress_take(sizes[i], &frame) == ST_OK) {
			*link_of(frame) = hoard->chain;
			hoard->chain = frame.raw << SIZE_BITS | sizes[i];
		}
	}
}

void stress_give_hoard(struct hoard *hoard, uint64_t *wrong)
{
	while (hoard->chain != CHAIN_END) {
		enum frame_size size = hoard->chain & SIZE_MASK;
		pfn_t frame = { hoard->chain >> SIZE_BITS };

		hoard->chain = *link_of(frame);
		stress_give(wrong, size, frame);
	}
}
