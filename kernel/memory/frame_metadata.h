/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_metadata.h - memory for what the frame pools know about memory.
 *
 * Arrays lie in the frame_meta area of the address space and are backed only
 * where their node has RAM, by that node's own pages where it has them, in
 * leaves of 2 MiB where they are large enough.
 */
#ifndef KERNEL_MEMORY_FRAME_METADATA_H
#define KERNEL_MEMORY_FRAME_METADATA_H

#include <stdint.h>

#include <base/status.h>

/*
 * An array of `bytes`, whole when `frames_per_byte` is 0. Otherwise byte n
 * speaks for that many frames from `first_frame` + n * frames_per_byte on,
 * and only the pages are there that speak for usable memory of `node`.
 * The content is undefined.
 */
struct meta_array {
	uint64_t bytes;
	uint64_t frames_per_byte;
	uint64_t first_frame;
	unsigned node;
};

/* Fails: ST_NO_MEMORY, ST_FULL (no more room in the area). Boot CPU only. */
enum status frame_meta_take(const struct meta_array *array, void **out);

/* All that has been taken, back to where it came from. Likewise. */
void frame_meta_give_all(void);

#endif
