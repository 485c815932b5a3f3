// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Compares the handover with the records of the fake: its map, the pages that
 * it allocated, its file.
 */
#include "verdict.h"

#include <base/bits.h>
#include <boot/crash_log.h>
#include <boot/elf.h>
#include <boot/layout.h>
#include <mm/ledger.h>

#include <stdlib.h>
#include <string.h>

#define RECLAIMABLE_ALLOCS	3	/* entries, scratch, switch page     */
#define INT3			0xcc
#define LOG_PAGES		4

static const char *wrong_handover(const struct view *view)
{
	const struct handover *handover = view->handover;
	const char *refusal = handover_refusal(handover, 0);

	if (refusal[0] != '\0')
		return refusal;
	for (size_t i = 0; i < ARRAY_LENGTH(handover->spare); i++)
		if (handover->spare[i] != 0)
			return "a spare word is not zero";
	if (handover->switch_page.raw != view->run->jump)
		return "the handover names another switch page";
	if (handover->stage_tsc[STAGE_EFI_MAIN] == 0 ||
	    handover->stage_tsc[STAGE_EFI_MAIN] >=
		    handover->stage_tsc[STAGE_MAP_FINAL] ||
	    handover->stage_tsc[STAGE_MAP_FINAL] >=
		    handover->stage_tsc[STAGE_EXIT_DONE])
		return "stages out of order";
	if (handover->exit_tries < view->run->exit_calls)
		return "fewer tries than calls";
	if (handover->tsc_ticks_per_us == 0)
		return "a clock that stands";
	if (handover->cpu.cr0 != view->pc->processor.cr0 ||
	    handover->cpu.cr4 != view->pc->processor.cr4)
		return "another entry state";
	return NULL;
}

static const char *wrong_raw_map(const struct view *view)
{
	const struct handover *handover = view->handover;

	if (handover->raw_map_bytes != view->run->map_bytes ||
	    handover->raw_map_stride != view->pc->memory.stride ||
	    handover->raw_map_version != 1)
		return "a raw map of another shape";
	return memcmp((const void *)handover->raw_map.raw, view->run->map,
		      view->run->map_bytes) == 0 ? NULL :
		"another map than the one that was accepted";
}

static const char *compare_regions(const struct view *view,
				   const struct region_list *list)
{
	const struct handover *handover = view->handover;
	const struct frame_run *runs =
		(const void *)handover->free_list.address.raw;
	size_t used = 0;

	if (handover->regions.count != list->count ||
	    memcmp((const void *)handover->regions.address.raw, list->items,
		   list->count * sizeof(list->items[0])) != 0)
		return "other regions than the map's";
	for (size_t i = 0; i < list->count; i++) {
		const struct region *region = &list->items[i];

		if (region->kind != REGION_FREE)
			continue;
		if (used == handover->free_list.count ||
		    runs[used].first.raw != region->start.raw / PAGE_SIZE ||
		    runs[used].frames != (region->end.raw - region->start.raw) /
						 PAGE_SIZE)
			return "a free list that is not the free regions";
		used++;
	}
	return used == handover->free_list.count ? NULL :
		"a free list that is longer than the free regions";
}

static const char *wrong_regions(const struct view *view)
{
	size_t bytes = region_scratch_bytes(view->entry_count);
	struct region_list list = {
		.capacity = region_list_capacity(view->entry_count),
	};
	void *scratch = malloc(bytes);
	const char *wrong;

	list.items = calloc(list.capacity, sizeof(list.items[0]));
	if (region_list_build(&list, &(struct region_request){
		.entries = view->entries,
		.count = view->entry_count,
		.usable_limit = view->handover->usable_limit,
		.bad = view->options.bad,
		.bad_count = view->options.bad_count,
		.scratch = scratch,
		.scratch_bytes = bytes }) != ST_OK)
		wrong = "a map without regions";
	else
		wrong = compare_regions(view, &list);
	free(scratch);
	free(list.items);
	return wrong;
}

/* --- who owns what --------------------------------------------------------*/

static uint64_t owned_pages(const struct view *view, enum owner owner)
{
	const struct handover_array *list = &view->handover->owned;
	const struct owned_run *runs = (const void *)list->address.raw;
	uint64_t pages = 0;

	for (uint32_t i = 0; i < list->count; i++)
		if (runs[i].owner == owner)
			pages += runs[i].frames;
	return pages;
}

/* The kernel's own bytes, placed in one block or by segments. */
static uint64_t image_pages(const struct handover *handover)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(handover->segments); i++) {
		const struct handover_segment *segment =
			&handover->segments[i];

		pages += segment->rights & SEGMENT_WRITE ?
				 (segment->used_bytes + PAGE_MASK) / PAGE_SIZE :
				 segment->bytes / PAGE_SIZE;
	}
	return pages;
}

