/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame_metadata.h - allocates and maps the arrays of the frame pools.
 *
 * Arrays lie in the frame_meta area of the address space. Only the parts that
 * describe memory of the pool are backed: by pages of its node if that has free
 * ones, in leaves of 2 MiB where the part is large enough.
 */
#ifndef KERNEL_MEMORY_FRAME_METADATA_H
#define KERNEL_MEMORY_FRAME_METADATA_H

#include "frame_setup.h"

/* Fails: ST_NO_MEMORY, ST_FULL (no more room in the area). Boot CPU only. */
enum status frame_meta_take(const struct frame_plan *plan,
			    const struct meta_array *array, void **out);

/* Frees all arrays that were taken. Boot CPU only. */
void frame_meta_give_all(void);

#endif
