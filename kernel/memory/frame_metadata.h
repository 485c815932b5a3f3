/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_metadata.h - allocates and maps the arrays of the frame pools.
 *
 * Arrays lie in the frame_meta area of the address space. Only the parts that
 * describe RAM of the node are backed: by pages of that node if it has free
 * ones, in leaves of 2 MiB where the part is large enough.
 */
#ifndef KERNEL_MEMORY_FRAME_METADATA_H
#define KERNEL_MEMORY_FRAME_METADATA_H

#include <stdint.h>

#include <base/status.h>

/*
 * An array of `bytes`, backed as a whole when `frames_per_byte` is 0.
 * Otherwise byte n describes that many frames from `first_frame` + n *
 * frames_per_byte on, and only the pages that describe usable memory of `node`
 * are backed. The content is undefined.
 */
struct meta_array {
	uint64_t bytes;
	uint64_t frames_per_byte;
	uint64_t first_frame;
	unsigned node;
};

/* Fails: ST_NO_MEMORY, ST_FULL (no more room in the area). Boot CPU only. */
enum status frame_meta_take(const struct meta_array *array, void **out);

/* Frees all arrays that were taken. Boot CPU only. */
void frame_meta_give_all(void);

#endif
