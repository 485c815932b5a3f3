/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * boot_info.h - the input from the loader: handover, options, stage times.
 * main.c fills it in.
 */
#ifndef KERNEL_BOOT_BOOT_INFO_H
#define KERNEL_BOOT_BOOT_INFO_H

#include <boot/handover.h>
#include <boot/options.h>

struct boot_info {
	const struct handover *handover;	/* [C] in the direct map     */
	struct options options;			/* [C]                       */
	uint64_t stage_tsc[STAGE_COUNT];	/* [C]                       */
};

extern struct boot_info boot_info;

#endif