static const char *wrong_owners(const struct view *view)
{
	static const enum owner named[] = {
		OWNER_KERNEL_IMAGE, OWNER_PAGE_TABLE, OWNER_HANDOVER,
		OWNER_BOOT_LIST, OWNER_LOG, OWNER_STACK,
	};
	const struct handover_array *list = &view->handover->owned;
	const struct owned_run *runs = (const void *)list->address.raw;
	uint64_t all = 0, of_these = 0;

	for (uint32_t i = 0; i < list->count; i++)
		all += runs[i].frames;
	for (size_t i = 0; i < ARRAY_LENGTH(named); i++)
		of_these += owned_pages(view, named[i]);
	if (all != of_these)
		return "an owner that a loader does not have";
	if (owned_pages(view, OWNER_KERNEL_IMAGE) !=
	    image_pages(view->handover))
		return "more or less than the image is owned as image";
	if (owned_pages(view, OWNER_PAGE_TABLE) != view->table_pages)
		return "more or less than the tables is owned as tables";
	if (owned_pages(view, OWNER_STACK) != STACK_BYTES / PAGE_SIZE ||
	    owned_pages(view, OWNER_LOG) != LOG_PAGES + CRASH_PAGES)
		return "another stack or log than there is";
	return NULL;
}

/* Pages in front of the run, which the loader should have given back. */
static bool has_head(const struct fake_alloc *alloc,
		     const struct owned_run *run)
{
	uint64_t head = run->first.raw - alloc->start / PAGE_SIZE;

	/* The image is aligned within its allocation. */
	if (run->owner == OWNER_KERNEL_IMAGE)
		return head >= SIZE_2M / PAGE_SIZE;
	return head != 0;
}

/* The owned runs in this allocation; `*wrong` when one is half in it. */
static unsigned runs_in_alloc(const struct view *view,
			     const struct fake_alloc *alloc, const char **wrong)
{
	const struct handover_array *list = &view->handover->owned;
	const struct owned_run *runs = (const void *)list->address.raw;
	uint64_t first = alloc->start / PAGE_SIZE;
	bool trimmed = view->run->failed[SERVICE_FREE_PAGES] == 0;
	unsigned found = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		if (runs[i].first.raw < first ||
		    runs[i].first.raw >= first + alloc->pages)
			continue;
		found++;
		if (runs[i].first.raw + runs[i].frames > first + alloc->pages)
			*wrong = "an owned run that was not allocated";
		if (trimmed && has_head(alloc, &runs[i]))
			*wrong = "an owned run that begins inside a allocation";
	}
	return found;
}

/* Each allocated page is owned, or known to be reclaimable. */
static const char *wrong_allocs(const struct view *view)
{
	const struct fake_run *run = view->run;
	unsigned reclaimable = RECLAIMABLE_ALLOCS, found = 0;
	const char *wrong = NULL;

	if (view->handover->flags & HANDOVER_KERNEL_OVERRIDE)
		reclaimable++;
	for (size_t i = 0; i < run->alloc_count; i++) {
		const struct fake_alloc *alloc = &run->allocs[i];
		unsigned runs = runs_in_alloc(view, alloc, &wrong);

		found += runs;
		if (alloc->start < LOW_END &&
		    run->failed[SERVICE_FREE_PAGES] == 0)
			return "low memory that was not given back";
		if (runs == 0 && alloc->start >= LOW_END)
			reclaimable--;
		if (runs > 1)
			return "two owned runs in one allocation";
	}
	if (wrong == NULL && found != view->handover->owned.count)
		wrong = "an owned run that was never allocated";
	if (wrong == NULL && reclaimable != 0 &&
	    run->failed[SERVICE_FREE_PAGES] == 0)
		wrong = "pages without an owner";
	return wrong;
}

/* The kernel does this first: it must find no contradiction. */
static const char *wrong_ledger(const struct view *view)
{
	const struct handover_array *owned = &view->handover->owned;
	struct ledger ledger = {
		.capacity = ledger_capacity(view->entry_count, owned->count),
	};
	struct ledger_request request = {
		.entries = view->entries,
		.count = view->entry_count,
		.usable_limit = view->handover->usable_limit,
		.bad = view->options.bad,
		.bad_count = view->options.bad_count,
		.owned = (const void *)owned->address.raw,
		.owned_count = owned->count,
		.scratch_bytes = ledger_scratch_bytes(view->entry_count),
	};
	enum status status;

	ledger.runs = calloc(ledger.capacity, sizeof(ledger.runs[0]));
	request.scratch = malloc(request.scratch_bytes);
	status = ledger_build(&ledger, &request);
	free(ledger.runs);
	free(request.scratch);
	return status == ST_OK ? NULL :
		"the kernel's ledger contradicts the owned list";
}

/* --- the kernel's bytes ---------------------------------------------------*/

