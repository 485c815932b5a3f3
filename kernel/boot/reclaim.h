/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* reclaim.h - memory of loader and firmware, once they need it no more. */
#ifndef KERNEL_BOOT_RECLAIM_H
#define KERNEL_BOOT_RECLAIM_H

#include <base/status.h>
#include <boot/owner.h>

/* Takes the early identity map away: low memory and the switch page. */
enum status boot_drop_identity(void);

/*
 * Frees the pages of `from` that are in the direct map: those of loader and
 * firmware once nothing of theirs runs, those of the ACPI tables once they
 * are copied. Before frames_start.
 */
enum status boot_reclaim(enum owner from);

#endif
