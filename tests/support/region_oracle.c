// SPDX-License-Identifier: MIT OR Apache-2.0
#include "region_oracle.h"

#include <stdio.h>
#include <stdlib.h>

typedef unsigned __int128 wide_t;

#define LAST_PAGE ((1UL << 40) - 1)

static wide_t end_of(const struct map_entry *entry)
{
	return (wide_t)entry->start + entry->bytes;
}

/* True when the entry has any byte of the page. */
static bool names(const struct map_entry *entry, wide_t page_start)
{
	return entry->bytes != 0 && entry->start < page_start + 4096 &&
	       end_of(entry) > page_start;
}

/* True when the entry has every byte of the page. */
static bool covers(const struct map_entry *entry, wide_t page_start)
{
	return entry->bytes != 0 && entry->start <= page_start &&
	       end_of(entry) >= page_start + 4096;
}

static bool is_usable(const struct map_entry *entry)
{
	bool right_type = entry->type == 1 || entry->type == 2 ||
			  entry->type == 3 || entry->type == 4 ||
			  entry->type == 7;
	bool write_back = (entry->attributes >> 3 & 1) != 0;
	bool special = (entry->attributes >> 18 & 1) != 0;
	bool runtime = (entry->attributes >> 63 & 1) != 0;

	return right_type && write_back && !special && !runtime;
}

static int kind_of_restrictive(const struct map_entry *entry)
{
	bool special = (entry->attributes >> 18 & 1) != 0;
	bool runtime = (entry->attributes >> 63 & 1) != 0;

	if (special || runtime)
		return REGION_KEEP;
	if (entry->type == 9)
		return REGION_ACPI;
	if (entry->type == 14)
		return REGION_PERSISTENT;
	if (entry->type == 15)
		return REGION_UNACCEPTED;
	return REGION_KEEP;
}

static int kind_of_usable(const struct map_entry *entry, wide_t page_start,
			  uint64_t asked_limit)
{
	wide_t limit = (wide_t)1 << 46;		/* 64 TiB */

	if (asked_limit != 0 && asked_limit < limit)
		limit = asked_limit;
	if (page_start < 0x10000 || page_start + 4096 > limit)
		return REGION_KEEP;
	if (page_start < 0x100000)
		return REGION_LOW;
	return entry->type == 7 ? REGION_FREE : REGION_LATER;
}

/* The strictness of a kind, not taken from the enum. */
static int strictness(int kind)
{
	static const int mild_to_strict[] = {
		REGION_FREE, REGION_LOW, REGION_LATER, REGION_MMIO,
		REGION_ACPI, REGION_PERSISTENT, REGION_UNACCEPTED,
		REGION_BAD, REGION_KEEP,
	};

	for (int i = 0; i < (int)(sizeof(mild_to_strict) / sizeof(int)); i++)
		if (mild_to_strict[i] == kind)
			return i;
	return -1;
}

struct oracle_verdict region_oracle_page(const struct region_request *request,
					 uint64_t page)
{
	struct oracle_verdict verdict = { .kind = ORACLE_NOTHING };
	wide_t page_start = (wide_t)page * 4096;
	bool named_usable = false, explained = false, offered = false;

	for (size_t i = 0; i < request->count; i++) {
		const struct map_entry *entry = &request->entries[i];
		int kind = ORACLE_NOTHING;

		if (is_usable(entry)) {
			if (names(entry, page_start))
				named_usable = true;
			if (covers(entry, page_start) &&
			    end_of(entry) <= (wide_t)1 << 52) {
				kind = kind_of_usable(entry, page_start,
						      request->usable_limit);
				offered = true;
			}
		} else if (names(entry, page_start)) {
			explained = true;
			kind = kind_of_restrictive(entry);
		}
		if (strictness(kind) > strictness(verdict.kind))
			verdict.kind = kind;
	}
	verdict.lost = named_usable && !explained &&
		       verdict.kind != REGION_FREE &&
		       verdict.kind != REGION_LOW &&
		       verdict.kind != REGION_LATER;
	verdict.beyond = offered && !explained && page >= 1UL << 34 &&
			 (request->usable_limit == 0 ||
			  request->usable_limit >= 1UL << 46);
	return verdict;
}

