/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ledger.h - the owner of every page that the firmware named.
 *
 * Takes: the firmware's map, the usable limit, and the loader's owned runs.
 * Gives: a sorted list of runs {first, frames, owner} in which (L1) runs
 *        ascend and are not empty, (L2) are disjoint and end by
 *        PHYSICAL_LIMIT, (L3) touching ones differ in owner, (L4) together
 *        they are exactly the pages that the map names.
 *
 * Once there are frame pools, runs of usable memory have the owner `free`, and
 * the pools have an owner byte for each of their frames: LEDGER_BYTE_*.
 */
#ifndef MM_LEDGER_H
#define MM_LEDGER_H

#include <base/address.h>
#include <base/status.h>
#include <boot/handover.h>
#include <boot/owner.h>
#include <mm/region.h>

/*
 * The owner byte of a frame: 0 ... 31 are enum owner; then user memory with 1
 * ... 63 sharers; then the heap's slab classes; then enum owner again, for
 * frames that are never freed; then a user's page table with 1 ... 31 holders.
 * The rest is reserved.
 */
#define LEDGER_BYTE_SHARERS	64
#define LEDGER_BYTE_SLAB	128
#define LEDGER_BYTE_FIXED	192
#define LEDGER_BYTE_HOLDERS	224

_Static_assert(OWNER_COUNT <= 32, "an owner is a byte below 32");
_Static_assert(LEDGER_BYTE_FIXED + OWNER_COUNT <= LEDGER_BYTE_HOLDERS,
	       "an owner that keeps a frame is no count");

/* The owner that a frame's byte stands for; an invalid byte is `reserved`. */
enum owner ledger_byte_owner(uint8_t byte);

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
	const struct range *bad;
	size_t bad_count;
	const struct owned_run *owned;	/* ascending, disjoint               */
	size_t owned_count;
	void *scratch;			/* ledger_scratch_bytes, 8-aligned   */
	size_t scratch_bytes;
};

size_t ledger_scratch_bytes(size_t entries);

/* A capacity that is always enough. Each ledger_move may need two more. */
size_t ledger_capacity(size_t entries, size_t owned);

/*
 * `ledger->runs` and `capacity` are the caller's.
 * Fails: ST_FULL (runs or scratch); ST_CONFLICT when an owned run is not
 *        wholly usable memory or meets an earlier one; ST_BAD_RANGE when it
 *        is empty or wraps; ST_BAD_ARGUMENT when its owner has no name;
 *        ledger->count is 0 then.
 * Cost:  O(n log n) in entries, O(runs) for each owned run.
 */
enum status ledger_build(struct ledger *ledger,
			 const struct ledger_request *request);

/*
 * Changes the owner of the run's frames from `from` to `to`.
 * Fails: ST_CONFLICT (`from` does not own all of them), ST_FULL, ST_BAD_RANGE;
 *        nothing has changed then.
 * Cost:  O(log runs) to find, O(runs) to make room.
 */
enum status ledger_move(struct ledger *ledger, struct frame_run run,
			enum owner from, enum owner to);

uint64_t ledger_pages(const struct ledger *ledger, enum owner owner);
uint64_t ledger_total(const struct ledger *ledger);

/*
 * Fails: ST_NOT_FOUND when the firmware never named the frame.
 * Cost:  O(log runs).
 */
enum status ledger_find(const struct ledger *ledger, pfn_t frame,
			enum owner *out);

/*
 * Finds the pages of `owner` at or after `from`: the rest of the run that
 * holds `from`, or the next run. Unlike an index, `from` stays valid when
 * pages change their owner between two calls.
 * Fails: ST_NOT_FOUND when there are none.
 * Cost:  O(runs).
 */
enum status ledger_find_owned(const struct ledger *ledger, enum owner owner,
			      pfn_t from, struct frame_run *out);

/*
 * The number of pages that the map names, counted from the entries alone and
 * in another way than in ledger_build, so that a mistake in one is seen.
 * Fails: ST_FULL when there are fewer than ledger_scratch_bytes(count).
 * Cost:  O(n log n).
 */
enum status ledger_named_pages(const struct map_entry *entries, size_t count,
			       void *scratch, size_t scratch_bytes,
			       uint64_t *out);

const char *owner_name(enum owner owner);

bool ledger_audit(const struct ledger *ledger);	/* L1..L3 */

#endif
