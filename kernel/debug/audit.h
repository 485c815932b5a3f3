/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * audit.h - checks memory, page tables and ledger against the contracts.
 *
 * Every finding is one log line; the functions return the number of findings.
 */
#ifndef KERNEL_DEBUG_AUDIT_H
#define KERNEL_DEBUG_AUDIT_H

#include <stdint.h>

#include <base/text.h>

enum audit_phase {
	AUDIT_AT_ENTRY,		/* the identity map is still there           */
	AUDIT_RUNNING,		/* only the kernel's own areas               */
};

/*
 * Checks the handover against the raw map: regions, free list, owned pages,
 * ledger.
 */
unsigned audit_memory(void);

/*
 * Checks every leaf against the contract: inside RAM, ACPI or a named device
 * range, with the cache type of its area; no page writable and executable,
 * also not through its direct-map alias; no user bit; data never executable;
 * small pages only in the first 2 MiB; and the direct map complete.
 */
unsigned audit_tables(enum audit_phase phase);

/*
 * Compares the sum of all owners' pages, counted one by one, with the named
 * pages.
 */
unsigned audit_ledger(void);

#endif
