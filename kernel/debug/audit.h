/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * audit.h - is what the kernel has what it was promised?
 *
 * Every finding is one log line; the functions return how many there were.
 */
#ifndef KERNEL_DEBUG_AUDIT_H
#define KERNEL_DEBUG_AUDIT_H

#include <stdint.h>

#include <base/text.h>

enum audit_phase {
	AUDIT_AT_ENTRY,		/* the identity map is still there           */
	AUDIT_RUNNING,		/* only the kernel's own areas               */
};

/* Handover against the raw map: regions, free list, owned pages, ledger. */
unsigned audit_memory(void);

/*
 * Every leaf against the contract: inside RAM, ACPI or a named device
 * range, with the cache type of its area; no page writable and executable,
 * also not through its direct-map alias; no user bit; data never
 * executable; small pages only in the first 2 MiB; and the direct map
 * whole.
 */
unsigned audit_tables(enum audit_phase phase);

/* The owners, walked one by one, against the pages that were named. */
unsigned audit_ledger(void);

#endif
