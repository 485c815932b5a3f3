/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* reclaim.h - frees memory of loader and firmware that they no longer need. */
#ifndef KERNEL_BOOT_RECLAIM_H
#define KERNEL_BOOT_RECLAIM_H

#include <base/status.h>
#include <boot/owner.h>

/* Unmaps the early identity map: low memory and the switch page. */
enum status boot_drop_identity(void);

/*
 * Frees the pages of `from` that are in the direct map: those of loader and
 * firmware once their code no longer runs, those of the ACPI tables once the
 * tables are copied: of these only such as the rules of region.h allow. Before
 * frames_start.
 */
enum status boot_reclaim(enum owner from);

#endif
