/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bad_frames.h - takes frames out of use while the machine runs. */
#ifndef KERNEL_MEMORY_BAD_FRAMES_H
#define KERNEL_MEMORY_BAD_FRAMES_H

#include <base/address.h>
#include <base/status.h>
#include <boot/owner.h>
#include <mm/frame.h>

/* The owner byte of a bad frame in its pool: no caller can free it. */
#define BAD_FRAME_BYTE	((uint8_t)(FRAME_BYTE_FIXED | OWNER_BAD))
_Static_assert(BAD_FRAME_BYTE > FRAME_BYTE_LAST, "what can be freed");

/*
 * Makes `bad` the owner of the frame, for ever. From tasks only: if a CPU has
 * the frame in a cache, all CPUs drain.
 * Fails: ST_CONFLICT: it is in use, by `owner`; ST_NOT_FOUND: the
 *        firmware never named it, `owner` is OWNER_COUNT.
 */
enum status bad_frame_retire(pfn_t frame, enum owner *owner);

#endif
