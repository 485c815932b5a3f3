/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * kernel.h - the household: the one instance of everything.
 *
 * The rooms of mm take a pointer to their struct; here is who holds it.
 */
#ifndef KERNEL_BOOT_KERNEL_H
#define KERNEL_BOOT_KERNEL_H

#include <boot/handover.h>
#include <boot/options.h>
#include <mm/early.h>
#include <mm/ledger.h>
#include <mm/region.h>
#include <mm/table.h>
#include <mm/window.h>

#include "boot_memory.h"

struct kernel {
	const struct handover *handover;	/* [C] in the direct map     */
	struct options options;			/* [C]                       */
	struct window window;			/* [C] direct map            */
	struct memory_map map;
	struct early early;
	struct ledger ledger;
	struct table table;
	uint64_t stage_tsc[STAGE_COUNT];	/* [C]                       */
	unsigned failed_commands;		/* of run=                   */
};

extern struct kernel kernel;

_Noreturn void kernel_main(const struct handover *from_loader,
			   uint64_t entry_tsc);

#endif