/* The list's kind for all of the run, or -2 when it has more than one. */
static int listed_kind(const struct region_list *list, struct oracle_run run)
{
	uint64_t start = run.first_page * 4096;
	uint64_t end = (run.first_page + run.pages) * 4096;

	for (size_t i = 0; i < list->count; i++) {
		const struct region *region = &list->items[i];

		if (region->start.raw <= start && end <= region->end.raw)
			return (int)region->kind;
		if (region->start.raw < end && start < region->end.raw)
			return -2;
	}
	return ORACLE_NOTHING;
}

const char *region_oracle_compare(const struct region_list *list,
				  const struct region_request *request,
				  const struct oracle_run *runs, size_t count)
{
	static char text[160];
	uint64_t pages[REGION_KIND_COUNT] = { 0 };
	uint64_t lost = 0, beyond = 0, empty = 0, next = 0;

	for (size_t i = 0; i < count; i++) {
		struct oracle_verdict verdict =
			region_oracle_page(request, runs[i].first_page);
		int kind = listed_kind(list, runs[i]);

		if (runs[i].first_page != next)
			return "the runs leave something out";
		next += runs[i].pages;
		if (kind != verdict.kind) {
			snprintf(text, sizeof(text),
				 "pages %#lx..%#lx: kind %d, expected %d",
				 runs[i].first_page, next, kind, verdict.kind);
			return text;
		}
		if (verdict.kind != ORACLE_NOTHING)
			pages[verdict.kind] += runs[i].pages;
		if (verdict.lost)
			lost += runs[i].pages;
		if (verdict.beyond)
			beyond += runs[i].pages;
	}
	if (next != LAST_PAGE + 1)
		return "the runs end too early";
	for (size_t i = 0; i < request->count; i++)
		if (request->entries[i].bytes == 0)
			empty++;
	for (int kind = 0; kind < REGION_KIND_COUNT; kind++)
		if (list->totals.pages[kind] != pages[kind])
			return "a total of pages";
	if (list->totals.lost_pages != lost) {
		snprintf(text, sizeof(text), "lost_pages %lu, expected %lu",
			 list->totals.lost_pages, lost);
		return text;
	}
	if (list->totals.beyond_pages != beyond)
		return "beyond_pages";
	if (list->totals.entries != request->count ||
	    list->totals.dropped_entries != empty)
		return "entries or dropped_entries";
	return NULL;
}

static int compare_pages(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

struct oracle_run *region_oracle_runs(const struct region_request *request,
				      size_t *count)
{
	uint64_t *cuts = calloc(4 * request->count + 8, sizeof(*cuts));
	struct oracle_run *runs = calloc(4 * request->count + 8, sizeof(*runs));
	size_t used = 0;

	/* The page of an edge and the next one: one of them is a cut. */
	for (size_t i = 0; i < request->count; i++) {
		wide_t end = end_of(&request->entries[i]);

		cuts[used++] = request->entries[i].start / 4096;
		cuts[used++] = request->entries[i].start / 4096 + 1;
		cuts[used++] = (uint64_t)(end / 4096);
		cuts[used++] = (uint64_t)(end / 4096) + 1;
	}
	cuts[used++] = 0;
	cuts[used++] = 0x10000 / 4096;
	cuts[used++] = 0x100000 / 4096;
	cuts[used++] = 1UL << 34;
	cuts[used++] = request->usable_limit / 4096;
	cuts[used++] = LAST_PAGE + 1;
	qsort(cuts, used, sizeof(*cuts), compare_pages);
	*count = 0;
	for (size_t i = 0; i + 1 < used && cuts[i] <= LAST_PAGE; i++)
		if (cuts[i] != cuts[i + 1])
			runs[(*count)++] = (struct oracle_run){
				cuts[i], cuts[i + 1] - cuts[i]
			};
	free(cuts);
	return runs;
}
