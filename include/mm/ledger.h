/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ledger.h - who owns every page that the firmware named.
 *
 * Takes: the firmware's map, the usable limit, and the loader's owned runs.
 * Gives: a sorted list of runs {first, frames, owner} in which (L1) runs
 *        ascend, (L2) are disjoint, (L3) touching ones differ in owner,
 *        (L4) together they are exactly the pages that the map names.
 *
 * Runs, not a byte per frame, while only the boot's few owners exist.
 */
#ifndef MM_LEDGER_H
#define MM_LEDGER_H

#include <base/address.h>
#include <base/status.h>
#include <boot/handover.h>
#include <boot/owner.h>
#include <mm/region.h>

struct ledger_run {
	pfn_t first;
	uint64_t frames;
	uint64_t owner;			/* enum owner                        */
};

struct ledger {
	struct ledger_run *runs;
	size_t count;
	size_t capacity;
};

struct ledger_request {
	const struct map_entry *entries; /* as region_request                */
	size_t count;
	uint64_t usable_limit;
	const struct owned_run *owned;	/* ascending, disjoint               */
	size_t owned_count;
	void *scratch;			/* ledger_scratch_bytes(count)       */
	size_t scratch_bytes;
};

size_t ledger_scratch_bytes(size_t entries);

/*
 * `ledger->runs` and `capacity` are the caller's.
 * Fails: ST_FULL; ST_CONFLICT when an owned run is not wholly usable memory.
 */
enum status ledger_build(struct ledger *ledger,
			 const struct ledger_request *request);

/*
 * Hands run's frames, all owned by `from`, to `to`.
 * Fails: ST_CONFLICT (any frame is not `from`'s), ST_FULL, ST_BAD_RANGE;
 *        nothing has changed then.
 */
enum status ledger_move(struct ledger *ledger, struct frame_run run,
			enum owner from, enum owner to);

uint64_t ledger_pages(const struct ledger *ledger, enum owner owner);
uint64_t ledger_total(const struct ledger *ledger);

/* Fails: ST_NOT_FOUND when the firmware never named the frame. */
enum status ledger_find(const struct ledger *ledger, pfn_t frame,
			enum owner *out);

/* The pages that the map names, counted from the entries alone. */
enum status ledger_named_pages(const struct map_entry *entries, size_t count,
			       void *scratch, size_t scratch_bytes,
			       uint64_t *out);

const char *owner_name(enum owner owner);

bool ledger_audit(const struct ledger *ledger);	/* L1..L3 */

#endif