/* Also above 4 GiB, where ASan's memcmp fails. */
static bool bytes_are(const unsigned char *at, int value, uint64_t bytes)
{
	const uint64_t *words = (const void *)align_up((uint64_t)at, 8);
	uint64_t word = (uint64_t)value * 0x0101010101010101;
	const unsigned char *end = at + bytes;

	for (; at < end && at < (const unsigned char *)words; at++)
		if (*at != value)
			return false;
	for (; (const unsigned char *)(words + 1) <= end; words++)
		if (*words != word)
			return false;
	for (at = (const void *)words; at < end; at++)
		if (*at != value)
			return false;
	return true;
}

static bool bytes_equal(const unsigned char *a, const unsigned char *b,
			uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static const char *wrong_segment(const struct handover_segment *segment,
				 const struct elf_segment *plan,
				 const unsigned char *file)
{
	const unsigned char *at = (const unsigned char *)segment->phys.raw;
	int filler = segment->rights & SEGMENT_EXECUTE ? INT3 : 0;
	uint64_t kept = segment->bytes, filled = segment->bytes;

	if (segment->rights & SEGMENT_WRITE)
		kept = align_up(segment->used_bytes, PAGE_SIZE);
	if ((segment->rights & SEGMENT_EXECUTE) == 0)
		filled = align_up(segment->used_bytes, PAGE_SIZE);
	if (segment->virt.raw != plan->virt.raw ||
	    segment->used_bytes != plan->memory_bytes ||
	    segment->rights != plan->rights)
		return "a segment that is not the file's";
	if (!fake_pages_are_allocated(at, kept))
		return "a segment in memory that was not allocated";
	if (!bytes_equal(at, file + plan->file_offset, plan->file_bytes))
		return "a segment with other bytes";
	if (!bytes_are(at + plan->file_bytes, filler,
		       filled - plan->file_bytes))
		return "something behind a segment's bytes";
	return NULL;
}

static const char *wrong_kernel(const struct view *view)
{
	const struct handover *handover = view->handover;
	bool overridden = handover->flags & HANDOVER_KERNEL_OVERRIDE;
	const void *file = overridden ? view->pc->kernel.data :
					view->pc->embedded;
	uint64_t bytes = overridden ? view->pc->kernel.bytes :
				      sizeof(view->pc->embedded);
	const char *wrong = NULL, *reason;
	struct elf_plan plan;

	if (elf_check(file, bytes, &plan, &reason) != ST_OK)
		return "a kernel that should have been refused";
	if (view->parameters->entry != plan.entry.raw)
		return "an entry that is not the file's";
	for (size_t i = 0; i < ELF_SEGMENTS && wrong == NULL; i++)
		wrong = wrong_segment(&handover->segments[i],
				      &plan.segments[i], file);
	return wrong;
}

/* The log must equal the text for the serial port. */
static const char *wrong_log(const struct view *view)
{
	const struct handover *handover = view->handover;
	const char *log = (const char *)handover->log.raw;
	const char *heard = view->run->serial;
	uint64_t i = 0;

	if (handover->log_bytes == 0 || log[handover->log_bytes - 1] != '\n')
		return "a log without a whole line";
	if (view->pc->serial != SERIAL_PLAIN || *heard == '\0')
		return NULL;
	/* The serial text begins with a line end of its own. */
	for (heard += 2; *heard != '\0'; heard++) {
		if (*heard == '\r')
			continue;
		if (i == handover->log_bytes || log[i++] != *heard)
			return "a log that is not what was said";
	}
	return i == handover->log_bytes ? NULL : "a log of more than was said";
}

/* The log that a reset now would leave names the loader's last stage. */
static const char *wrong_crash_log(const struct view *view)
{
	const struct handover *handover = view->handover;
	const struct crash_log *log =
		(const struct crash_log *)handover->crash_log.raw;
	struct crash_text text;

	if (handover->crash_log_bytes != CRASH_PAGES * PAGE_SIZE ||
	    crash_log_check(log, handover->crash_log_bytes) != ST_OK)
		return "a crash log that is not valid";
	if (strcmp(log->stage, "loader.jump") != 0 || log->fault[0] != '\0' ||
	    log->ended)
		return "a crash log with another story";
	text = crash_log_text(log);
	if (text.bytes != handover->log_bytes ||
	    memcmp(text.text, (const void *)handover->log.raw,
		   text.bytes) != 0)
		return "a crash log with other lines than the log";
	if (view->run->cache_start != handover->crash_log.raw ||
	    memcmp(log, view->run->cached, sizeof(*log) + text.bytes) != 0)
		return "a crash log that would not survive a reset";
	return NULL;
}

const char *wrong_contents(struct view *view)
{
	static const char *(*const steps[])(const struct view *view) = {
		wrong_handover, wrong_raw_map, wrong_regions, wrong_allocs,
		wrong_ledger, wrong_kernel, wrong_log, wrong_crash_log,
	};
	const char *wrong = first_wrong(steps, ARRAY_LENGTH(steps), view);

	if (wrong == NULL)
		wrong = wrong_tables(view);
	return wrong != NULL ? wrong : wrong_owners(view);
}
