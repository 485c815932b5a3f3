/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* probe.h - whether memory that the firmware names keeps what is written. */
#ifndef KERNEL_BOOT_PROBE_H
#define KERNEL_BOOT_PROBE_H

#include <base/range.h>

/*
 * Writes to the first page of a run that is in the direct map, past the
 * processor's caches, and reads it back. The page's content is as before.
 */
bool probe_keeps(struct frame_run run);

/* Runs that did not. */
struct probe_losses {
	struct frame_run first;
	uint64_t runs, pages;
};

void probe_note_loss(struct probe_losses *losses, struct frame_run run);

/* One warning, if there were any. */
void probe_warn(const struct probe_losses *losses);

#endif
